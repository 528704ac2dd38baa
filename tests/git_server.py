"""A git server on loopback, which counts and fails on demand."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain


@dataclass(frozen=True)
class GitFault:
    """One failure: a status, or an answer that is cut off, endless, slow, or no git.

    Attributes
    ----------
    status
        HTTP status.
    retry_after
        Content of the Retry-After header.
    kind
        "cut" (with a length), "hangup" (without), "garbage", "slow", "html", or "" for an answer
        with the status alone.
    location
        Address of another server to which a status of 30x leads.
    only
        Method of the requests that may fail, "" for all.
    """

    status: int = 200
    retry_after: str = ""
    kind: str = ""
    location: str = ""
    only: str = ""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Print nothing of clients that went away."""


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class GitServer:
    """Serves bare repositories by name: ``{"ds004362": Repo}`` at ``url/ds004362.git``.

    With `git_backend`, git itself answers.

    Attributes
    ----------
    url
        Address without the name of a repository.
    requests
        Method and path of each request.
    authorizations
        Authorization header of each request, "" if it had none.
    bytes_sent
        Bytes of all answers.
    """

    def __init__(self, repositories: dict[str, Repo] | WSGIApplication) -> None:
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.bytes_sent = 0
        self._faults: list[GitFault] = []
        self._application = repositories
        if isinstance(repositories, dict):
            backend = DictBackend({f"/{name}.git": repo for name, repo in repositories.items()})
            self._application = make_wsgi_chain(backend)
        self._server = make_server("127.0.0.1", 0, self._answer, _Server, _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, fault: GitFault, *, times: int = 1) -> None:
        """Fail the next requests."""
        self._faults += [fault] * times

    def reset(self) -> None:
        """Count from zero, and fail no more."""
        self.requests.clear()
        self.authorizations.clear()
        self._faults.clear()
        self.bytes_sent = 0

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        self.requests.append(f"{method} {environ['PATH_INFO']}")
        self.authorizations.append(environ.get("HTTP_AUTHORIZATION", ""))
        fault = GitFault()
        if self._faults and self._faults[0].only in ("", method):
            fault = self._faults.pop(0)
        if fault.status != 200 or fault.kind == "html":
            headers = [("Content-Type", "text/html"), ("Retry-After", fault.retry_after)]
            if fault.location:
                target = f"{fault.location}{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
                headers.append(("Location", target))
            start_response(f"{fault.status} fault", [pair for pair in headers if pair[1]])
            return [b"<html>sign in</html>"]
        return self._forward(environ, start_response, fault.kind)

    def _forward(self, environ: Any, start_response: Any, kind: str) -> Iterable[bytes]:
        started: list[Any] = []
        parts: list[bytes] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started[:] = [status, headers]
            return parts.append

        parts += self._application(environ, start)
        body = b"".join(parts)
        status, headers = started
        if kind != "hangup":
            headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(status, headers)
        if kind in ("cut", "hangup"):
            body = body[: len(body) // 2]
        if kind == "garbage":
            body = body[:-200] + bytes(180) + body[-20:]
        self.bytes_sent += len(body)
        return _drip(body) if kind == "slow" else [body]


def git_backend(folder: Path) -> WSGIApplication:
    """Return an application that lets git itself serve the bare repositories of a folder."""

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH")
        variables = {name: environ.get(name, "") for name in names}
        variables |= {"GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1"}
        variables |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
        variables |= {"GIT_CONFIG_VALUE_0": "*", "PATH": os.environ["PATH"]}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        command = ["git", "http-backend"]
        done = subprocess.run(command, input=body, env=variables, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        start_response(headers.pop("Status", "200 OK"), list(headers.items()))
        return [content]

    return answer


def _drip(body: bytes) -> Iterator[bytes]:
    """Yield a byte every twentieth of a second."""
    for position in range(len(body)):
        yield body[position : position + 1]
        time.sleep(0.05)
