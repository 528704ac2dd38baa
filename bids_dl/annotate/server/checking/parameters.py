"""Parameters of requests: known names only, each once, each within its bounds.

A client never sends a path. Recordings are numbers, and names are of a fixed table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from bids_dl.annotate.answers.lines import NAME_PATTERN
from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, RefusedError
from bids_dl.wording import join_names

MAX_QUERY_CHARS = 2000
MAX_VALUE_CHARS = 200
MAX_COUNT = 20  # questions at a time
MAX_SECONDS = 1e8  # as in the log
MIN_DURATION, MAX_DURATION = 0.05, 120.0  # s of a page
MAX_WIDTH = 4096  # columns of a page, as wide as a canvas may be
MAX_FREQUENCY = 1e6  # Hz
MAX_RECORDINGS = 10_000_000
OFF = "off"
INTEGER = re.compile(r"[0-9]{1,9}")
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,25})?(e-[0-9]{1,3})?")  # as JavaScript writes them
NAME = re.compile(NAME_PATTERN)
MONTAGE = re.compile(r"[a-z]{1,32}")
Parser = Callable[[str, str], Any]


def parse_parameters(
    query: str, required: Mapping[str, Parser], optional: Mapping[str, Parser] | None = None
) -> dict[str, Any]:
    """Parse the query of an address.

    Parameters
    ----------
    query
        Text after the question mark, as it was sent.
    required, optional
        Parser of each parameter: a function of its name and its text.

    Returns
    -------
    dict
        Value of each parameter that was sent.

    Raises
    ------
    RefusedError
        400 if a parameter is unknown, missing, repeated, no UTF-8 or out of bounds.

    Examples
    --------
    >>> parse_parameters("recording=3", {"recording": parse_recording})
    {'recording': 3}
    """
    parsers = {**required, **(optional or {})}
    values: dict[str, Any] = {}
    for name, text in _split(query):
        if name not in parsers:
            raise RefusedError(BAD_REQUEST, f"unknown parameter; use {join_names(list(parsers))}")
        if name in values:
            raise RefusedError(BAD_REQUEST, f"{name} is there twice; send it once")
        values[name] = parsers[name](name, text)
    for name in required:
        if name not in values:
            raise RefusedError(BAD_REQUEST, f"{name} is missing")
    return values


def _split(query: str) -> list[tuple[str, str]]:
    """Return the decoded names and texts of a query."""
    if len(query) > MAX_QUERY_CHARS:
        raise RefusedError(BAD_REQUEST, f"the query has more than {MAX_QUERY_CHARS} characters")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict"
        )
    except ValueError:
        raise RefusedError(BAD_REQUEST, "the query is no list of NAME=VALUE in UTF-8") from None
    for name, text in pairs:
        if len(text) > MAX_VALUE_CHARS:
            raise RefusedError(
                BAD_REQUEST, f"{_show(name)} has more than {MAX_VALUE_CHARS} characters"
            )
    return pairs


def parse_integer(name: str, text: str, *, least: int, most: int) -> int:
    """Parse an integer of ASCII digits, within bounds.

    Raises
    ------
    RefusedError
        400 for any other text.
    """
    number = int(text) if INTEGER.fullmatch(text) else -1
    if not least <= number <= most:
        raise RefusedError(
            BAD_REQUEST, f"{name} is {_show(text)}, expected an integer of {least} to {most}"
        )
    return number


def parse_seconds(name: str, text: str, *, least: float = 0.0, most: float = MAX_SECONDS) -> float:
    """Parse a number of seconds, within bounds.

    Raises
    ------
    RefusedError
        400 for any other text, such as NaN, infinity or a negative number.
    """
    number = float(text) if NUMBER.fullmatch(text) else -1.0
    if not least <= number <= most:
        raise RefusedError(
            BAD_REQUEST, f"{name} is {_show(text)}, expected a number of {least:g} to {most:g}"
        )
    return number


def parse_recording(name: str, text: str) -> int:
    """Parse the number of a recording."""
    return parse_integer(name, text, least=0, most=MAX_RECORDINGS)


def parse_count(name: str, text: str) -> int:
    """Parse a number of questions."""
    return parse_integer(name, text, least=1, most=MAX_COUNT)


def parse_width(name: str, text: str) -> int:
    """Parse the width of a page in columns of pixels."""
    return parse_integer(name, text, least=1, most=MAX_WIDTH)


def parse_duration(name: str, text: str) -> float:
    """Parse the length of a page in s."""
    return parse_seconds(name, text, least=MIN_DURATION, most=MAX_DURATION)


def parse_frequency(name: str, text: str) -> float | None:
    """Parse the frequency of a filter in Hz. ``off`` is None."""
    if text == OFF:
        return None
    number = float(text) if NUMBER.fullmatch(text) else 0.0
    if not 0 < number <= MAX_FREQUENCY:
        raise RefusedError(
            BAD_REQUEST,
            f"{name} is {_show(text)}, expected off or Hz above 0 and up to {MAX_FREQUENCY:g}",
        )
    return number


def parse_montage(name: str, text: str) -> str:
    """Parse the name of a montage, which may be one that the recording does not have."""
    if not MONTAGE.fullmatch(text):
        raise RefusedError(BAD_REQUEST, f"{name} is {_show(text)}, expected the name of a montage")
    return text


def parse_name(name: str, text: str) -> str:
    """Parse the name of an annotator or of a tab of the browser."""
    if not NAME.fullmatch(text) or len(text) > 64:
        raise RefusedError(
            BAD_REQUEST,
            f"{name} is {_show(text)}, expected up to 64 letters, digits, _ and -",
        )
    return text


def parse_token(name: str, text: str) -> str:  # noqa: ARG001
    """Accept any token, which no message repeats."""
    return text


def _show(text: str) -> str:
    """Return a text of unknown origin for a message, shortened and in ASCII."""
    return ascii(text if len(text) <= 40 else f"{text[:40]}...")


PAGE_PARAMETERS: Mapping[str, Parser] = {
    "recording": parse_recording,
    "start": parse_seconds,
    "duration": parse_duration,
    "width": parse_width,
    "montage": parse_montage,
}
FILTER_PARAMETERS: Mapping[str, Parser] = dict.fromkeys(("low", "high", "notch"), parse_frequency)
EXPERT_PARAMETERS: Mapping[str, Parser] = {"annotator": parse_name}
