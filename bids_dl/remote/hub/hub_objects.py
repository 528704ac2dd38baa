"""Files of a repository on the hub: whole ones, byte ranges, several at once, and their listing.

A large file is resolved once to its signed address, of which all ranges are read. Each function
makes one try, and one more with a new address if the storage refuses the old one; further retries
are up to the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bids_dl.errors import StoreError
from bids_dl.remote.http.http_answers import WrongContentError
from bids_dl.remote.http.web_objects import WebOptions, parse_options
from bids_dl.remote.hub import hub_requests
from bids_dl.remote.hub.account import endpoint, token
from bids_dl.remote.hub.address_book import AddressBook, open_book
from bids_dl.remote.hub.hub_address import BRANCH, HubAddress, parse_hub_url

OWN_OPTIONS = {"token"}  # storage options that http(s) does not have


@dataclass(frozen=True, slots=True)
class HubObjects:
    """Files below a folder of a repository.

    Parameters
    ----------
    folder
        Address of the folder.
    options
        Options of the connections. The token is sent to the hub only, not to the storage.
    """

    folder: HubAddress
    options: WebOptions = field(repr=False)

    @property
    def is_anonymous(self) -> bool:
        """True if requests have no token."""
        return not self.options.headers[1]

    @property
    def read_only(self) -> str:
        """Reason why nothing can be written, and what to do."""
        return (
            "cannot be written to directly; convert to a folder, then run "
            f"`bids-dl push FOLDER {self.folder.at(BRANCH).url}`"
        )

    def read_object(self, url: str, start: int | None, stop: int | None, max_bytes: int) -> bytes:
        """Read a file, or its bytes from ``start`` to ``stop``, as far as it has them.

        Parameters
        ----------
        url
            ``hf://`` URL of the file.
        start
            First byte. A negative number counts from the end.
        max_bytes
            Size of the largest whole file that is accepted.

        Raises
        ------
        FileNotFoundError
            The file does not exist.
        OSError
            The file is larger than ``max_bytes`` (EFBIG), or the hub cannot be reached.
        StoreError
            The repository or its revision does not exist, or may not be read.
        HttpStatusError, WrongContentError, aiohttp.ClientError
            The hub refuses the request or answers with something else.
        """
        book = self._book()
        address = parse_hub_url(url)
        if start is None and stop is None:
            return book.connections.run(hub_requests.read_whole_file(book, address, max_bytes))
        return book.connections.run(hub_requests.read_file_range(book, address, start or 0, stop))

    def read_ranges(self, ranges: Sequence[tuple[str, int, int | None]]) -> list[bytes | Exception]:
        """Read byte ranges concurrently: URL, ``start`` and ``stop`` of each.

        Returns
        -------
        list
            The bytes of each range, as far as the file has them, or the exception it failed with.
        """
        book = self._book()

        async def read_all() -> list[bytes | BaseException]:
            requests = [
                hub_requests.read_file_range(book, parse_hub_url(url), start, stop)
                for url, start, stop in ranges
            ]
            return await asyncio.gather(*requests, return_exceptions=True)

        contents: list[bytes | Exception] = []
        for content in book.connections.run(read_all()):
            if isinstance(content, BaseException) and not isinstance(content, Exception):
                raise content
            contents.append(content)
        return contents

    def plain_ranges(self) -> None:
        """Return None, because `read_ranges` reads all ranges."""

    def exists(self, url: str) -> bool:
        """Return whether a file, or the folder itself, exists. Errors are as for `read_object`."""
        book = self._book()
        address = parse_hub_url(url)
        try:
            if address == self.folder:
                book.connections.run(hub_requests.read_page(book, address, tree_path(address)))
            else:
                book.connections.run(book.find(address))
        except FileNotFoundError:
            return False
        return True

    def size(self, url: str) -> int:
        """Return the bytes of a file. Errors are as for `read_object`."""
        book = self._book()
        return book.connections.run(hub_requests.read_size(book, parse_hub_url(url)))

    def entries(self) -> dict[str, Mapping[str, Any]]:
        """Return what the hub states of every file below the folder, by name.

        A missing folder has none. Other errors are as for `read_object`.

        Returns
        -------
        dict
            ``size`` in bytes, ``oid`` (of git) and, of large files, ``lfs`` with the SHA-256.
        """
        book = self._book()
        prefix = f"{self.folder.path}/" if self.folder.path else ""
        path = f"{tree_path(self.folder)}?recursive=true"
        entries = {}
        while path:
            try:
                page = book.connections.run(hub_requests.read_page(book, self.folder, path))
            except FileNotFoundError:
                return {}
            for entry in page.content:
                if entry["type"] == "file":
                    entries[str(entry["path"]).removeprefix(prefix)] = entry
            path = page.next_path
        return entries

    def pinned_url(self) -> str:
        """Return the URL of the folder at the commit that its revision is at now.

        Errors are as for `read_object`.
        """
        if self.folder.is_pinned:
            return self.folder.url
        book = self._book()
        path = f"{self.folder.api_path('revision')}?expand=sha"
        page = book.connections.run(hub_requests.read_page(book, self.folder, path))
        pinned = self.folder.at(str(page.content["sha"]))
        if not pinned.is_pinned:
            raise WrongContentError(f"the hub states no commit of {self.folder.revision!r}")
        return pinned.url

    def _book(self) -> AddressBook:
        return open_book(self.options, has_token=not self.is_anonymous)


def open_hub(url: str, storage_options: Mapping[str, Any]) -> HubObjects:
    """Return the files below a folder of the hub.

    Parameters
    ----------
    url
        ``hf://datasets/ORGANIZATION/NAME[@REVISION]/FOLDER``.
    storage_options
        ``token``: a token, or False to send none; by default that of `account.token`. Others are
        those of `web_objects.parse_options`.

    Raises
    ------
    StoreError
        The URL or an option is not valid.

    Examples
    --------
    >>> files = open_hub("hf://datasets/lab/eyes/eyes.zarr", {"token": False})
    >>> files.folder.path, files.is_anonymous
    ('eyes.zarr', True)
    """
    folder = parse_hub_url(url)
    options = {name: value for name, value in storage_options.items() if name not in OWN_OPTIONS}
    requested = storage_options.get("token")
    if requested not in (None, True, False) and not isinstance(requested, str):
        raise StoreError(f"{url}: the storage option token must be a text, or False for none")
    secret = requested if isinstance(requested, str) else None
    if requested is None or requested is True:
        secret = token()
    if secret:
        options["headers"] = {
            **(options.get("headers") or {}),
            "Authorization": f"Bearer {secret}",
        }
    try:
        return HubObjects(folder, parse_options(endpoint(), options))
    except StoreError as error:
        raise StoreError(str(error).replace(endpoint(), url, 1)) from None


def tree_path(folder: HubAddress) -> str:
    """Return the path on the hub that lists a folder."""
    return f"{folder.api_path('tree')}/{quote(folder.path, safe='')}".rstrip("/")
