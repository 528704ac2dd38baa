"""Requests that another thread can cancel, so that nobody waits for a slow server."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Cancellable(Protocol):
    """Work that any thread can cancel."""

    def cancel(self) -> Any:
        """Make the thread that works or waits fail soon."""


class RequestCancelledError(Exception):
    """A request that is no longer needed, because the work that it belongs to has ended."""


class RequestGroup:
    """Requests that are cancelled together, made by some threads or inside some contexts.

    A group that is created by a thread of another group is cancelled with that group.

    Examples
    --------
    >>> group = RequestGroup()
    >>> with ThreadPoolExecutor(1, initializer=group.add_thread) as threads:
    ...     waiting = threads.submit(sleep, 60)
    ...     group.cancel()
    >>> type(waiting.exception()).__name__
    'RequestCancelledError'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: set[Cancellable] = set()
        self._cancelled = threading.Event()
        self._children: weakref.WeakSet[RequestGroup] = weakref.WeakSet()
        parent = CURRENT_GROUP.get()
        if parent is not None:
            parent.add_child(self)

    def add_child(self, child: RequestGroup) -> None:
        """Add a group that is cancelled with this one."""
        with self._lock:
            self._children.add(child)
        if self._cancelled.is_set():
            child.cancel()

    def add_thread(self) -> None:
        """Add the calling thread: requests made in it from now on belong to this group.

        The group is also that of coroutines and threads that asyncio starts from this thread.
        """
        CURRENT_GROUP.set(self)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Add the requests that are made inside the context."""
        previous = CURRENT_GROUP.set(self)
        try:
            yield
        finally:
            CURRENT_GROUP.reset(previous)

    def cancel(self) -> None:
        """Cancel all requests of the group, and every one that is made later."""
        with self._lock:
            self._cancelled.set()
            pending = list(self._pending)
            children = list(self._children)
        for future in pending:
            future.cancel()
        for child in children:
            child.cancel()

    def wait(self, future: Future[T]) -> T:
        """Wait for a request of this group.

        Raises
        ------
        RequestCancelledError
            The group was cancelled.
        """
        self.add_request(future)
        try:
            return future.result()
        except CancelledError:
            self.check_running()
            raise
        finally:
            self.discard_request(future)

    def add_request(self, request: Cancellable) -> None:
        """Add a request, which is cancelled with the group.

        Raises
        ------
        RequestCancelledError
            The group was cancelled.
        """
        with self._lock:
            self.check_running()
            self._pending.add(request)

    def discard_request(self, request: Cancellable) -> None:
        """Remove a request that has ended."""
        with self._lock:
            self._pending.discard(request)

    def sleep(self, seconds: float) -> None:
        """Sleep, unless the group is cancelled.

        Raises
        ------
        RequestCancelledError
            The group was cancelled.
        """
        self._cancelled.wait(seconds)
        self.check_running()

    def check_running(self) -> None:
        """Raise `RequestCancelledError` if the group was cancelled."""
        if self._cancelled.is_set():
            raise RequestCancelledError("the request was cancelled")


CURRENT_GROUP: ContextVar[RequestGroup | None] = ContextVar("CURRENT_GROUP", default=None)


@contextmanager
def cancelling_requests() -> Iterator[RequestGroup]:
    """Cancel the requests made inside the context if it ends with an exception, such as Ctrl-C.

    Otherwise this process could not end before the slowest of them.

    Examples
    --------
    >>> with cancelling_requests() as group:
    ...     CURRENT_GROUP.get() is group
    True
    """
    group = RequestGroup()
    with group.active():
        try:
            yield group
        except BaseException:
            group.cancel()
            raise


@contextmanager
def request_threads(n_threads: int) -> Iterator[ThreadPoolExecutor]:
    """Provide a pool of threads whose requests are cancelled if the context ends with an exception.

    Examples
    --------
    >>> with request_threads(2) as threads:
    ...     list(threads.map(abs, [-1, 2]))
    [1, 2]
    """
    with cancelling_requests() as group:
        pool = ThreadPoolExecutor(n_threads, initializer=group.add_thread)
        try:
            yield pool
        except BaseException:
            group.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        pool.shutdown(wait=True)  # calls that have not begun are still made


def run_in_loop(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop of another thread, and wait for its result.

    The coroutine is cancelled if this thread is interrupted, or its `RequestGroup` is cancelled.

    Raises
    ------
    RequestCancelledError
        The group was cancelled.
    Exception
        Any error of the coroutine.
    """
    import asyncio  # here, because disks need no event loop

    return wait_for(asyncio.run_coroutine_threadsafe(coroutine, loop))


def wait_for(future: Future[T]) -> T:
    """Wait for the result of a coroutine that runs on the event loop of another thread.

    Errors are those of `run_in_loop`.
    """
    group = CURRENT_GROUP.get()
    try:
        return future.result() if group is None else group.wait(future)
    except BaseException:
        future.cancel()
        raise


def sleep(seconds: float) -> None:
    """Sleep, unless the `RequestGroup` of this thread is cancelled.

    Raises
    ------
    RequestCancelledError
        The group was cancelled.
    """
    group = CURRENT_GROUP.get()
    if group is None:
        time.sleep(seconds)
    else:
        group.sleep(seconds)
