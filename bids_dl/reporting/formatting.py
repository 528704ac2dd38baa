"""Numbers, times and parameters as text: the filters of the page's templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_SECONDS_SHOWN = 90  # a longer time reads more easily in minutes
MAX_MINUTES_SHOWN = 90  # a longer time reads more easily in hours


def format_count(number: int, noun: str = "") -> str:
    """Format a count with separators of thousands, and with its noun if there is one.

    Examples
    --------
    >>> format_count(1234567), format_count(1, "window"), format_count(2, "window")
    ('1,234,567', '1 window', '2 windows')
    """
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_share(share: float) -> str:
    """Format a fraction as a percentage. Only exactly 0 and 1 become 0 % and 100 %.

    Examples
    --------
    >>> format_share(0.256), format_share(0.9999)
    ('25.6 %', 'over 99.9 %')
    """
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{100 * share:.3g} %"


def describe_share(share: float) -> str:
    """Describe the share of the samples that a step changed.

    Examples
    --------
    >>> describe_share(1.0), describe_share(0.25)
    ('all samples changed', '25 % of the samples changed')
    """
    if share == 0:
        return "no samples changed"
    if share == 1:
        return "all samples changed"
    return f"{format_share(share)} of the samples changed"


def format_duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours.

    Examples
    --------
    >>> format_duration(2.5), format_duration(600), format_duration(7500)
    ('2.5 s', '10 min', '2 h 05 min')
    """
    if seconds < MAX_SECONDS_SHOWN:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < MAX_MINUTES_SHOWN:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_level(level: float | None) -> str:
    """Format a level in dB with its sign, or a dash if it is None.

    Examples
    --------
    >>> format_level(-3.21), format_level(-0.01)
    ('-3.2', '+0.0')
    """
    if level is None:
        return "–"
    rounded = round(level, 1) + 0.0  # adding 0.0 turns -0.0 into 0.0
    return f"{rounded:+.1f}"


def format_query(query: Any) -> str:
    """Format a HED query, or a combination of queries as JSON."""
    return query if isinstance(query, str) else json.dumps(query, ensure_ascii=False)


def format_value(value: Any) -> str:
    """Format a parameter of a step.

    Examples
    --------
    >>> format_value(True), format_value(["M1", "M2"]), format_value({"T3": "T7"})
    ('yes', 'M1, M2', 'T3 → T7')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        pairs = [f"{key} → {format_value(inner)}" for key, inner in value.items()]
        return ", ".join(pairs) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
