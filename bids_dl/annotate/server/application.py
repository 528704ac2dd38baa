"""The application of aiohttp: routes, and what every request passes before its handler.

Order: the head of the request, the token or the cookie, the parameters, the body. A request that is
refused has read and written nothing. No request is logged, because the first one has the token.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bids_dl.annotate.server.changing import CHANGES
from bids_dl.annotate.server.checking.admission import Admission
from bids_dl.annotate.server.checking.bodies import MAX_BODY_BYTES
from bids_dl.annotate.server.checking.guards import SECURITY_HEADERS, check_head
from bids_dl.annotate.server.checking.parameters import parse_parameters, parse_token
from bids_dl.annotate.server.checking.refusals import BUSY, FORBIDDEN, NOT_FOUND, RefusedError
from bids_dl.annotate.server.labelling import LABELLING, Labelling
from bids_dl.annotate.server.reading import READINGS, query_of
from bids_dl.annotate.server.static_files import PAGE, StaticFiles
from bids_dl.errors import BidsDlError, RecordingError

METHODS = ("GET", "POST")
METHOD_NOT_ALLOWED, SERVER_ERROR = 405, 500
COOKIE = "bids_dl_"  # and the port, because a browser sends cookies to all ports of a host
NO_COOKIE = "open the address that the terminal printed last; each admits one browser"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Conditions of entrance to the page, and its addresses.

    Attributes
    ----------
    admission
        Token and cookies.
    hosts
        Values of Host that name this server.
    port
        Port of the server.
    on_admission
        Called after a browser was admitted, because the printed address is used up.
    """

    admission: Admission
    hosts: Collection[str]
    port: int
    on_admission: Callable[[], None]


def make_application(labelling: Labelling, entrance: Entrance) -> web.Application:
    """Make the application of a page.

    Parameters
    ----------
    labelling
        Pool, signals, log and questions.
    entrance
        Who may enter.
    """
    application = web.Application(
        middlewares=[_answer_errors, _make_guard(entrance)], client_max_size=MAX_BODY_BYTES
    )
    application[LABELLING] = labelling
    static = StaticFiles()

    async def show_page(request: web.Request) -> web.Response:
        return _serve_file(request, static, PAGE)

    async def show_file(request: web.Request) -> web.Response:
        return _serve_file(request, static, request.match_info["name"])

    router = application.router
    router.add_get("/", show_page, allow_head=False)
    router.add_get("/static/{name:.+}", show_file, allow_head=False)
    router.add_get("/favicon.ico", _show_no_icon, allow_head=False)
    for path, reading in READINGS.items():
        router.add_get(path, reading, allow_head=False)
    for path, change in CHANGES.items():
        router.add_post(path, change)
    return application


def _serve_file(request: web.Request, static: StaticFiles, name: str) -> web.Response:
    parse_parameters(query_of(request), {})
    content, kind = static.read(name)
    return web.Response(body=content, content_type=kind, charset="utf-8")


async def _show_no_icon(request: web.Request) -> web.Response:  # noqa: ARG001
    """Answer the request that browsers make for every page."""
    return web.Response(status=204)


def _make_guard(entrance: Entrance) -> Middleware:
    """Make the middleware that admits requests."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in METHODS:
            raise web.HTTPMethodNotAllowed(request.method, METHODS)
        host = check_head(request.method, request.raw_path, request.headers, entrance.hosts)
        name = f"{COOKIE}{entrance.port}"
        query = query_of(request)
        if request.method == "GET" and request.path == "/" and query:
            token = parse_parameters(query, {"token": parse_token})["token"]
            return _admit(entrance, token, host, name)
        if not entrance.admission.admits(request.cookies.get(name), host):
            raise RefusedError(FORBIDDEN, NO_COOKIE)
        return await handler(request)

    return guard


def _admit(entrance: Entrance, token: str, host: str, name: str) -> web.Response:
    """Exchange the token for a cookie, and lead to the page without the token."""
    cookie = entrance.admission.exchange(token, host)
    if cookie is None:
        raise RefusedError(FORBIDDEN, NO_COOKIE)
    response = web.Response(status=303, headers={"Location": "/"})
    response.set_cookie(name, cookie, path="/", httponly=True, samesite="Strict")
    entrance.on_admission()
    return response


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors by one sentence in JSON, and add the headers of security to everything."""
    try:
        response = await handler(request)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001  (a request must not end the page of others)
        response = _describe_error(error)
    response.headers.update(SECURITY_HEADERS)
    return response


def _describe_error(error: Exception) -> web.Response:
    """Return the response for an error."""
    headers = {}
    if isinstance(error, RefusedError):
        status, reason = error.status, str(error)
    elif isinstance(error, RecordingError):
        status, reason = NOT_FOUND, f"the recording cannot be shown: {error}"
    elif isinstance(error, BidsDlError):
        status, reason = BUSY, str(error)
    elif isinstance(error, web.HTTPException):
        status, reason = error.status, _explain_status(error)
        if "Allow" in error.headers:
            headers["Allow"] = error.headers["Allow"]
    else:
        logger.error("a request failed", exc_info=error)
        status, reason = SERVER_ERROR, "the server failed; its terminal has the reason"
    return web.json_response({"error": reason}, status=status, headers=headers)


def _explain_status(error: web.HTTPException) -> str:
    if error.status == METHOD_NOT_ALLOWED:
        return "the address does not allow this method"
    if error.status == NOT_FOUND:
        return "the page has no such address"
    return (error.reason or "the request is wrong").lower()
