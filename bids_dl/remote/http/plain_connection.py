"""One connection to a web server that answers byte ranges into memory of the caller.

It costs a fifth of the CPU of aiohttp for the same bytes, because they are received where they are
needed: fresh memory from the system costs more than receiving into memory that was used before.
"""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from bids_dl.remote.byte_range import Array, as_bytes
from bids_dl.remote.http.http_answers import RateCheck, StalledError
from bids_dl.remote.http.http_connections import CONNECT_SECONDS

HEAD_BYTES = 4096  # received at once while a head is expected; what follows it is copied
MAX_HEAD_BYTES = 65_536
MAX_ARRAYS = 1024  # that one call of Linux and macOS fills (IOV_MAX)
END_OF_HEAD = b"\r\n\r\n"
MIN_IDLE_SECONDS = 1.0  # after which an idle connection is looked at before it is used
ATTEMPT_SECONDS = 1.0  # at an address that is silent, as IPv6 of a wrong network, before the next
CHECK_SECONDS = 0.2  # between two looks at whether a connection is still wanted
IN_PROGRESS = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}

SocketAddress = tuple[Any, ...]
"""Family, type, protocol, canonical name and address, as `socket.getaddrinfo` returns them."""


class ConnectTimeoutError(TimeoutError):
    """A connection that cannot be made in time. `retry` knows it by its name."""


class ClosedConnectionError(ConnectionResetError):
    """A connection that the server closed before it answered."""


class WebServer(NamedTuple):
    """Server of a URL."""

    scheme: str
    host: str
    port: int

    def addresses(self) -> list[SocketAddress]:
        """Return the addresses of the server.

        Raises
        ------
        socket.gaierror
            The host is unknown.
        """
        return list(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))


class PlainConnection:
    """A connection that one thread uses at a time.

    Parameters
    ----------
    server
        Server.
    addresses
        Its addresses, tried one after the other.
    tls
        Settings of https. None for http.
    stall_seconds
        Seconds without a byte until a request fails.

    Attributes
    ----------
    address
        Address that the connection is made to.
    was_used
        True if the connection has brought an answer before, so that the server may have closed it.
    """

    def __init__(
        self,
        server: WebServer,
        addresses: Iterable[SocketAddress],
        tls: ssl.SSLContext | None,
        stall_seconds: float,
    ) -> None:
        self._server = server
        self._addresses = deque(addresses)
        self._tls = tls
        self._stall_seconds = stall_seconds
        self._deadline = time.monotonic() + CONNECT_SECONDS
        self._is_ready = False
        self._can_scatter = False
        self._awaited = selectors.EVENT_WRITE
        self._received = b""  # after a head
        self._last_use = 0.0
        self._clock = RateCheck(stall_seconds)
        self.was_used = False
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        """Begin to connect to the next address."""
        while True:
            self.address = self._addresses.popleft()
            self._attempt_end = time.monotonic() + ATTEMPT_SECONDS
            family, kind, protocol, _, address = self.address
            connecting = socket.socket(family, kind, protocol)
            connecting.setblocking(False)
            result = connecting.connect_ex(address)
            if result in IN_PROGRESS:
                return connecting
            connecting.close()
            if not self._addresses:
                raise OSError(result, errno.errorcode.get(result, "cannot connect"))

    def advance(self) -> bool:
        """Connect as far as possible without waiting, and return whether that is done.

        Raises
        ------
        OSError
            The server cannot be reached.
        """
        if self._is_ready:
            return True
        if self._awaited == selectors.EVENT_WRITE and not isinstance(self._socket, ssl.SSLSocket):
            if not self._is_awaited(0):
                if self._is_late:
                    self._socket.close()
                    self._socket = self._connect()
                return False
            failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                self._socket.close()
                if not self._addresses:
                    raise OSError(failure, "cannot connect")
                self._socket = self._connect()
                return False
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                self._socket = self._tls.wrap_socket(
                    self._socket,
                    server_hostname=self._server.host,
                    do_handshake_on_connect=False,
                )
        if isinstance(self._socket, ssl.SSLSocket):
            try:
                self._socket.do_handshake()
            except ssl.SSLWantReadError:
                self._awaited = selectors.EVENT_READ
                return False
            except ssl.SSLWantWriteError:
                self._awaited = selectors.EVENT_WRITE
                return False
        self._socket.settimeout(self._stall_seconds)
        self._can_scatter = self._tls is None and hasattr(self._socket, "recvmsg_into")
        self._is_ready = True
        return True

    def wait(self, check: Callable[[], None]) -> None:
        """Wait until `advance` can continue. ``check`` is called now and then, and may raise.

        Raises
        ------
        ConnectTimeoutError
            The server does not answer in time.
        """
        while not self._is_awaited(CHECK_SECONDS) and not self._is_late:
            check()
            if time.monotonic() > self._deadline:
                raise ConnectTimeoutError(errno.ETIMEDOUT, "no answer")

    @property
    def _is_late(self) -> bool:
        """True if the next address should be tried."""
        return bool(self._addresses) and time.monotonic() > self._attempt_end

    def _is_awaited(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, self._awaited)
            return bool(selector.select(seconds))

    def is_open(self) -> bool:
        """Return whether an idle connection is probably still open, and silent."""
        if time.monotonic() - self._last_use < MIN_IDLE_SECONDS:
            return True
        # not ready to be read, because the server has neither closed it nor sent anything
        self._awaited = selectors.EVENT_READ
        return not self._is_awaited(0)

    def send(self, request: bytes) -> None:
        """Send a request.

        Raises
        ------
        ClosedConnectionError
            The server closed the connection before.
        """
        try:
            self._socket.sendall(request)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ClosedConnectionError(str(error)) from None

    def read_head(self) -> bytes:
        """Receive the head of an answer, without the empty line.

        Raises
        ------
        ClosedConnectionError
            The server closed the connection before it answered.
        StalledError
            The head arrives byte by byte.
        OSError
            The connection is lost, or the server does not answer in time.
        """
        seconds = CONNECT_SECONDS + self._stall_seconds
        deadline = time.monotonic() + seconds
        head = self._receive_piece(is_first=True)
        while (end := head.find(END_OF_HEAD)) < 0:
            if len(head) > MAX_HEAD_BYTES:
                raise ConnectionResetError(f"a head of more than {MAX_HEAD_BYTES} bytes")
            if time.monotonic() > deadline:
                raise StalledError(f"no answer within {seconds:.0f} s")
            head += self._receive_piece(is_first=False)
        self._received = head[end + len(END_OF_HEAD) :]
        self._clock = RateCheck(self._stall_seconds)
        self._last_use = time.monotonic()
        self.was_used = True
        return head[:end]

    def _receive_piece(self, *, is_first: bool) -> bytes:
        try:
            piece = self._socket.recv(HEAD_BYTES)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ClosedConnectionError(str(error)) from None
        if not piece:
            if is_first:
                raise ClosedConnectionError("the server closed the connection")
            raise ConnectionResetError("the head of the answer ends early")
        return piece

    def fill(self, arrays: Sequence[Array]) -> None:
        """Fill contiguous arrays with the next bytes of a body, one after the other.

        Raises
        ------
        ConnectionResetError
            The body ends before.
        StalledError
            The body arrives too slowly.
        OSError
            The connection is lost, or no byte arrives in time.
        """
        sizes = [array.nbytes for array in arrays]
        size = sum(sizes)
        pending = list(arrays) if all(sizes) else [array for array in arrays if array.nbytes]
        position = 0
        while position < size:
            n_bytes = self._receive_into(pending)
            if not n_bytes:
                raise ConnectionResetError(f"{position} of {size} bytes arrived")
            position += n_bytes
            self._clock.add(n_bytes)
            if position < size:
                _skip(pending, n_bytes)

    def _receive_into(self, arrays: Sequence[Array]) -> int:
        """Fill the beginning of arrays, and return the number of bytes."""
        if self._received:  # with the head
            n_bytes = min(len(self._received), arrays[0].nbytes)
            as_bytes(arrays[0])[:n_bytes] = np.frombuffer(self._received, np.uint8, n_bytes)
            self._received = self._received[n_bytes:]
            return n_bytes
        if len(arrays) == 1 or not self._can_scatter:
            # the size, because some sockets take the first axis for it
            return self._socket.recv_into(arrays[0], arrays[0].nbytes)  # type: ignore[arg-type]
        return self._socket.recvmsg_into(arrays[:MAX_ARRAYS])[0]  # type: ignore[arg-type]

    @property
    def has_more(self) -> bool:
        """True if more was received than was asked for."""
        return bool(self._received)

    def interrupt(self) -> None:
        """Make the thread that uses the connection fail. Any thread may call this."""
        with suppress(OSError):
            # not that of SSLSocket, which takes the session from the thread that reads
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _skip(arrays: list[Array], n_bytes: int) -> None:
    """Remove the first bytes of arrays."""
    index = 0
    while n_bytes >= arrays[index].nbytes:
        n_bytes -= arrays[index].nbytes
        index += 1
    del arrays[:index]
    if n_bytes:
        arrays[0] = as_bytes(arrays[0])[n_bytes:]


def finish_connecting(
    connections: Iterable[PlainConnection], check: Callable[[], None]
) -> dict[PlainConnection, OSError]:
    """Connect at the same time, and return the failures.

    Parameters
    ----------
    check
        Called now and then; what it raises ends the waiting.
    """
    pending = list(connections)
    failures: dict[PlainConnection, OSError] = {}
    while pending:
        waiting = []
        for connection in pending:
            try:
                if not connection.advance():
                    waiting.append(connection)
            except OSError as failure:
                failures[connection] = failure
        pending = waiting
        if pending:
            try:
                pending[0].wait(check)
            except ConnectTimeoutError as failure:
                failures[pending.pop(0)] = failure
    return failures
