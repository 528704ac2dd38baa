"""The storage of the imitated hub: large files behind signed addresses that expire."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web
from hub_answers import error_answer

KEY = b"key of the imitated storage"


@dataclass
class HubStorage:
    """Large files by the hash of their content.

    Attributes
    ----------
    signed_seconds
        Seconds that a signed address is valid.
    is_amazon
        Whether signed addresses state their expiry as S3 does, else as CloudFront does.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    signed_seconds: int = 3600
    is_amazon: bool = False

    def sign(self, oid: str, method: str, *, is_expired: bool = False) -> str:
        """Return the signed address to read ("GET") or to write ("PUT") a large file."""
        seconds = -60 if is_expired else self.signed_seconds
        expiry = int(time.time() + seconds)
        query = {"Expires": str(expiry)}
        if self.is_amazon:
            date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(expiry - self.signed_seconds))
            query = {"X-Amz-Date": date, "X-Amz-Expires": str(self.signed_seconds)}
        query["until"] = str(expiry)
        query["Signature"] = _signature(oid, method, expiry)
        return f"{self.url}/stored/{oid}?{urlencode(query)}"

    async def download(self, request: web.Request) -> web.Response:
        problem = self._find_problem(request)
        if problem:
            return error_answer(403, problem)
        content = self.files[request.match_info["oid"]]
        text = request.headers.get("Range", "")
        if not text:
            return web.Response(body=content, headers={"Accept-Ranges": "bytes"})
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
        assert match is not None
        first, last = match.groups()
        start = int(first) if first else max(0, len(content) - int(last))
        stop = min(int(last) + 1, len(content)) if first and last else len(content)
        if start >= len(content):
            return error_answer(416, "out of range")
        content_range = f"bytes {start}-{stop - 1}/{len(content)}"
        return web.Response(
            status=206, body=content[start:stop], headers={"Content-Range": content_range}
        )

    async def upload(self, request: web.Request) -> web.Response:
        problem = self._find_problem(request)
        if problem:
            return error_answer(403, problem)
        content = await request.read()
        oid = request.match_info["oid"]
        if hashlib.sha256(content).hexdigest() != oid:
            return error_answer(400, "the content has another hash")
        self.files[oid] = content
        return web.Response()

    def _find_problem(self, request: web.Request) -> str:
        """Return why a signed address is not accepted, "" if it is."""
        expiry = int(request.query.get("until", 0))
        if "Authorization" in request.headers:
            return "only one way of authorization is allowed"
        if request.query.get("Signature") != _signature(
            request.match_info["oid"], request.method.replace("HEAD", "GET"), expiry
        ):
            return "the signature does not match"
        return "" if time.time() < expiry else "the address has expired"


def _signature(oid: str, method: str, expiry: int) -> str:
    return hmac.new(KEY, f"{method} {oid} {expiry}".encode(), "sha256").hexdigest()
