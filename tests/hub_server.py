"""An imitated Hugging Face hub on loopback, which the real huggingface_hub client can use.

Two ports: the hub itself, and the storage of large files behind signed addresses that expire. Xet
is not imitated, because its client speaks a protocol of its own; `use_hub` switches it off.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from aiohttp import web
from hub_answers import (
    busy_answer,
    close_connection,
    error_answer,
    json_answer,
    raise_error,
    send_half,
)
from hub_faults import AFTER_FAULTS, HubFault, HubLog, HubRequest
from hub_repository import HubCommit, HubFile, HubRepository, ParentMovedError
from hub_storage import HubStorage
from loopback_application import LoopbackApplication

TOKEN = "hf_token_of_the_tests"
HOLD_SECONDS = 10.0
LARGE_BYTES = 100_000  # from which a file is large
ID = "{organization}/{name}"
API = "/api/datasets/" + ID
MODELS_API = "/api/models/" + ID  # models are written only
MAX_REQUEST_BYTES = 1 << 30


class HubServer(LoopbackApplication):
    """An imitated hub inside the context.

    Attributes
    ----------
    url
        Address of the hub. That of the storage is ``storage.url``.
    repositories
        Repositories by "organization/name".
    storage
        Large files, whether or not a commit has them.
    log
        Requests so far, and faults to come (`HubLog.fail`).
    delay
        Seconds before each answer.
    held
        Ranges of large files are answered once this many requests have been under way at once, or
        after `HOLD_SECONDS`.
    large_files
        Paths of files that are large whatever their size, as .gitattributes would say.
    page_entries
        Entries of one page of a listing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storage = HubStorage()
        self.repositories: dict[str, HubRepository] = {}
        self.log = HubLog()
        self.delay = 0.0
        self.held = 0
        self.large_files = re.compile("/c/")
        self.page_entries = 1000
        self._has_expired: ContextVar[bool] = ContextVar("has_expired")  # address of this answer

    def add_repository(self, repository_id: str, **options: Any) -> HubRepository:
        """Add a repository and return it."""
        self.repositories[repository_id] = HubRepository(repository_id, **options)
        return self.repositories[repository_id]

    def make_application(self) -> web.Application:
        """Return the application, which serves both ports."""
        application = web.Application(middlewares=[self._log], client_max_size=MAX_REQUEST_BYTES)
        add = application.router.add_route
        add("POST", "/api/repos/create", self._create)
        add("POST", "/api/validate-yaml", self._validate)
        add("GET", "/api/whoami-v2", self._whoami)
        for api, repository in ((API, f"/datasets/{ID}"), (MODELS_API, f"/{ID}")):
            add("GET", api, self._info)
            add("GET", api + "/refs", self._refs)
            add("GET", api + "/revision/{revision}", self._info)
            add("GET", api + "/tree/{revision}", self._tree)
            add("GET", api + "/tree/{revision}/{path:.*}", self._tree)
            add("POST", api + "/paths-info/{revision}", self._paths_info)
            add("POST", api + "/preupload/{revision}", self._preupload)
            add("POST", api + "/commit/{revision}", self._commit)
            add("POST", api + "/tag/{revision}", self._tag)
            add("POST", f"{repository}.git/info/lfs/objects/batch", self._batch)
        for method in ("GET", "HEAD"):
            add(method, f"/datasets/{ID}/resolve/{{revision}}/{{path:.*}}", self._resolve)
            add(method, f"/api/resolve-cache/datasets/{ID}/{{revision}}/{{path:.*}}", self._direct)
            add(method, "/stored/{oid}", self.storage.download)
        add("PUT", "/stored/{oid}", self.storage.upload)
        return application

    async def _serve(self) -> None:
        await super()._serve()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        # another name, because clients may send tokens to another port of the same host
        self.storage.url = f"http://localhost:{self._runner.addresses[1][1]}"

    # -- every request ----------------------------------------------------------------------------

    @web.middleware
    async def _log(self, request: web.Request, handler: Any) -> web.StreamResponse:
        is_storage = f"http://{request.host}" == self.storage.url
        entry = HubRequest(
            f"{request.method} {request.path}",
            request.query_string,
            dict(request.headers),
            is_storage,
        )
        fault = self.log.begin(entry)
        try:
            await asyncio.sleep(self.delay)
            if is_storage and re.match(r"bytes=\d", request.headers.get("Range", "")):
                await self._hold()
            if is_storage != request.path.startswith("/stored/"):
                return error_answer(404, "no such route on this port")
            response = await self._answer(request, handler, fault)
            entry.status = response.status
            entry.n_bytes = response.content_length or 0
            return response
        except web.HTTPException as error:
            entry.status = error.status
            raise
        finally:
            self.log.end()

    async def _hold(self) -> None:
        """Wait until as many requests as `held` have been under way at once."""
        end = time.monotonic() + HOLD_SECONDS
        while self.log.most_at_once < self.held and time.monotonic() < end:
            await asyncio.sleep(0.01)

    async def _answer(
        self, request: web.Request, handler: Any, fault: HubFault | None
    ) -> web.Response:
        """Answer a request, with its fault."""
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "busy":
            return busy_answer(fault)
        if kind in ("moved", "denied", "error"):
            return error_answer(
                {"moved": 412, "denied": 403, "error": 500}[kind], "made up by the test"
            )
        if kind == "reset":
            return close_connection(request)
        self._has_expired.set(kind == "expired")
        response: web.Response = await handler(request)
        if kind == "lost":
            return error_answer(500, "the answer was lost")
        if kind == "dropped":
            return close_connection(request)
        if kind == "short":
            return await send_half(request, response)
        assert not kind or kind in AFTER_FAULTS
        return response

    # -- repositories -----------------------------------------------------------------------------

    def _repository(self, request: web.Request, *, writes: bool = False) -> HubRepository:
        """Return the repository of a request, if it exists and the token allows it."""
        info = request.match_info
        repository = self.repositories.get(f"{info['organization']}/{info['name']}")
        is_open = repository is not None and not repository.is_private
        if not (is_open and not writes) and not _has_token(request):
            raise_error(401, "RepoNotFound", "Invalid username or password.")
        if repository is None:
            raise_error(404, "RepoNotFound", "Repository not found")
        return repository

    def _commit_of(self, request: web.Request) -> tuple[HubRepository, HubCommit]:
        """Return the repository of a request and its commit."""
        repository = self._repository(request)
        revision = request.match_info.get("revision", "main")
        commit = repository.commit(revision)
        if commit is None:
            raise_error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository, commit

    def _file_of(self, request: web.Request) -> tuple[HubCommit, HubFile]:
        """Return the commit of a request and its file."""
        _, commit = self._commit_of(request)
        file = commit.files.get(request.match_info["path"])
        if file is None:
            raise_error(404, "EntryNotFound", "Entry not found")
        return commit, file

    async def _create(self, request: web.Request) -> web.Response:
        content = await request.json()
        if not _has_token(request):
            return error_answer(401, "Invalid username or password.")
        name = f"{content.get('organization') or 'me'}/{content['name']}"
        answer = {"url": f"{self.url}/datasets/{name}", "id": name}
        if name in self.repositories:
            return json_answer(answer | {"error": "You already created this repo"}, 409)
        is_private = bool(content.get("private")) or content.get("visibility") == "private"
        self.add_repository(name, is_private=is_private)
        return json_answer(answer)

    async def _validate(self, request: web.Request) -> web.Response:
        await request.json()
        return json_answer({"errors": [], "warnings": []})

    async def _whoami(self, request: web.Request) -> web.Response:
        if not _has_token(request):
            return error_answer(401, "Invalid username or password.")
        return json_answer({"type": "user", "name": "me", "orgs": [], "auth": {}})

    async def _info(self, request: web.Request) -> web.Response:
        repository, commit = self._commit_of(request)
        return json_answer(
            {
                "id": repository.name,
                "sha": commit.oid,
                "private": repository.is_private,
                "tags": [],
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            }
        )

    async def _refs(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        return json_answer(
            {
                "branches": _describe_references("heads", repository.branches),
                "tags": _describe_references("tags", repository.tags),
                "converts": [],
                "pullRequests": [],
            }
        )

    async def _tree(self, request: web.Request) -> web.Response:
        repository, commit = self._commit_of(request)
        folder = request.match_info.get("path", "").strip("/")
        is_recursive = request.query.get("recursive", "").lower() in ("true", "1")
        entries = repository.list(commit.oid, folder, recursive=is_recursive)
        if entries is None:
            raise_error(404, "EntryNotFound", f"{folder} does not exist on {commit.oid}")
        start = int(request.query.get("cursor", 0))
        stop = start + self.page_entries
        headers = {}
        if stop < len(entries):
            query = urlencode({**request.query, "cursor": stop})
            headers["Link"] = f'<{self.url}{quote(request.path)}?{query}>; rel="next"'
        return json_answer(entries[start:stop], headers=headers)

    async def _paths_info(self, request: web.Request) -> web.Response:
        _, commit = self._commit_of(request)
        if request.content_type == "application/json":
            paths = (await request.json())["paths"]
        else:
            paths = (await request.post()).getall("paths", [])
        known = [path for path in paths if path in commit.files]
        return json_answer([commit.files[path].describe(path) for path in known])

    # -- writing ----------------------------------------------------------------------------------

    async def _preupload(self, request: web.Request) -> web.Response:
        self._repository(request, writes=True)
        _, commit = self._commit_of(request)
        answers = []
        for item in (await request.json())["files"]:
            path = item["path"]
            existing = commit.files.get(path)
            is_large = item["size"] >= LARGE_BYTES or self.large_files.search(path) is not None
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if is_large else "regular",
                    "shouldIgnore": False,
                    "oid": existing.blob_id if existing else None,
                }
            )
        return json_answer({"files": answers})

    async def _batch(self, request: web.Request) -> web.Response:
        self._repository(request, writes=True)
        objects = []
        for item in (await request.json())["objects"]:
            answer = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.storage.files:
                answer["actions"] = {"upload": {"href": self.storage.sign(item["oid"], "PUT")}}
            objects.append(answer)
        return json_answer({"transfer": "basic", "objects": objects})

    async def _commit(self, request: web.Request) -> web.Response:
        repository = self._repository(request, writes=True)
        revision = request.match_info["revision"]
        try:
            commit = repository.add(revision, await request.read(), self.storage.files)
        except ParentMovedError:
            return error_answer(412, "A commit has happened since. Please refresh and try again.")
        except KeyError as error:
            return error_answer(400, f"unknown {error}")
        url = f"{self.url}/datasets/{repository.name}/commit/{commit.oid}"
        return json_answer({"success": True, "commitOid": commit.oid, "commitUrl": url})

    async def _tag(self, request: web.Request) -> web.Response:
        self._repository(request, writes=True)
        repository, commit = self._commit_of(request)
        tag = (await request.json())["tag"]
        if tag in repository.tags:
            return error_answer(409, "Tag reference exists already")
        repository.tags[tag] = commit.oid
        return json_answer({})

    # -- files ------------------------------------------------------------------------------------

    async def _resolve(self, request: web.Request) -> web.Response:
        """Redirect to the storage, or to the address of a small file on the hub itself."""
        commit, file = self._file_of(request)
        headers = {"X-Repo-Commit": commit.oid, "X-Linked-Size": str(len(file.content))}
        if file.is_large:
            self.storage.files[file.sha256] = file.content
            headers["X-Linked-ETag"] = f'"{file.sha256}"'
            address = self.storage.sign(file.sha256, "GET", is_expired=self._has_expired.get())
            return web.Response(status=302, headers=headers | {"Location": address})
        address = request.rel_url.path.replace(
            "/datasets/", "/api/resolve-cache/datasets/"
        ).replace(f"/resolve/{request.match_info['revision']}/", f"/{commit.oid}/")
        headers["ETag"] = f'"{file.blob_id}"'
        return web.Response(status=307, headers=headers | {"Location": quote(address)})

    async def _direct(self, request: web.Request) -> web.Response:
        commit, file = self._file_of(request)
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.blob_id}"'}
        return web.Response(body=file.content, headers=headers)


@contextmanager
def use_hub(hub: HubServer, *, token: str | None = TOKEN) -> Iterator[None]:
    """Make huggingface_hub and bids_dl use an imitated hub inside the context.

    Parameters
    ----------
    token
        Token of the person who is logged in; None if nobody is.
    """
    from huggingface_hub import constants, hf_api

    with pytest.MonkeyPatch.context() as patch:
        for name, value in hub_environment(hub, token=token).items():
            patch.setenv(name, value)
        if token is None:
            patch.delenv("HF_TOKEN", raising=False)
            patch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent/token")
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "ENDPOINT", hub.url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(hf_api.api, "endpoint", hub.url)
        yield


def hub_environment(hub: HubServer, *, token: str | None = TOKEN) -> dict[str, str]:
    """Return the environment of a process that uses an imitated hub."""
    variables = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN_PATH": "/nonexistent/token",
    }
    return variables | ({"HF_TOKEN": token} if token else {})


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {TOKEN}"


def _describe_references(folder: str, references: Mapping[str, str]) -> list[dict[str, str]]:
    """Return branches or tags as the hub lists them."""
    return [
        {"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": oid}
        for name, oid in references.items()
    ]
