"""Services of OpenNeuro and NEMAR on loopback, made from one repository, which fail on demand."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import Any

from aiohttp import web
from annexed_repository import Annexed, AnnexedRepository, Content, key_of
from loopback_application import LoopbackApplication

NEMAR_ID = "on004362"


def content_of(file: Content) -> bytes:
    """Return the bytes of a file of a version."""
    return file if isinstance(file, bytes) else file.content


def blob_of(content: bytes) -> str:
    """Return the SHA-1 of a file as a git blob."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


class ArchiveApi(LoopbackApplication):
    """Answers as OpenNeuro's GraphQL, data.nemar.org and NEMAR's bucket do.

    Attributes
    ----------
    graphql_url, data_url, bucket_url
        Addresses of the three services.
    requests
        Method and path of each request.
    headers
        Headers of each request.
    graphql_errors
        Messages of the next answers of GraphQL, which have status 200.
    unready
        Number of the next listings whose files are null.
    page
        True if GraphQL and manifests answer with an HTML page and status 200.
    private_key
        Key that a cookie must have; "" for public data.
    too_large
        True if manifests are answered with status 413.
    chunked
        True if the bucket holds no object under its key.
    foreign_path
        Path of one more file in every listing.
    commits
        Commits that GraphQL states in place of the true ones, by tag.
    """

    def __init__(self, repository: AnnexedRepository) -> None:
        super().__init__()
        self.repository = repository
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.reset()

    def reset(self) -> None:
        """Count from zero, and fail no more."""
        self.requests.clear()
        self.headers.clear()
        self.graphql_errors: list[str] = []
        self.unready = 0
        self.page = False
        self.private_key = ""
        self.too_large = False
        self.chunked = False
        self.foreign_path = ""
        self.commits: dict[str, str] = {}

    @property
    def graphql_url(self) -> str:
        return f"{self.url}/crn/graphql"

    @property
    def data_url(self) -> str:
        return f"{self.url}/data"

    @property
    def bucket_url(self) -> str:
        return f"{self.url}/bucket"

    def make_application(self) -> web.Application:
        """Return the application."""
        application = web.Application(middlewares=[self._count])
        accession = self.repository.accession
        router = application.router
        router.add_post("/crn/graphql", self._graphql)
        router.add_get(f"/crn/datasets/{accession}/objects/{{name}}", self._openneuro_object)
        router.add_get(f"/data/{NEMAR_ID}/", self._versions)
        router.add_get(f"/data/{NEMAR_ID}/{{version}}/manifest.json", self._manifest)
        router.add_get(f"/data/{NEMAR_ID}/{{version}}/{{path:.*}}", self._file_or_folder)
        router.add_get(f"/bucket/{NEMAR_ID}/objects/{{key}}", self._bucket_object)
        return application

    @web.middleware
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self.headers.append(dict(request.headers))
        response: web.StreamResponse = await handler(request)
        return response

    def _is_allowed(self, request: web.Request) -> bool:
        return not self.private_key or request.cookies.get("accessToken") == self.private_key

    async def _graphql(self, request: web.Request) -> web.Response:
        if self.page:
            return web.Response(text="<!doctype html>Sign in", content_type="text/html")
        variables = (await request.json())["variables"]
        if not self._is_allowed(request):
            message = "You do not have access to read this dataset."
            return web.json_response({"data": None, "errors": [{"message": message}]})
        if self.graphql_errors:
            message = self.graphql_errors.pop(0)
            return web.json_response({"data": None, "errors": [{"message": message}]})
        if variables["id"] != self.repository.accession:
            return web.json_response({"data": {"dataset": None}})
        if "tag" in variables:
            return web.json_response({"data": {"snapshot": self._snapshot(variables["tag"])}})
        commits = {**self.repository.commits, **self.commits}
        snapshots = [{"tag": tag, "hexsha": commit} for tag, commit in commits.items()]
        return web.json_response({"data": {"dataset": {"snapshots": snapshots}}})

    def _snapshot(self, tag: str) -> dict[str, Any]:
        snapshot: dict[str, Any] = {"deprecated": None}
        if self.unready:
            self.unready -= 1
            return {**snapshot, "files": None}
        files = []
        for path, file in self.repository.versions[tag].items():
            content = content_of(file)
            name = key_of(file, path) if isinstance(file, Annexed) else blob_of(content)
            url = f"{self.url}/crn/datasets/{self.repository.accession}/objects/{name}"
            entry = {"filename": path, "id": name, "size": len(content), "urls": [url]}
            files.append({**entry, "annexed": isinstance(file, Annexed)})
        if self.foreign_path:
            files.append({**files[0], "filename": self.foreign_path})
        return {**snapshot, "files": files}

    async def _openneuro_object(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not self._is_allowed(request):
            return web.Response(status=403)
        for files in self.repository.versions.values():
            for path, file in files.items():
                content = content_of(file)
                key = key_of(file, path) if isinstance(file, Annexed) else blob_of(content)
                if key == name:
                    return web.Response(body=content)
        return web.Response(status=404)

    async def _versions(self, _: web.Request) -> web.Response:
        versions = []
        for tag in sorted(self.repository.commits, reverse=True):
            url = f"/{NEMAR_ID}/v{tag}/manifest.json"
            versions.append(
                {"version": f"v{tag}", "doi": f"10.82901/x.v{tag}", "manifest_url": url}
            )
        return web.json_response({"dataset_id": NEMAR_ID, "latest": None, "versions": versions})

    def _files(self, request: web.Request) -> dict[str, Content]:
        return self.repository.versions.get(request.match_info["version"].removeprefix("v"), {})

    async def _manifest(self, request: web.Request) -> web.Response:
        if self.page:
            return web.Response(text="<!doctype html>Sign in", content_type="text/html")
        if self.too_large:
            return web.json_response({"error": "Manifest too large"}, status=413)
        entries = [self._entry(request, path) for path in self._files(request)]
        if self.foreign_path:
            entries.append({**entries[0], "path": self.foreign_path})
        body = json.dumps(entries).encode()
        return web.Response(body=body, content_type="application/json")

    def _entry(self, request: web.Request, path: str) -> dict[str, Any]:
        file = self._files(request)[path]
        content = content_of(file)
        algorithm, checksum = "git", blob_of(content)
        if isinstance(file, Annexed):
            algorithm = "sha256" if file.backend.startswith("SHA256") else "md5"
            checksum = hashlib.new(algorithm, content).hexdigest()
        return {
            "path": path,
            "size": len(content),
            "checksum_algorithm": algorithm,
            "checksum": checksum,
            "url": f"https://signed.invalid/{path}?X-Amz-Signature=secret",
        }

    async def _file_or_folder(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        files = self._files(request)
        if path in files:
            return web.Response(body=content_of(files[path]))
        if not path or path.endswith("/"):
            return web.json_response(self._folder(request, path))
        seen = [tag for tag, older in self.repository.versions.items() if path in older]
        body = {"error": "File not found"}
        if seen:
            body |= {"reason": "removed", "last_seen_version": f"v{seen[-1]}"}
        return web.json_response(body, status=404)

    def _folder(self, request: web.Request, folder: str) -> dict[str, Any]:
        children: dict[str, dict[str, Any]] = {}
        for path in self._files(request):
            if not path.startswith(folder):
                continue
            name, _, rest = path.removeprefix(folder).partition("/")
            if rest:
                children[name] = {"name": name, "kind": "directory"}
            else:
                children[name] = {**self._entry(request, path), "name": name, "kind": "file"}
        return {"kind": "directory", "path": folder, "children": list(children.values())}

    async def _bucket_object(self, request: web.Request) -> web.Response:
        content = self.repository.contents.get(request.match_info["key"])
        if content is None or self.chunked:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        start, status = 0, 200
        headers = {}
        if text := request.headers.get("Range", ""):
            start = int(PurePosixPath(text.removeprefix("bytes=")).name.partition("-")[0])
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return web.Response(status=status, body=content[start:], headers=headers)
