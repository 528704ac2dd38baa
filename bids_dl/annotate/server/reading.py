"""Requests that change nothing: the session, recordings, questions, pages of signals, figures."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.asking.questions import Questioner
from bids_dl.annotate.asking.status import describe_strip, list_answers
from bids_dl.annotate.server.checking.parameters import (
    EXPERT_PARAMETERS,
    FILTER_PARAMETERS,
    PAGE_PARAMETERS,
    parse_count,
    parse_name,
    parse_parameters,
    parse_recording,
)
from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, RefusedError
from bids_dl.annotate.server.labelling import LABELLING, Labelling
from bids_dl.annotate.server.page_defaults import FILTERS, describe_recording
from bids_dl.annotate.viewing import (
    RecordingKey,
    Signals,
    ViewRequest,
    compute_view,
    encode_view,
)

BYTES = "application/octet-stream"
DEFAULT_COUNT = 3  # questions: the one that is shown, and those whose pages are fetched ahead


def query_of(request: web.Request) -> str:
    """Return the query of a request, as it was sent."""
    return request.raw_path.partition("?")[2]


async def get_session(request: web.Request) -> web.Response:
    """Return classes, recordings and settings."""
    from bids_dl import __version__

    parse_parameters(query_of(request), {})
    labelling = request.app[LABELLING]
    windows = labelling.windows
    return web.json_response(
        {
            "title": labelling.title,
            "folder": labelling.folder_id,
            "version": __version__,
            "classes": [
                {"name": item.name, "key": item.key, "hed": item.hed} for item in labelling.classes
            ],
            "unsure": UNSURE,
            "recordings": list_recordings(labelling),
            "window_seconds": windows.window_seconds,
            "n_windows": len(windows),
            "annotator": labelling.config.annotator,
            "signals": "source" if labelling.config.sources else "store",
            "shows_opinion": labelling.config.show_opinion,
            "filters": FILTERS,
        }
    )


def list_recordings(labelling: Labelling) -> list[dict[str, Any]]:
    """List the recordings of the pool.

    Their length is the end of the last window, because the headers of all files would take minutes
    to read. The header of a recording has its true length.
    """
    windows = labelling.windows
    several = len({dataset for dataset, _ in windows.recordings}) > 1
    recordings = []
    for number, (dataset, path) in enumerate(windows.recordings):
        name = path.rpartition("/")[2]
        onsets = windows.onset[windows.rows_of_recording(number)]
        recordings.append(
            {
                "number": number,
                "name": f"{dataset} {name}" if several else name,
                "seconds": float(onsets.max()) + windows.window_seconds,
            }
        )
    return recordings


async def get_recording(request: web.Request) -> web.Response:
    """Return the channels and the montages of a recording."""
    parse_parameters(query_of(request), {})
    labelling = request.app[LABELLING]
    number = parse_recording("recording", request.match_info["number"])
    key = labelling.find_key(number)
    header = await labelling.slots.run(labelling.signals.header, key)
    name = key[1].rpartition("/")[2]
    return web.json_response({"number": number, "name": name, **describe_recording(header)})


async def get_next(request: web.Request) -> web.Response:
    """Return the next questions of a tab, without the opinion of the model."""
    optional = {"count": parse_count}
    required = {"annotator": parse_name, "tab": parse_name}
    values = parse_parameters(query_of(request), required, optional)
    labelling = request.app[LABELLING]
    questions = labelling.questioner.questions(
        values["annotator"],
        values["tab"],
        count=values.get("count", DEFAULT_COUNT),
        now=time.monotonic(),
    )
    items = []
    for question in questions:
        item = question.as_dict()
        if labelling.config.show_opinion:
            item["opinion"] = question.probabilities
        items.append(item)
    message = "" if items else explain_end(labelling.questioner)
    return web.json_response({"items": items, "message": message})


def explain_end(questioner: Questioner) -> str:
    """Return the reason for which an expert gets no question."""
    if questioner.n_unanswered == 0:
        return "all windows of the pool are answered"
    return "the other windows are being answered by other experts or tabs"


async def get_page(request: web.Request) -> web.Response:
    """Return the signals of a page as bytes."""
    values = parse_parameters(query_of(request), PAGE_PARAMETERS, FILTER_PARAMETERS)
    labelling = request.app[LABELLING]
    key = labelling.find_key(values.pop("recording"))
    for name in FILTER_PARAMETERS:
        values.setdefault(name, None)
    if None not in (values["low"], values["high"]) and values["low"] >= values["high"]:
        raise RefusedError(BAD_REQUEST, "low must be below high")
    view = await labelling.slots.run(_compute, labelling.signals, key, ViewRequest(**values))
    return web.Response(body=view, content_type=BYTES)


def _compute(signals: Signals, key: RecordingKey, request: ViewRequest) -> bytes:
    """Compute a page, in a thread.

    Raises
    ------
    RefusedError
        400 if the recording does not allow the page.
    """
    try:
        return encode_view(compute_view(signals, key, request))
    except ValueError as error:
        raise RefusedError(BAD_REQUEST, str(error)) from None


async def get_strip(request: web.Request) -> web.Response:
    """Return the windows of a recording with their probabilities, and the marks of the expert."""
    required = {"recording": parse_recording}
    values = parse_parameters(query_of(request), required, EXPERT_PARAMETERS)
    labelling = request.app[LABELLING]
    labelling.find_key(values["recording"])
    strip = describe_strip(
        labelling.questioner,
        values.get("annotator"),
        values["recording"],
        shows_opinion=labelling.config.show_opinion,
    )
    return web.json_response(strip)


async def get_answers(request: web.Request) -> web.Response:
    """Return the answers of an expert, the newest first."""
    values = parse_parameters(query_of(request), EXPERT_PARAMETERS)
    answers = list_answers(request.app[LABELLING].questioner, values["annotator"])
    known = [answer for answer in answers if answer["recording"] is not None]
    return web.json_response({"answers": known})


async def get_status(request: web.Request) -> web.Response:
    """Return progress, test figures and the state of the training."""
    values = parse_parameters(query_of(request), {}, EXPERT_PARAMETERS)
    return web.json_response(request.app[LABELLING].describe_status(values.get("annotator")))


READINGS: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "/api/session": get_session,
    "/api/recordings/{number}": get_recording,
    "/api/next": get_next,
    "/api/page": get_page,
    "/api/strip": get_strip,
    "/api/answers": get_answers,
    "/api/status": get_status,
}
"""Handlers by path."""
