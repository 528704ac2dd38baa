"""The server of a page: in a thread of its own, so that the caller can wait for its end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aiohttp import web

from bids_dl.annotate.server.application import Entrance, make_application
from bids_dl.annotate.server.checking.addresses import format_url, list_hosts
from bids_dl.annotate.server.checking.admission import Admission
from bids_dl.annotate.server.labelling import Labelling
from bids_dl.annotate.server.server_file import read_last_server, write_last_server
from bids_dl.errors import ConfigError
from bids_dl.remote.caching.file_lock import lock_file

LOCK = "code/server.lock"  # in the folder of the derivative, while a server runs
SHUTDOWN_SECONDS = 2.0  # for requests that are being answered
IDLE_SECONDS = 60.0  # until a connection without a whole request is closed; tabs ask each 10 s
TOKEN = "/?token="  # noqa: S105  (of the address; the token follows)

silent = logging.getLogger(f"{__name__}.connections")
silent.addHandler(logging.NullHandler())
silent.propagate = False  # because it logs the first line of a wrong request, which has the token


class PageServer:
    """Serves a page inside the context.

    Parameters
    ----------
    labelling
        Pool, signals, log and questions. Its trainings run meanwhile.
    folder
        Folder of the derivative, with ``code/`` in it.
    host, port
        Address to listen at. Port 0 is that of the last server of the folder, or any free one.
    on_address
        Called with the address for the next browser: at the start, and after each was used.

    Raises
    ------
    ConfigError
        The address cannot be listened at.
    """

    def __init__(
        self,
        labelling: Labelling,
        folder: Path,
        *,
        host: str,
        port: int,
        on_address: Callable[[str], None],
    ) -> None:
        last = read_last_server(folder)
        self._labelling = labelling
        self._on_address = on_address
        self._socket = _listen(host, port, last.port)
        self.port = int(self._socket.getsockname()[1])
        self.url = format_url(host, self.port)
        # a cookie is bound to its port, so that those of another port are of no use
        self._admission = Admission(
            last.cookies if last.port == self.port else (),
            on_change=lambda cookies: write_last_server(folder, self.port, cookies),
        )
        if last.port != self.port:
            write_last_server(folder, self.port, ())
        self._entrance = Entrance(
            self._admission, list_hosts(host, self.port), self.port, self._show_address
        )
        self._thread = threading.Thread(target=self._run, name="page-server", daemon=True)
        self._ready = threading.Event()
        # Thread.join is not used: CPython takes a thread as ended when Ctrl-C interrupts its join
        self._has_ended = threading.Event()
        self._problem: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()

    def __enter__(self) -> PageServer:
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:  # Ctrl-C
            self.__exit__()
            raise
        self._raise_problem()
        self._show_address()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._end.set)
        self._has_ended.wait()

    def wait(self) -> None:
        """Wait until the server ends. An interruption, such as Ctrl-C, is raised.

        Raises
        ------
        Exception
            The one that ended the server.
        """
        self._has_ended.wait()
        self._raise_problem()

    def _show_address(self) -> None:
        self._on_address(f"{self.url}{TOKEN}{self._admission.token}")

    def _raise_problem(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as problem:  # noqa: BLE001  (raised again in the thread that waits)
            self._problem = problem
        finally:
            self._socket.close()
            self._ready.set()
            self._has_ended.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(
            make_application(self._labelling, self._entrance),
            access_log=None,
            logger=silent,
            handler_cancellation=True,  # a page that nobody waits for is not computed
            shutdown_timeout=SHUTDOWN_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            await self._labelling.start()
            self._ready.set()
            await self._end.wait()
        finally:
            try:
                await runner.cleanup()
            finally:
                await self._labelling.stop()


def find_address(host: str) -> tuple[socket.AddressFamily, str]:
    """Return the kind and the number of the address of a host, of version 4 if it has one.

    Parameters
    ----------
    host
        Name or number of this machine.

    Raises
    ------
    ConfigError
        The host is unknown.

    Examples
    --------
    >>> find_address("127.0.0.1")[1]
    '127.0.0.1'
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"--host {host}: is no address of this machine; leave it out to serve this machine only"
        ) from None
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _listen(host: str, port: int, last_port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises
    ------
    ConfigError
        The host is unknown, or the port is in use or not allowed.
    """
    family, address = find_address(host)
    if port == 0 and last_port:
        with suppress(OSError):  # another program has the port now
            return socket.create_server((address, last_port), family=family)
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        shown = f"--host {host} --port {port}" if port else f"--host {host}"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(
            f"{shown}: cannot be served ({reason}); choose another, or leave it out"
        ) from None


@contextmanager
def only_server(folder: Path) -> Iterator[None]:
    """Keep other servers from a folder inside the context.

    Parameters
    ----------
    folder
        Folder of the derivative, with ``code/`` in it.

    Raises
    ------
    ConfigError
        Another server runs, here or on another machine that shares the folder.
    """
    try:
        lock = lock_file(folder / LOCK, blocking=False, is_inherited=False)
        with lock as is_held:
            if not is_held:
                port = read_last_server(folder).port
                at = f" at port {port}" if port else ""
                raise ConfigError(
                    f"--labels {folder}: another bids-dl label serves this folder{at}; use its "
                    "page, or end it first"
                )
            yield
    except OSError as error:
        raise ConfigError(f"--labels {folder}: {LOCK} cannot be locked ({error})") from None
