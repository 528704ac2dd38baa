"""NEMAR's catalogue on loopback, with a git mirror of the text of each dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from annexed_repository import AnnexedRepository, Content, read_version
from archive_servers import NOWHERE
from git_server import GitServer
from loopback_application import LoopbackApplication


class CatalogueApi(LoopbackApplication):
    """Answers as ``api.nemar.org/datasets`` does.

    Attributes
    ----------
    rows
        All rows of the catalogue.
    requests
        Query of each request.
    headers
        Headers of each request.
    answers
        Statuses of the next answers, in place of rows.
    ignores_ranges
        True for an older service, which knows no filter of numbers.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__()
        self.rows = rows
        self.requests: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.body = ""
        self.ignores_ranges = False

    def make_application(self) -> web.Application:
        """Return the application."""
        application = web.Application()
        application.router.add_get("/datasets", self._list)
        return application

    async def _list(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.requests.append(query)
        self.headers.append(dict(request.headers))
        if self.answers:
            return web.Response(status=self.answers.pop(0), headers={"Retry-After": "0"})
        if self.body:
            return web.Response(text=self.body, content_type="application/json")
        rows = [row for row in self.rows if self._meets(row, query)]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        page = rows[offset : offset + limit]
        answer = {"datasets": page, "count": len(page), "total_count": len(rows)}
        if "subjects" in query and not self.ignores_ranges:
            answer["excluded_unknown"] = sum(not row.get("subject_count") for row in self.rows)
        return web.json_response(answer)

    def _meets(self, row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        if query.get("has_hed") == "1" and row.get("has_hed") != 1:
            return False
        for name, column in (("modality", "modalities"), ("task", "tasks"), ("search", "name")):
            if query.get(name, "").lower() not in str(row.get(column, "")).lower():
                return False
        if "subjects" not in query or self.ignores_ranges:
            return True
        low, _, high = query["subjects"].partition("..")
        number = row.get("subject_count") or 0
        return int(low or 0) <= number <= int(high or 10**9) and number > 0


@dataclass
class ServedCatalogue:
    """A catalogue and the git mirrors of its datasets.

    Attributes
    ----------
    roots
        BIDS folder by accession.
    """

    api: CatalogueApi
    git: GitServer
    roots: dict[str, Path] = field(default_factory=dict)

    @property
    def endpoints(self) -> dict[str, str]:
        """Base addresses of the catalogue and the mirrors; nothing else can be reached."""
        others = dict.fromkeys(("nemar-data", "nemar-s3", "openneuro-s3"), NOWHERE)
        return {**others, "nemar-api": self.api.url, "nemar-git": self.git.url}

    def options(self, cache: Path) -> dict[str, Any]:
        """Return the options that let `bids_dl.find` use these servers."""
        return {"cache": str(cache), "endpoints": self.endpoints}

    def arguments(self, cache: Path) -> list[str]:
        """Return the arguments that let `bids-dl find` use these servers."""
        arguments = ["--cache", str(cache)]
        for name, url in self.endpoints.items():
            arguments += ["--endpoint", f"{name}={url}"]
        return arguments

    def requests_of(self, accession: str) -> list[str]:
        """Return the requests to the mirror of a dataset."""
        return [request for request in self.git.requests if f"/{accession}.git/" in request]


def row_of(accession: str, root: Path, **changes: Any) -> dict[str, Any]:
    """Return the row of a dataset, as the catalogue writes it."""
    description = json.loads((root / "dataset_description.json").read_text())
    n_subjects = len(list(root.glob("sub-*")))
    return {
        "dataset_id": accession,
        "name": description["Name"],
        "modalities": "eeg",
        "tasks": "rest",
        "participants": n_subjects,
        "subject_count": n_subjects,
        "n_channels": 64,
        "license": "CC0",
        "file_size": 1000,
        "has_hed": 1,
        "hed_version": "8.3.0",
        "latest_version": "v1.0.0",
        "zarr_index_url": None,
        **changes,
    }


@contextmanager
def served_catalogue(
    roots: Mapping[str, Path], folder: Path, *, extra: Mapping[str, Mapping[str, Content]] = {}
) -> Iterator[ServedCatalogue]:
    """Serve a catalogue of BIDS folders inside the context.

    Parameters
    ----------
    roots
        BIDS folder by accession.
    folder
        Empty folder for the repositories.
    extra
        More files of a dataset, by accession and path.
    """
    repositories = {}
    for accession, root in roots.items():
        repository = AnnexedRepository(folder / f"{accession}.git", accession)
        repository.commit({**read_version(root), **extra.get(accession, {})}, "v1.0.0")
        repositories[accession] = repository
    rows = [row_of(accession, root) for accession, root in roots.items()]
    try:
        mirrors = {accession: repository.repo for accession, repository in repositories.items()}
        with GitServer(mirrors) as git, CatalogueApi(rows) as api:
            yield ServedCatalogue(api, git, dict(roots))
    finally:
        for repository in repositories.values():
            repository.repo.close()
