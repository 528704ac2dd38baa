"""OpenNeuro's GraphQL service: the route to private datasets, and to versions without a mirror.

Each text file costs one request, so that it is the second route.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.remote.waits import backoff_delays
from bids_dl.source.archives.access import OPENNEURO_TOKEN, Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.endpoints import DEFAULT_ENDPOINTS
from bids_dl.source.archives.git.annex import parse_key
from bids_dl.source.archives.git.annex_branch import object_url
from bids_dl.source.archives.git.git_versions import GitVersions, choose_version, version_number
from bids_dl.source.archives.listed_files import open_listing
from bids_dl.source.archives.routes import (
    RouteFailedError,
    answer_failures,
    request_failures,
)
from bids_dl.source.archives.version_index import VersionIndex
from bids_dl.wording import one_line

VERSIONS_QUERY = "query ($id: ID!) { dataset(id: $id) { snapshots { tag hexsha } } }"
FILES_QUERY = (
    "query ($id: ID!, $tag: String!) { snapshot(datasetId: $id, tag: $tag) { "
    "deprecated { reason } files(recursive: true) { filename id size annexed urls } } }"
)
MAX_ANSWER_BYTES = 256 * 1024**2  # about 500 bytes for each file
SHA1 = re.compile(r"[0-9a-f]{40}")  # of a commit or a git blob
REFUSALS = re.compile(r"not found|not exist|access|permission|authenti|forbidden", re.IGNORECASE)
DENIED_STATUS = {401, 403}


def open_from_graphql(address: Address, access: Access) -> ArchivedDataset:
    """Open a version of a dataset as OpenNeuro's service lists it.

    Checksums, and thus the identity of plans, equal those of the git mirror.

    Raises
    ------
    RouteFailedError
        The service cannot be reached, is not ready, or does not provide the version.
    SourceError
        A text file cannot be fetched, or the cache cannot be written to.
    """
    index = VersionIndex(access.dataset_folder("openneuro", address.accession), access.endpoints)
    with answer_failures(access.endpoints["openneuro-api"]):
        tags = _list_versions(address.accession, access)
    choice = choose_version(GitVersions(tags=tags, objects=tags), address.version)
    if choice is None:
        raise RouteFailedError(GitVersions(tags=tags).describe(address.version))
    tag, commit = choice
    archived = index.load(commit)
    if archived is None:
        with answer_failures(access.endpoints["openneuro-api"]):
            listing = _list_files(address, tag, commit, access)
        archived = open_listing(listing, index, access)
    known = {**index.tags(), **tags}
    index.save_tags({name: known[name] for name in sorted(known, key=version_number, reverse=True)})
    return archived


def _list_versions(accession: str, access: Access) -> dict[str, str]:
    """Return the commit of each version."""
    data = _ask(VERSIONS_QUERY, {"id": accession}, access)
    dataset = data.get("dataset")
    if not isinstance(dataset, dict):
        raise RouteFailedError(f"no such dataset{_token_hint(access)}")
    tags = {}
    for snapshot in dataset.get("snapshots") or []:
        commit = str(snapshot["hexsha"])
        if not SHA1.fullmatch(commit):  # it becomes the name of a folder
            raise ValueError(f"hexsha {commit!r}")
        tags[str(snapshot["tag"])] = commit
    if not tags:
        raise RouteFailedError("the dataset has no version yet")
    return tags


def _list_files(address: Address, tag: str, commit: str, access: Access) -> ArchivedDataset:
    """List the files of a version, whose text is not fetched yet."""
    variables = {"id": address.accession, "tag": tag}
    snapshot = _ask(FILES_QUERY, variables, access, complete=_has_files).get("snapshot")
    if not isinstance(snapshot, dict):
        raise RouteFailedError(f"no version {tag!r}")
    if snapshot.get("files") is None:
        raise RouteFailedError(
            f"the list of files of version {tag} is not ready; run the same command again later",
            unreachable=True,
        )
    files = {}
    for entry in snapshot["files"]:
        files[str(entry["filename"])] = _remote_file(entry, address.accession, access)
    notes = []
    if deprecated := snapshot.get("deprecated"):
        reason = one_line(deprecated.get("reason") or "no reason given")
        notes.append(f"{address.text}: version {tag} is deprecated: {reason}")
    return ArchivedDataset(
        address=f"openneuro:{address.accession}",
        name=address.accession,
        root=access.cache.root,
        paths=(),
        files=files,
        version=tag,
        commit=commit,
        notes=tuple(notes),
    )


def _remote_file(entry: dict[str, Any], accession: str, access: Access) -> RemoteFile:
    """Return a file of the listing, with a checksum if its id is one."""
    path, identifier = str(entry["filename"]), str(entry.get("id") or "")
    size = None if entry.get("size") is None else int(entry["size"])
    base = access.endpoints["openneuro-s3"]
    urls = []
    for url in entry.get("urls") or []:
        urls.append(str(url).replace(f"{DEFAULT_ENDPOINTS['openneuro-s3']}/", f"{base}/", 1))
    service = access.endpoints["openneuro-api"].removesuffix("/graphql")
    name = quote(identifier, safe="")
    key = parse_key(identifier) if entry.get("annexed") else None
    if key is not None:  # its checksum tells whether the newest export holds this version
        urls.append(object_url(base, f"{accession}/{path}"))
    urls.append(f"{service}/datasets/{accession}/objects/{name}?filename={quote(path, safe='')}")
    if key is not None:
        known_size = size if key.size is None else key.size
        return RemoteFile(known_size, key.algorithm, key.checksum, tuple(dict.fromkeys(urls)))
    if SHA1.fullmatch(identifier) and not entry.get("annexed"):
        return RemoteFile(size, "git", identifier, tuple(dict.fromkeys(urls)))
    return RemoteFile(size, urls=tuple(dict.fromkeys(urls)))


def _has_files(data: dict[str, Any]) -> bool:
    """Return whether the answer is final: the service lists files a while after a release."""
    snapshot = data.get("snapshot")
    return not isinstance(snapshot, dict) or snapshot.get("files") is not None


def _ask(
    query: str,
    variables: dict[str, str],
    access: Access,
    *,
    complete: Callable[[dict[str, Any]], bool] = bool,
) -> dict[str, Any]:
    """Ask the service, and again while it fails or its answer is not complete.

    Raises
    ------
    RouteFailedError
        The service cannot be reached, or answers with an error.
    """
    url = access.endpoints["openneuro-api"]
    delays = backoff_delays(access.client.retry_timeout)
    while True:
        answer = _post(url, {"query": query, "variables": variables}, access)
        messages = _messages(answer)
        data = answer.get("data") or {}
        if not messages and complete(data):
            return dict(data)
        if REFUSALS.search(messages):
            raise RouteFailedError(f"{messages}{_token_hint(access)}")
        delay = next(delays, None)
        if delay is None and messages:
            raise RouteFailedError(f"{url}: {messages}; run the same command again later")
        if delay is None:
            return dict(data)
        time.sleep(delay)


def _post(url: str, content: dict[str, Any], access: Access) -> dict[str, Any]:
    with request_failures(url):
        try:
            body = access.client.post_json(url, content, max_bytes=MAX_ANSWER_BYTES)
        except HttpStatusError as error:
            hint = _token_hint(access) if error.status in DENIED_STATUS else ""
            raise RouteFailedError(f"{url}: HTTP {error.status}{hint}") from None
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise RouteFailedError(f"{url}: the answer is not of GraphQL; check the address")
    return answer


def _messages(answer: dict[str, Any]) -> str:
    """Return the error messages of an answer in one line."""
    texts = [str(error.get("message", error)) for error in answer.get("errors") or []]
    return one_line("; ".join(dict.fromkeys(texts)))


def _token_hint(access: Access) -> str:
    """Return what to do about denied access, without the key itself."""
    if access.client.headers_by_host.get(access.endpoints.host("openneuro-api")):
        return (
            f"; the key in {OPENNEURO_TOKEN} may have expired, "
            "make a new one at https://openneuro.org/keygen"
        )
    return f"; a private dataset needs a key of https://openneuro.org/keygen in {OPENNEURO_TOKEN}"
