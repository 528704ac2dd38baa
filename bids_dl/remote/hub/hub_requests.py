"""Requests for one file or one page of a listing of the hub, on the loop of its connections."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bids_dl.errors import StoreError
from bids_dl.remote.http.http_answers import (
    PARTIAL_STATUS,
    HttpStatusError,
    WrongContentError,
    parse_content_range,
)
from bids_dl.remote.http.object_requests import (
    cut,
    range_header,
    read_body,
    read_part,
    read_range,
    read_whole,
    stop_to_request,
)
from bids_dl.remote.hub.address_book import FIRST_BYTE, AddressBook
from bids_dl.remote.hub.hub_address import HubAddress
from bids_dl.remote.hub.hub_answers import DENIED_STATUS
from bids_dl.remote.hub.signed_address import SignedAddress

if TYPE_CHECKING:
    import aiohttp

MAX_DIRECT_BYTES = 32_000_000  # of a file that the hub sends itself; it stores larger ones
MAX_DOCUMENT_BYTES = 32_000_000  # of a page of a listing
NEXT_PAGE = re.compile(r'<([^>]+)>;\s*rel="next"')

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubPage:
    """A JSON document of the hub, and the path of the next page of its listing, "" at its end."""

    content: Any
    next_path: str = ""


async def read_whole_file(book: AddressBook, address: HubAddress, max_bytes: int) -> bytes:
    """Read a whole file: what the hub sends, or what its storage holds."""
    connections = book.connections

    async def read_direct(response: aiohttp.ClientResponse) -> bytes:
        return await read_body(connections, response, max_bytes, address.url)

    async def read_stored(signed: SignedAddress) -> bytes:
        return await read_whole(connections, signed.url, max_bytes, name=address.url)

    if not book.knows(address):
        answer = await book.ask(address, read_direct)
        if isinstance(answer, bytes):
            return answer
        return await _read_stored(book, address, answer, read_stored)
    return await _read_stored(book, address, await book.find(address), read_stored)


async def read_file_range(
    book: AddressBook, address: HubAddress, start: int, stop: int | None
) -> bytes:
    """Read the bytes of a file from ``start`` to ``stop``, as far as it has them."""
    signed = await book.find(address)
    if signed is None:
        return await _read_direct_range(book, address, start, stop)
    connections = book.connections

    async def read_stored(address_to_read: SignedAddress) -> bytes:
        return await read_range(connections, address_to_read.url, start, stop, name=address.url)

    return await _read_stored(book, address, signed, read_stored)


async def read_size(book: AddressBook, address: HubAddress) -> int:
    """Return the bytes of a file."""

    async def read(response: aiohttp.ClientResponse) -> int:
        total = response.content_length
        if response.status == PARTIAL_STATUS:
            _, _, total = parse_content_range(response.headers.get("Content-Range", ""))
        if total is None:
            raise WrongContentError("the hub does not state the size of the file")
        return total

    answer = await book.find(address) if book.knows(address) else None
    if answer is None:
        direct = await book.ask(address, read, headers=FIRST_BYTE)
        if isinstance(direct, int):
            return direct
        answer = direct
    if answer.size is None:
        raise WrongContentError("the hub does not state the size of the file")
    return answer.size


async def read_page(book: AddressBook, address: HubAddress, path: str) -> HubPage:
    """Read a JSON document of the hub.

    Parameters
    ----------
    path
        Path and query of the document.
    """

    async def read(response: aiohttp.ClientResponse) -> HubPage:
        text = await book.connections.read_at_most(response, MAX_DOCUMENT_BYTES)
        try:
            content = json.loads(text)
        except ValueError:
            raise WrongContentError("not the JSON of a hub") from None
        match = NEXT_PAGE.search(response.headers.get("Link", ""))
        if match is None:
            return HubPage(content)
        parts = urlsplit(match[1])
        return HubPage(content, f"{parts.path}?{parts.query}")

    page = await book.ask(address, read, path=path)
    if isinstance(page, SignedAddress):
        raise WrongContentError("the hub redirects to another host")
    return page


async def _read_direct_range(
    book: AddressBook, address: HubAddress, start: int, stop: int | None
) -> bytes:
    """Read a range of a file that the hub sends itself, perhaps whole because it is small."""
    if start == stop:
        return b""
    to_request = stop_to_request(start, stop)

    async def read(response: aiohttp.ClientResponse) -> bytes:
        if response.status == PARTIAL_STATUS:
            part = await read_part(book.connections, response, start, to_request)
            return cut(part, start, stop)
        content = await read_body(book.connections, response, MAX_DIRECT_BYTES, address.url)
        return content[start:stop]

    answer = await book.ask(address, read, headers=range_header(start, to_request))
    if isinstance(answer, SignedAddress):
        raise WrongContentError("the hub has moved the file to its storage")
    return answer


async def _read_stored(
    book: AddressBook,
    address: HubAddress,
    signed: SignedAddress | None,  # to try first
    read: Callable[[SignedAddress], Awaitable[T]],
) -> T:
    """Read from the storage, once more with a new address if the storage refuses the old one."""
    if signed is not None:
        try:
            return await read(signed)
        except HttpStatusError as error:
            if error.status not in DENIED_STATUS:
                raise
        signed = await book.find(address, rejected=signed)
    if signed is None:
        raise WrongContentError("the hub sends a file that it had in its storage")
    try:
        return await read(signed)
    except HttpStatusError as error:
        if error.status not in DENIED_STATUS:
            raise
    raise StoreError(
        f"{address.url}: the storage refuses the address that the hub has just given; "
        "run the same command again later"
    )
