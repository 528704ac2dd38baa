"""Signed addresses that one process knows: each file is resolved once, for all its ranges."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.remote.http.http_connections import HttpConnections, Redirect
from bids_dl.remote.http.web_objects import WebOptions
from bids_dl.remote.hub.account import endpoint
from bids_dl.remote.hub.hub_address import HubAddress
from bids_dl.remote.hub.hub_answers import check_hub_answer
from bids_dl.remote.hub.signed_address import SignedAddress, parse_redirect
from bids_dl.remote.retry import TOO_MANY_STATUS

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

FIRST_BYTE = {"Range": "bytes=0-0"}  # because a file that comes directly need not come whole


@dataclass(eq=False)
class AddressBook:
    """Signed addresses of one process and one account.

    Only files of a commit are remembered, because those of a branch may be replaced. All methods
    run on the loop of the connections.

    Parameters
    ----------
    connections
        Connections that send the token to the hub only.
    has_token
        Whether they send one.
    """

    connections: HttpConnections
    has_token: bool
    _known: dict[HubAddress, SignedAddress | None] = field(default_factory=dict, repr=False)
    _pending: dict[HubAddress, asyncio.Task[SignedAddress | None]] = field(
        default_factory=dict, repr=False
    )
    _busy_until: float = 0.0  # by `time.monotonic`

    def knows(self, address: HubAddress) -> bool:
        """Return whether the signed address of a file is known and valid."""
        known = self._known.get(address)
        return known is not None and known.is_valid

    async def find(
        self, address: HubAddress, rejected: SignedAddress | None = None
    ) -> SignedAddress | None:
        """Return the signed address of a file, None if the hub sends the file itself.

        Requests for the same file at the same time share one answer.

        Parameters
        ----------
        rejected
            Address that the storage has refused.

        Raises
        ------
        FileNotFoundError, StoreError, HttpStatusError
            As for `check_hub_answer`.
        """
        if address in self._known:
            known = self._known[address]
            if known is None or (known.is_valid and known is not rejected):
                return known
        task = self._pending.get(address)
        if task is None:
            task = asyncio.ensure_future(self._resolve(address))
            self._pending[address] = task
            task.add_done_callback(lambda done: self._forget(address, done))
        return await asyncio.shield(task)

    async def ask(
        self,
        address: HubAddress,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        *,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> T | SignedAddress:
        """Ask the hub, and return what ``use`` makes of its answer.

        While the hub asks to wait, it is not asked: its last refusal is raised again.

        Parameters
        ----------
        address
            File or folder that is asked for.
        path
            Path and query of the request, "" for the file itself.

        Returns
        -------
        object
            The signed address of the file if the hub does not send it itself.

        Raises
        ------
        FileNotFoundError, StoreError, HttpStatusError
            As for `check_hub_answer`.
        """
        seconds = self._busy_until - time.monotonic()
        if seconds > 0:
            raise HttpStatusError(TOO_MANY_STATUS, retry_after=seconds)

        async def read(response: aiohttp.ClientResponse) -> T:
            await check_hub_answer(response, address, has_token=self.has_token)
            return await use(response)

        url = endpoint() + (path or address.resolve_path)
        try:
            answer = await self.connections.request_on_host("GET", url, read, headers=headers)
        except HttpStatusError as error:
            if error.status == TOO_MANY_STATUS:  # other threads need not ask meanwhile
                until = time.monotonic() + error.retry_after
                self._busy_until = max(self._busy_until, until)
            raise
        if not isinstance(answer, Redirect):
            return answer
        signed = parse_redirect(answer.url, answer.headers)
        if address.is_pinned:
            self._known[address] = signed
        return signed

    async def _resolve(self, address: HubAddress) -> SignedAddress | None:
        answer = await self.ask(address, _ignore, headers=FIRST_BYTE)
        if answer is None and address.is_pinned:
            self._known[address] = None
        return answer

    def _forget(self, address: HubAddress, task: asyncio.Task[SignedAddress | None]) -> None:
        """Forget a request that has ended, and mark its error as seen if nobody waits for it."""
        self._pending.pop(address, None)
        if not task.cancelled():
            task.exception()


async def _ignore(_: aiohttp.ClientResponse) -> None:
    """Read nothing of an answer."""


BOOKS: dict[tuple[int, str, WebOptions], AddressBook] = {}
"""Address books by process, hub and account. A process has its own, which all locations share."""


def open_book(options: WebOptions, *, has_token: bool) -> AddressBook:
    """Return the address book of this process for some options."""
    key = os.getpid(), endpoint(), options
    if key not in BOOKS:
        BOOKS.setdefault(key, AddressBook(options.connections(), has_token))
    return BOOKS[key]
