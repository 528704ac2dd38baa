"""Idle plain connections of a process to a server, and the limit of those in use."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bids_dl.remote.http.plain_connection import (
    CHECK_SECONDS,
    PlainConnection,
    SocketAddress,
    WebServer,
)
from bids_dl.remote.process_limits import max_open_files

MAX_CONNECTIONS = 64  # to a server from one process, so that requests overlap
MAX_SHARE = 0.125  # of the file descriptors that the process may open


def max_connections() -> int:
    """Return the number of connections that a process makes to a server at the same time."""
    return max(1, min(MAX_CONNECTIONS, int(MAX_SHARE * max_open_files())))


@dataclass(eq=False)
class ConnectionPool:
    """Connections of one process to one server. Any thread may use it.

    Idle connections are closed with the pool.

    Parameters
    ----------
    server
        Server.
    stall_seconds
        Seconds without a byte until a request fails.

    Attributes
    ----------
    is_closed_by_server
        True if the server closed a connection after its last answer.
    """

    server: WebServer
    stall_seconds: float
    is_closed_by_server: bool = field(default=False, init=False)
    _idle: deque[PlainConnection] = field(default_factory=deque, init=False)
    _slots: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(max_connections()), init=False
    )
    _address: SocketAddress | None = field(default=None, init=False)  # that answered last
    _tls: list[ssl.SSLContext] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self._idle)

    def take_slot(self) -> bool:
        """Take the place of a connection if one is free. It is given back by `release_slot`."""
        return self._slots.acquire(blocking=False)

    def wait_for_slot(self, check: Callable[[], None]) -> None:
        """Wait for the place of a connection. ``check`` is called now and then, and may raise."""
        while not self._slots.acquire(timeout=CHECK_SECONDS):
            check()

    def release_slot(self) -> None:
        """Give the place of a connection back."""
        self._slots.release()

    def take(self, count: int) -> list[PlainConnection]:
        """Return connections, some of which may still be connecting.

        Errors are those of `connect`.
        """
        taken: list[PlainConnection] = []
        while len(taken) < count:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if connection.is_open():
                taken.append(connection)
            else:
                connection.close()
        if len(taken) == count:
            return taken
        try:
            return [*taken, *self.connect(count - len(taken))]
        except OSError:
            _close_all(taken)
            raise

    def connect(self, count: int) -> list[PlainConnection]:
        """Return new connections, which may still be connecting.

        Raises
        ------
        OSError
            The host is unknown, or has no address that can be reached.
        """
        opened: list[PlainConnection] = []
        addresses = sorted(self.server.addresses(), key=lambda address: address != self._address)
        tls = self._tls_context()
        try:
            while len(opened) < count:
                opened.append(PlainConnection(self.server, addresses, tls, self.stall_seconds))
        except OSError:
            _close_all(opened)
            raise
        return opened

    def keep(self, connection: PlainConnection) -> None:
        """Keep a connection whose answer was received whole, unless enough are idle."""
        self.is_closed_by_server = False
        self._address = connection.address
        if len(self._idle) < max_connections():
            self._idle.append(connection)
        else:
            connection.close()

    def _tls_context(self) -> ssl.SSLContext | None:
        if self.server.scheme != "https":
            return None
        if not self._tls:  # once, because certificates are read from disk
            self._tls.append(ssl.create_default_context())
        return self._tls[0]


def _close_all(connections: Iterable[PlainConnection]) -> None:
    for connection in connections:
        connection.close()
