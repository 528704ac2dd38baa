"""Options of the search in NEMAR's catalogue by name, to their dataclass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from bids_dl.config.arguments import check_flags
from bids_dl.config.declaration import declared_options
from bids_dl.config.finding_stage import FindConfig, Limits
from bids_dl.config.options import LabelOptions, QueryOptions
from bids_dl.config.validation import build
from bids_dl.config.values import as_texts
from bids_dl.errors import ConfigError
from bids_dl.wording import suggest

LICENCE_KINDS = (*("public", "attribution", "sharealike", "noncommercial", "noderiv", "unknown"),)
"""Kinds of licence that NEMAR's catalogue knows."""
FLAGS = ("with_hed", "with_copies", "include_unknown")
RANGE = ".."  # between two limits


def parse_finding(options: Mapping[str, Any]) -> FindConfig:
    """Build the filter of datasets, ignoring other options.

    Raises
    ------
    ConfigError
        A range or a kind of licence cannot be parsed, or an option has no effect.

    Examples
    --------
    >>> parse_finding({"subjects": "20..", "license": "public"}).subjects
    (20, None)
    """
    values = {field.name: options.get(field.name) for field in fields(FindConfig)}
    _check_queries(options)
    check_flags(**{name: values[name] or False for name in FLAGS})
    for name in ("subjects", "channels"):
        values[name] = parse_limits(values[name], f"--{name}")
    values["license"] = as_texts(values["license"])
    for kind in values["license"] or ():
        if kind not in LICENCE_KINDS:
            raise ConfigError(f"--license {kind}: unknown kind; {suggest(kind, LICENCE_KINDS)}")
    return build(FindConfig, **values)


def _check_queries(options: Mapping[str, Any]) -> None:
    """Refuse options of queries without a query, which would have no effect."""
    if options.get("hed") or options.get("event"):
        return
    for name, option in declared_options(QueryOptions, LabelOptions).items():
        if options.get(name) is not None:
            raise ConfigError(f"{option.flags[0]} has no effect without --hed or --event; add one")


def parse_limits(value: Any, flag: str) -> Limits | None:
    """Return the lowest and the highest number of a range, and None for None.

    Parameters
    ----------
    value
        ``"20.."``, ``"..64"``, ``"20..64"``, one number, or a pair in which None is no limit.
    flag
        Name of the option, for messages.

    Raises
    ------
    ConfigError
        The value is no range, or its first number is above the second.

    Examples
    --------
    >>> parse_limits("..64", "--channels"), parse_limits(19, "--channels")
    ((None, 64), (19, 19))
    """
    if value is None:
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        low, high = value if len(value) == 2 else ("?", "?")
    else:
        low, separator, high = str(value).partition(RANGE)
        high = high if separator else low
    limits = _limit(low), _limit(high)
    if None in limits or limits == ("", ""):
        raise ConfigError(f"{flag} {value}: expected a range such as 20.., ..64 or 20..64")
    lowest, highest = (None if limit == "" else int(limit or 0) for limit in limits)
    if lowest is not None and highest is not None and lowest > highest:
        raise ConfigError(f"{flag} {value}: the range is empty, because {low} is above {high}")
    return lowest, highest


def _limit(value: Any) -> str | None:
    """Return the digits of a whole number, "" for no limit, and None for any other value."""
    text = "" if value is None else str(value).strip()
    return text if not text or (text.isascii() and text.isdecimal()) else None
