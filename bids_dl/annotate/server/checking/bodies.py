"""Bodies of requests: JSON with known fields only, each of its type and within its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.annotate.answers.lines import (
    CHANNEL,
    DISPLAY,
    IDENTIFIER,
    MAX_CHANNELS,
    MAX_LINE_BYTES,
    NAME,
    SECONDS,
)
from bids_dl.annotate.server.checking.parameters import MAX_RECORDINGS
from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, RefusedError
from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.input import parse_json

MAX_BODY_BYTES = MAX_LINE_BYTES
MAX_MS = 86_400_000  # a day, as in the log


def _body(fields: Mapping[str, Schema], *, optional: frozenset[str] = frozenset()) -> Schema:
    """Return the schema of a body with these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "propertyNames": {"enum": list(fields)},
        "required": [name for name in fields if name not in optional],
    }


MARK = _body(
    {
        "recording": {"type": "integer", "minimum": 0, "maximum": MAX_RECORDINGS},
        "onset": SECONDS,
        "duration": {**SECONDS, "exclusiveMinimum": 0},
        "channels": {"type": "array", "items": CHANNEL, "maxItems": MAX_CHANNELS},
    }
)
ANSWER_BODY = _body(
    {
        "id": IDENTIFIER,
        "annotator": NAME,
        "tab": NAME,
        "item": NAME,
        "mark": MARK,
        "label": NAME,
        "display": DISPLAY,
        "ms": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_MS},
    },
    optional=frozenset({"item", "mark", "display", "ms"}),
)
UNDO_BODY = _body({"id": IDENTIFIER, "annotator": NAME})
CHANGE_BODY = _body({"id": IDENTIFIER, "annotator": NAME, "label": NAME})
ROUND_BODY = _body({})


def parse_body(content: bytes, schema: Schema) -> dict[str, Any]:
    """Parse and check the body of a request.

    Parameters
    ----------
    content
        Bytes of the body.
    schema
        One of the schemas above.

    Raises
    ------
    RefusedError
        400 if the body is not JSON, or has a field that is unknown, missing or wrong.

    Examples
    --------
    >>> parse_body(b'{"annotator": "a"}', UNDO_BODY)
    Traceback (most recent call last):
    ...
    bids_dl.annotate.server.checking.refusals.RefusedError: id is missing
    """
    try:
        body = parse_json(content)
    except ValueError as error:
        raise RefusedError(BAD_REQUEST, f"the body is no JSON ({error})") from None
    if problem := find_violation(body, schema):
        raise RefusedError(BAD_REQUEST, problem)
    parsed: dict[str, Any] = body
    return parsed


def parse_answer(content: bytes) -> dict[str, Any]:
    """Parse the body of an answer, which is about an item or about a mark.

    Parameters
    ----------
    content
        Bytes of the body.

    Raises
    ------
    RefusedError
        400 as for `parse_body`, or if the answer is about both or neither.
    """
    body = parse_body(content, ANSWER_BODY)
    if ("item" in body) == ("mark" in body):
        raise RefusedError(BAD_REQUEST, "an answer must be about an item or about a mark")
    return body
