"""Parsing of option values: numbers, sizes, pairs, assignments and lists of texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from bids_dl.errors import ConfigError

SIZE = re.compile(r"(\d+\.?\d*)\s*(?:([kmgt])?(i)?b)?", re.IGNORECASE)
AGE = re.compile(r"(\d+\.?\d*)\s*([hdw])")
CONTENT_ID = re.compile(r"[0-9a-f]{16,64}")
SECONDS = {"h": 3600.0, "d": 86400.0, "w": 604800.0}  # of a unit of age
ASSIGNMENT = re.compile(r"([^=]*)=(.*)", re.DOTALL)
SECRET_FLAGS = ("--storage-option",)  # whose values may be secrets, which no message repeats
MAX_SHOWN = 60  # characters of a text of several lines in a message


def parse_number(value: Any) -> float | None:
    """Return a finite number, or None if the value is not one, as True and False are not."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def parse_size(value: Any) -> Any:
    """Return a size in bytes from a text. Numbers are bytes already.

    Raises
    ------
    ConfigError
        The text is not a size.

    Examples
    --------
    >>> parse_size("4GB"), parse_size("1.5 GiB"), parse_size(1000)
    (4000000000, 1610612736, 1000)
    """
    if not isinstance(value, str):
        return value
    match = SIZE.fullmatch(value.strip())
    if not match:
        raise ConfigError(f"--memory {value}: expected a size, such as 4GB")
    number, prefix, binary = match.groups()
    exponent = " KMGT".index((prefix or " ").upper())
    base = 1024 if binary else 1000
    return round(float(number) * base**exponent)


def parse_content_id(value: Any) -> Any:
    """Return the hexadecimal digits of a content identifier, or a part of them, in lower case.

    Raises
    ------
    ConfigError
        The value is not text, or has fewer than 16 or other digits.

    Examples
    --------
    >>> parse_content_id("bids-dl:8AB9831022C042AA")
    '8ab9831022c042aa'
    """
    if value is None:
        return None
    digits = str(value).strip().lower().removeprefix("bids-dl:")
    if not isinstance(value, str) or not CONTENT_ID.fullmatch(digits):
        raise ConfigError(
            f"--content {str(value)[:80]!r}: expected a content identifier, which has 16 to 64 "
            "hexadecimal digits, such as bids-dl:8ab9831022c042aa"
        )
    return digits


def parse_age(value: Any) -> Any:
    """Return an age in seconds from a text. Numbers are seconds already.

    Raises
    ------
    ConfigError
        The text is not an age.

    Examples
    --------
    >>> parse_age("12h"), parse_age("30d"), parse_age("2w")
    (43200.0, 2592000.0, 1209600.0)
    """
    if not isinstance(value, str):
        return value
    match = AGE.fullmatch(value.strip().lower())
    if not match:
        raise ConfigError(f"--older-than {value}: expected hours, days or weeks, such as 30d")
    return float(match[1]) * SECONDS[match[2]]


def parse_text(name: str, value: Any, *, several_lines: bool = False) -> Any:
    """Return a text without surrounding spaces, and None for None.

    Parameters
    ----------
    name
        Name of the option, for messages.
    several_lines
        True if the text may have more than one line.

    Raises
    ------
    ConfigError
        The value is not a text, is blank, or has more lines than it may have.

    Examples
    --------
    >>> parse_text("title", " Eyes open and closed ")
    'Eyes open and closed'
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{name} {value!r}: expected a text; quote it: {name}: '...'")
    text = value.strip()
    if not text:
        raise ConfigError(f"{name} {value!r}: expected a text, found a blank one; leave it out")
    if len(text.splitlines()) > 1 and not several_lines:
        raise ConfigError(
            f"{name} {text[:MAX_SHOWN]!r}: expected one line; use description for more"
        )
    return text


def parse_split(value: Any) -> Any:
    """Return fractions as a tuple, and the name of a column as it is.

    Examples
    --------
    >>> parse_split("0.8,0.1,0.1"), parse_split(1), parse_split("site")
    ((0.8, 0.1, 0.1), (1,), 'site')
    """
    if isinstance(value, str):
        numbers = [parse_number(part) for part in value.split(",")]
        return value if None in numbers else tuple(numbers)
    if isinstance(value, int | float):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def parse_pair(value: Any, option: str, *, may_be_single: bool) -> tuple[float, float] | None:
    """Return two numbers in s, from ``"1,2"`` or a sequence, and None for None.

    Parameters
    ----------
    value
        Text, number or sequence.
    option
        Name for error messages, such as ``"trim"``.
    may_be_single
        A single number is used twice.

    Raises
    ------
    ConfigError
        The value is not a pair of finite numbers.
    """
    if value is None:
        return None
    if isinstance(value, str):
        parts: list[Any] = list(value.split(","))
    else:
        parts = list(value) if isinstance(value, list | tuple) else [value]
    numbers = [parse_number(part) for part in parts]
    if may_be_single and len(numbers) == 1:
        numbers = numbers * 2
    if len(numbers) == 2:
        first, second = numbers
        if first is not None and second is not None:
            return first, second
    form = "SECONDS or FROM,TO" if may_be_single else "FROM,TO"
    raise ConfigError(f"--{option} {value}: expected {form} in seconds, such as 3,5")


def parse_assignments(value: Any, flag: str) -> dict[str, Any] | None:
    """Return a mapping from ``KEY=VALUE`` texts, a copy of a mapping, or None if it is empty.

    Values are read as YAML, so that ``anon=true`` is a boolean.

    Raises
    ------
    ConfigError
        A text has no key or no ``=``.
    """
    if value is None or isinstance(value, Mapping):
        return dict(value) if value else None
    assignments = {}
    for text in as_tuple(value):
        match = ASSIGNMENT.fullmatch(text) if isinstance(text, str) else None
        if not match or not match[1]:
            shown = flag if flag in SECRET_FLAGS else f"{flag} {text}"
            raise ConfigError(f"{shown}: expected KEY=VALUE")
        assignments[match[1]] = _yaml_value(match[2])
    return assignments


def parse_probabilities(value: Any, flag: str) -> dict[str, float] | None:
    """Return a mapping from ``NAME=PROBABILITY`` texts, as `parse_assignments`.

    Raises
    ------
    ConfigError
        A value is not from 0 to 1.

    Examples
    --------
    >>> parse_probabilities(["mixup=0.2"], "--augment")
    {'mixup': 0.2}
    """
    assignments = parse_assignments(value, flag)
    for name, number in (assignments or {}).items():
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not 0 <= number <= 1:
            raise ConfigError(f"{flag} {name}={number}: expected a number from 0 to 1")
    return assignments


def parse_shares(value: Any) -> float | tuple[float, ...] | None:
    """Return a share from 0 to 1, or several from text with commas or a sequence, None for None.

    Raises
    ------
    ConfigError
        A share is 0 or less, or above 1.

    Examples
    --------
    >>> parse_shares("0.1,0.3,1"), parse_shares(0.5)
    ((0.1, 0.3, 1.0), 0.5)
    """
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else as_tuple(value)
    shares: list[float] = []
    for part in parts:
        number = parse_number(part)
        if number is None or not 0 < number <= 1:
            raise ConfigError(
                f"--train-fraction {value}: expected shares above 0 and up to 1, such as 0.1,0.3,1"
            )
        shares.append(number)
    if not shares:
        raise ConfigError("--train-fraction: the list of shares is empty")
    return tuple(dict.fromkeys(shares)) if len(shares) > 1 else shares[0]


def _yaml_value(text: str) -> Any:
    """Return a value read as YAML, or the text itself if it is not YAML, as some passwords are."""
    import yaml  # here, because few commands need it

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError at an impossible date
        return text


def as_texts(value: Any) -> tuple[str, ...] | None:
    """Return a value or a sequence of values as texts, or None for None."""
    if value is None:
        return None
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item) for item in values)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return a sequence as a tuple, None as the empty one, and any other value as its only item."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)
