"""The lines of the log of answers: their fields, and how large each may be."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.errors import BidsDlError

VERSION = 1  # of the lines
MAX_LINE_BYTES = 64_000  # of a line, as of a request to the page; a line has about 400
MAX_SECONDS = 1e8  # three years, more than any recording
MAX_CHANNELS = 4096
MAX_CLASSES = 100
MAX_REMEMBERED = 200  # characters of a text whose check is remembered
NAME_PATTERN = r"^[A-Za-z0-9_-]+\Z"
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
TIME_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z"
UNWRITABLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
"""Control characters, line breaks, and surrogates, which no file can hold."""
LABEL = rf"[^/\\{UNWRITABLE}]{{1,200}}"  # in a file name, which has up to 255 bytes
RECORDING_PATTERN = rf"^sub-{LABEL}/(ses-{LABEL}/)?(eeg|ieeg)/sub-{LABEL}\Z"
DATASET_PATTERN = rf"^(?!\.|code\Z){LABEL}\Z"  # code/ has the log
PURPOSES = ("train", "test")


class AnswerError(BidsDlError):
    """A line that the log of answers does not accept. The log was not changed."""

    exit_status = 2


def _text(pattern: str, description: str, max_length: int = 64) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": pattern,
        "maxLength": max_length,
        "description": description,
    }


IDENTIFIER = _text(UUID_PATTERN, "a UUID in lower case")
NAME = _text(NAME_PATTERN, "a name of letters, digits, _ and -")
CHANNEL = _text(rf"^[^{UNWRITABLE}]+\Z", "text without control characters", 200)
SECONDS: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
NUMBER: dict[str, Any] = {"type": ["number", "null"], "minimum": -1e9, "maximum": 1e9}
COMMON: dict[str, Schema] = {
    "version": {"const": VERSION},
    "kind": {"enum": ["answer", "change", "undo"]},
    "id": IDENTIFIER,
    "time": _text(TIME_PATTERN, "a UTC time such as 2026-01-31T12:00:00.000Z"),
    "annotator": NAME,
}
DISPLAY: Schema = {
    "type": ["object", "null"],
    "properties": {
        "montage": CHANNEL,
        **dict.fromkeys(("low", "high", "notch", "sensitivity"), NUMBER),
    },
    "propertyNames": {"enum": ["montage", "low", "high", "notch", "sensitivity"]},
}
ANSWER: dict[str, Schema] = {
    **COMMON,
    "dataset": _text(DATASET_PATTERN, "a name without slashes", 200),
    "recording": _text(RECORDING_PATTERN, "a BIDS path without suffix and extension", 500),
    "onset": SECONDS,
    "duration": SECONDS,
    "channels": {"type": "array", "items": CHANNEL, "maxItems": MAX_CHANNELS},
    "label": NAME,
    "item": NAME,
    "purpose": {"enum": list(PURPOSES)},
    "round": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    "model": {"type": ["string", "null"], "pattern": r"^[0-9a-f]{1,64}\Z", "maxLength": 64},
    "probabilities": {
        "type": ["object", "null"],
        "propertyNames": NAME,
        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        "maxProperties": MAX_CLASSES,
    },
    "strategy": NAME,
    "display": DISPLAY,
    "ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 86_400_000},
}
OPTIONAL = frozenset({"channels", "model", "probabilities", "display", "ms", "round"})


def _line(fields: Mapping[str, Schema]) -> Schema:
    """Return the schema of a line with these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "propertyNames": {"enum": list(fields)},
        "required": [name for name in fields if name not in OPTIONAL],
    }


SCHEMAS: Mapping[str, Schema] = {
    "answer": _line(ANSWER),
    "change": _line({**COMMON, "of": IDENTIFIER, "label": NAME}),
    "undo": _line({**COMMON, "of": IDENTIFIER}),
}
"""Schema of a line by its kind. ``of`` names the line that is changed or undone."""


def find_problem(line: Any) -> str | None:
    """Find the first reason for which a value is no line of the log.

    Parameters
    ----------
    line
        Parsed JSON.

    Returns
    -------
    str or None
        Field, value and what was expected; None for a valid line.

    Examples
    --------
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> find_problem(example_answer(id="7"))
    "id is '7', expected a UUID in lower case"
    """
    kind = line.get("kind", "answer") if isinstance(line, dict) else "answer"
    if not isinstance(kind, str) or kind not in SCHEMAS:
        return find_violation(line, {"properties": {"kind": COMMON["kind"]}})
    if _is_valid(line, kind):
        return _find_nan(line)
    return find_violation(line, SCHEMAS[kind]) or _find_nan(line)


def _is_valid(line: Mapping[str, Any], kind: str) -> bool:
    """Return whether a line fits its schema. It takes half as long as `find_violation`."""
    fields = SCHEMAS[kind]["properties"]
    if not line.keys() <= fields.keys() or not line.keys() >= set(SCHEMAS[kind]["required"]):
        return False
    for name, value in line.items():
        if type(value) is str and len(value) <= MAX_REMEMBERED:
            if not _is_valid_text(kind, name, value):
                return False
        elif find_violation(value, fields[name]):
            return False
    return True


@functools.lru_cache(maxsize=10_000)
def _is_valid_text(kind: str, name: str, value: str) -> bool:
    """Return whether text fits the schema of a field. Most texts of a log come many times."""
    return find_violation(value, SCHEMAS[kind]["properties"][name]) is None


def find_place_problem(dataset: str, recording: str) -> str | None:
    """Find the reason for which the log can have no answer about a recording.

    Parameters
    ----------
    dataset, recording
        Name of the dataset, and BIDS path of the recording without suffix and extension.

    Examples
    --------
    >>> find_place_problem("ds1", "sub-1/meg/sub-1")
    "recording is 'sub-1/meg/sub-1', expected a BIDS path without suffix and extension"
    """
    fields = {name: ANSWER[name] for name in ("dataset", "recording")}
    return find_violation({"dataset": dataset, "recording": recording}, _line(fields))


def _find_nan(values: Mapping[str, Any]) -> str | None:
    """Find a number that is NaN, which JSON has not and no limit excludes."""
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            return f"{name} is nan, expected a number"
        if isinstance(value, Mapping) and (problem := _find_nan(value)):
            return problem
    return None
