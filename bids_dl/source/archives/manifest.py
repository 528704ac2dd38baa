"""Manifests of the shape of NEMAR's: a JSON array with path, size and checksum of each file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin

from bids_dl.remote.caching.remote_file import Algorithm, RemoteFile
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.remote.http.http_client import HttpClient
from bids_dl.remote.parallel import call_in_threads
from bids_dl.source.archives.listed_files import is_signed
from bids_dl.source.archives.routes import RouteFailedError, request_failures
from bids_dl.wording import one_line

MANIFEST = "manifest.json"
ALGORITHMS: dict[str, Algorithm] = {
    name: name for name in ("git", "md5", "sha1", "sha256", "sha512")
}
MAX_MANIFEST_BYTES = 256 * 1024**2  # about 500 bytes for each file
TOO_LARGE_STATUS = 413
NOT_FOUND_STATUS = 404
PARALLEL_FOLDERS = 8  # listed at once; NEMAR accepts 10,000 requests in a minute
JSON_HEADERS = {"Accept": "application/json"}  # NEMAR answers browsers with HTML


def fetch_manifest(base: str, client: HttpClient) -> dict[str, RemoteFile]:
    """List the files below an address by its manifest, or by its folders if that is too large.

    Parameters
    ----------
    base
        Address of the top folder of a dataset, without a slash at its end.
    client
        Connections to servers.

    Returns
    -------
    dict of RemoteFile
        By path.

    Raises
    ------
    HttpStatusError
        The server has no manifest, or denies access.
    RouteFailedError
        The server cannot be reached, or the answer is no manifest.
    """
    url = f"{base}/{MANIFEST}"
    try:
        entries = get_json(url, client)
    except HttpStatusError as error:
        if error.status != TOO_LARGE_STATUS:
            raise
        return dict(_walk(base, client))
    if not isinstance(entries, list):
        raise RouteFailedError(f"{url}: expected a JSON array, got {type(entries).__name__}")
    files = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise RouteFailedError(f"{url}: an entry has no path: {one_line(str(entry))}")
        files[entry["path"]] = _remote_file(entry, entry["path"], base)
    return files


def get_json(url: str, client: HttpClient) -> Any:
    """Request a JSON document.

    Raises
    ------
    HttpStatusError
        The server reports a failure.
    RouteFailedError
        The server cannot be reached, or the answer is not JSON.
    """
    with request_failures(url):
        body = client.get(url, max_bytes=MAX_MANIFEST_BYTES, headers=JSON_HEADERS)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the latter by lists in lists in lists
        raise RouteFailedError(f"{url}: the answer is not JSON; check the address") from None


def describe_status(error: HttpStatusError) -> str:
    """Describe the failure of a request in one line.

    Examples
    --------
    >>> describe_status(HttpStatusError(404, body='{"last_seen_version": "v1.0.0"}'))
    'HTTP 404, removed after version v1.0.0'
    """
    try:
        version = json.loads(error.body).get("last_seen_version", "")
    except (ValueError, AttributeError, RecursionError):
        version = ""
    return f"HTTP {error.status}" + (f", removed after version {version}" if version else "")


def _remote_file(entry: dict[str, Any], path: str, base: str) -> RemoteFile:
    """Return a file of a manifest, without addresses that expire or that are not http."""
    urls = []
    for name in ("bytes_url", "url"):
        url = urljoin(f"{base}/", str(entry.get(name) or ""))
        if entry.get(name) and url.startswith(("http://", "https://")) and not is_signed(url):
            urls.append(url)
    urls.append(f"{base}/{quote(path)}")
    size = entry.get("size")
    algorithm = ALGORITHMS.get(str(entry.get("checksum_algorithm", "")).lower(), "")
    checksum = str(entry.get("checksum") or "").lower() if algorithm else ""
    return RemoteFile(
        size if isinstance(size, int) else None,
        algorithm if checksum else "",
        checksum,
        tuple(dict.fromkeys(urls)),
    )


def _walk(base: str, client: HttpClient) -> Iterator[tuple[str, RemoteFile]]:
    """Yield the files below an address, folder by folder."""
    level = [""]
    while level:
        answers = call_in_threads(
            lambda folder: _list_folder(base, folder, client), level, n_threads=PARALLEL_FOLDERS
        )
        inner = []
        for folder, entries in zip(level, answers, strict=True):
            for entry in entries:
                path = f"{folder}{entry['name']}".rstrip("/")
                if _is_folder(entry):
                    inner.append(f"{path}/")
                else:
                    yield path, _remote_file(entry, path, base)
        level = inner


def _list_folder(base: str, folder: str, client: HttpClient) -> list[dict[str, Any]]:
    """List the entries of one folder."""
    url = f"{base}/{quote(folder)}"
    answer = get_json(url, client)
    entries = answer.get("children") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or answer.get("truncated"):
        raise RouteFailedError(f"{url}: the server does not list this folder in full")
    for entry in entries:
        if not isinstance(entry, dict) or "/" in str(entry.get("name", "/")).rstrip("/"):
            raise RouteFailedError(f"{url}: an entry has no name: {one_line(str(entry))}")
    return entries


def _is_folder(entry: dict[str, Any]) -> bool:
    kind = str(entry.get("kind") or entry.get("type") or "")
    return kind in ("directory", "dir", "folder") or str(entry["name"]).endswith("/")
