"""Answers of the imitated hub, and those that go wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import web
from hub_faults import HubFault


def json_answer(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.json_response(content, status=status, headers=headers)


def error_answer(status: int, text: str) -> web.Response:
    return json_answer({"error": text}, status, {"X-Error-Message": text})


def raise_error(status: int, code: str, text: str) -> NoReturn:
    """Raise the answer to a request for what is not there."""
    kinds: dict[int, type[web.HTTPException]] = {401: web.HTTPUnauthorized, 404: web.HTTPNotFound}
    raise kinds[status](
        text=json.dumps({"error": text}),
        content_type="application/json",
        headers={"X-Error-Code": code, "X-Error-Message": text},
    )


def busy_answer(fault: HubFault) -> web.Response:
    headers = {}
    if "Retry-After" in fault.headers:
        headers["Retry-After"] = str(fault.seconds)
    if "RateLimit" in fault.headers:
        headers["RateLimit"] = f'"resolvers";r=0;t={fault.seconds}'
        headers["RateLimit-Policy"] = '"fixed window";"resolvers";q=3000;w=300'
    return web.json_response({"error": "Too many requests"}, status=429, headers=headers)


def close_connection(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def send_half(request: web.Request, response: web.Response) -> web.Response:
    """Send all headers and half of the body, then close the connection."""
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    await stream.write(body[: len(body) // 2])
    await asyncio.sleep(0.05)
    return close_connection(request)
