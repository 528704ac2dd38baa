"""Requests that change something: answers, marks, their changes and undos, and rounds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bids_dl.annotate.answers import Item
from bids_dl.annotate.answers.lines import UUID_PATTERN, VERSION
from bids_dl.annotate.asking.hand_outs import Question
from bids_dl.annotate.asking.reasons import MARK
from bids_dl.annotate.server.answer_log import Line, read_clock
from bids_dl.annotate.server.checking.bodies import (
    CHANGE_BODY,
    MAX_BODY_BYTES,
    ROUND_BODY,
    UNDO_BODY,
    parse_answer,
    parse_body,
)
from bids_dl.annotate.server.checking.marked_channels import find_channels
from bids_dl.annotate.server.checking.parameters import parse_parameters
from bids_dl.annotate.server.checking.refusals import (
    BAD_REQUEST,
    CONFLICT,
    NOT_FOUND,
    TIMEOUT,
    TOO_LARGE,
    RefusedError,
)
from bids_dl.annotate.server.labelling import LABELLING, Labelling
from bids_dl.annotate.server.reading import query_of

BODY_SECONDS = 10.0  # for a body to arrive; loopback takes milliseconds
ROUNDING = 1e-6  # s, of the end of a mark
CREATED, ACCEPTED, OK = 201, 202, 200
IDENTIFIER = re.compile(UUID_PATTERN)


async def read_body(request: web.Request) -> bytes:
    """Read the body of a request.

    Raises
    ------
    RefusedError
        413 if the body is too large, 408 if it does not arrive.
    """
    too_large = RefusedError(TOO_LARGE, f"the body has more than {MAX_BODY_BYTES} bytes")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise too_large
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except TimeoutError:
        raise RefusedError(TIMEOUT, "the body did not arrive; send it again") from None


async def post_answer(request: web.Request) -> web.Response:
    """Append the answer about an item or a mark."""
    parse_parameters(query_of(request), {})
    body = parse_answer(await read_body(request))
    labelling = request.app[LABELLING]
    labelling.check_label(body["label"])
    if "mark" in body:
        item = await make_mark(labelling, body)
        line = make_line(labelling, body, item, None)
    else:
        question = labelling.questioner.find_question(body["annotator"], body["item"])
        if question is None:
            raise RefusedError(NOT_FOUND, "the pool has no such item")
        line = make_line(labelling, body, question.item, question)
    return await append(labelling, line)


async def make_mark(labelling: Labelling, body: Mapping[str, Any]) -> Item:
    """Return the item of a mark.

    Raises
    ------
    RefusedError
        404 if the recording does not exist, 400 if the mark is not inside of it.
    """
    mark = body["mark"]
    key = labelling.find_key(mark["recording"])
    header = await labelling.slots.run(labelling.signals.header, key)
    end = mark["onset"] + mark["duration"]
    if end > header.seconds + ROUNDING:
        raise RefusedError(
            BAD_REQUEST, f"the mark ends at {end:g} s, after the recording of {header.seconds:g} s"
        )
    montage = (body.get("display") or {}).get("montage")
    channels = find_channels(header, montage, mark["channels"])
    return labelling.windows.make_mark(
        key, float(mark["onset"]), float(mark["duration"]), channels=channels
    )


def make_line(
    labelling: Labelling, body: Mapping[str, Any], item: Item, question: Question | None
) -> Line:
    """Return the line of the log for an answer.

    Parameters
    ----------
    labelling
        Pool and log.
    body
        Body of the request.
    item
        Item of the answer.
    question
        Question that the answer is about; None for a mark.
    """
    opinion = None if question is None else question.probabilities
    return {
        "version": VERSION,
        "kind": "answer",
        "id": body["id"],
        "time": read_clock(),
        "annotator": body["annotator"],
        "dataset": item.dataset,
        "recording": item.recording,
        "onset": item.onset,
        "duration": item.duration,
        "channels": list(item.channels),
        "label": body["label"],
        "item": item.id,
        "purpose": item.purpose,
        "round": labelling.questioner.last_round if question is None else question.round,
        "model": None if question is None else question.model,
        "probabilities": None if opinion is None else dict(opinion),
        "strategy": MARK if question is None else question.strategy,
        "display": body.get("display"),
        "ms": body.get("ms"),
    }


async def append(labelling: Labelling, line: Line) -> web.Response:
    """Append a line and answer the request.

    The line counts also if the request is cancelled meanwhile, because it may be on the disk.
    """
    is_new = await asyncio.shield(asyncio.ensure_future(_append(labelling, line)))
    known = labelling.log.find(line["id"]) or line
    response = {
        "id": known["id"],
        "label": known.get("label"),
        "opinion": known.get("probabilities"),
        "status": labelling.describe_status(line["annotator"]),
    }
    return web.json_response(response, status=CREATED if is_new else OK)


async def _append(labelling: Labelling, line: Line) -> bool:
    is_new = await labelling.log.append(line)
    if is_new:
        labelling.questioner.add_line(line)
        labelling.rounds.consider()
    return is_new


async def post_undo(request: web.Request) -> web.Response:
    """Append the undo of a line."""
    return await _post_correction(request, "undo")


async def post_change(request: web.Request) -> web.Response:
    """Append another label for an answer."""
    return await _post_correction(request, "change")


async def _post_correction(request: web.Request, kind: str) -> web.Response:
    parse_parameters(query_of(request), {})
    body = parse_body(await read_body(request), UNDO_BODY if kind == "undo" else CHANGE_BODY)
    labelling = request.app[LABELLING]
    if "label" in body:
        labelling.check_label(body["label"])
    target = request.match_info["id"]
    line = {"version": VERSION, "kind": kind, "time": read_clock(), "of": target, **body}
    if not labelling.log.is_repeated(line):
        check_target(labelling, target, body["annotator"], kind)
    return await append(labelling, line)


def check_target(labelling: Labelling, identifier: str, annotator: str, kind: str) -> None:
    """Refuse a correction of a line that is unknown, of another expert, or holds no more.

    Raises
    ------
    RefusedError
        404 or 409.
    """
    target = labelling.log.find(identifier) if IDENTIFIER.match(identifier) else None
    if target is None:
        raise RefusedError(NOT_FOUND, "the log has no such answer")
    if target["annotator"] != annotator:
        raise RefusedError(CONFLICT, f"the answer is one of {target['annotator']}")
    is_redo = kind == "undo" and target["kind"] == "undo"
    if not is_redo and labelling.questioner.answered.find_answer(identifier) is None:
        raise RefusedError(CONFLICT, "the answer was undone before")


async def post_round(request: web.Request) -> web.Response:
    """Begin a round of training."""
    parse_parameters(query_of(request), {})
    parse_body(await read_body(request), ROUND_BODY)
    labelling = request.app[LABELLING]
    labelling.rounds.request()
    return web.json_response({"status": labelling.describe_status(None)}, status=ACCEPTED)


CHANGES: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "/api/answers": post_answer,
    "/api/answers/{id}/undo": post_undo,
    "/api/answers/{id}/change": post_change,
    "/api/round": post_round,
}
"""Handlers by path."""
