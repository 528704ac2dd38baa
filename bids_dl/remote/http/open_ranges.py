"""Byte ranges that were requested over plain connections, received one after the other."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from bids_dl.remote.byte_range import Array, ByteRange
from bids_dl.remote.cancellation import CURRENT_GROUP, RequestCancelledError
from bids_dl.remote.http.connection_pool import ConnectionPool
from bids_dl.remote.http.http_answers import ERROR_STATUS, WrongContentError
from bids_dl.remote.http.plain_answer import (
    AnswerHead,
    UnusualAnswerError,
    failure_of,
    parse_head,
    size_of_range,
)
from bids_dl.remote.http.plain_connection import (
    ClosedConnectionError,
    PlainConnection,
    finish_connecting,
)
from bids_dl.remote.retry import SERVER_ERROR_STATUS, TRANSIENT_STATUS

MAX_ERROR_BYTES = 1000  # of the body of an error, for messages


@dataclass(eq=False)
class RangeRun:
    """Neighbouring ranges of one object, which are one request.

    Parameters
    ----------
    ranges
        Ranges in order.
    request
        Request of all of them, as it is sent.
    start, stop
        First byte, negative if it counts from the end of the object, and the first byte after the
        last, None for the end.
    """

    ranges: Sequence[ByteRange]
    request: bytes
    start: int
    stop: int | None
    connection: PlainConnection | None = None
    head: AnswerHead | None = None
    failure: Exception | None = None
    n_received: int = 0  # ranges
    n_bytes_left: int = 0  # of the body

    def connected(self) -> PlainConnection:
        """Return the connection of the request.

        Raises
        ------
        ConnectionAbortedError
            There is none.
        """
        if self.connection is None:
            raise ConnectionAbortedError("the connection is closed")
        return self.connection

    @property
    def is_complete(self) -> bool:
        """True if the answer was received whole, and the server keeps the connection open."""
        if self.failure is not None or self.head is None or self.connection is None:
            return False
        return not (self.n_bytes_left or self.head.is_last or self.connection.has_more)


class OpenRanges:
    """Ranges that are requested at once. One thread receives them, and closes what is left.

    They belong to the `RequestGroup` in which they were created.

    Parameters
    ----------
    pool
        Connections to the server.
    runs
        Requests, in order.
    describes_errors
        Return errors of the server as exceptions. If False, the general client repeats them.
    on_answer
        Called for each answer, with the reason if only the general client understands it. Answers
        of a busy server do not count.
    is_limited
        Wait for the connections of other ranges if the server has many from this process. False
        for ranges that may be received much later: others would wait for these.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        runs: Sequence[RangeRun],
        *,
        describes_errors: bool,
        on_answer: Callable[[UnusualAnswerError | None], None],
        is_limited: bool = True,
    ) -> None:
        self._pool = pool
        self._is_limited = is_limited
        self._waiting = deque(runs)
        self._sent: deque[RangeRun] = deque()
        self._describes_errors = describes_errors
        self._on_answer = on_answer
        self._lock = threading.Lock()  # of `_sent`, whose connections `cancel` interrupts
        self._group = CURRENT_GROUP.get()

    def __enter__(self) -> Self:
        if self._group is not None:
            try:
                self._group.add_request(self)
            except RequestCancelledError:
                self.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._group is not None:
            self._group.discard_request(self)
        self.close()

    def close(self) -> None:
        """Give up the ranges that were not received."""
        self._waiting.clear()
        while self._sent:
            self._release()

    def cancel(self) -> None:
        """Make the thread that receives fail. Any thread may call this."""
        with self._lock:
            for run in self._sent:
                if run.connection is not None:
                    run.connection.interrupt()

    def _check(self) -> None:
        if self._group is not None:
            self._group.check_running()

    def send(self) -> None:
        """Send the requests now. A failure to connect is returned by `receive`.

        Raises
        ------
        RequestCancelledError
            The `RequestGroup` was cancelled.
        """
        self._send_waiting()

    def receive(self, arrays: Sequence[Array]) -> Exception | None:
        """Receive the next range into arrays.

        Parameters
        ----------
        arrays
            Contiguous arrays, together of the size of the range.

        Returns
        -------
        Exception or None
            None if the arrays were filled. `EOFError` if the object ends before the range does,
            `UnusualAnswerError` if the general client should request the range.

        Raises
        ------
        RequestCancelledError
            The `RequestGroup` of this thread was cancelled.
        """
        if not self._sent:
            self._send_waiting()
        run = self._sent[0]
        size = run.ranges[run.n_received].size
        run.n_received += 1
        if run.failure is None:
            try:
                self._receive_part(run, size, arrays)
            except (OSError, EOFError, WrongContentError, UnusualAnswerError) as failure:
                self._check()  # because a connection that was interrupted fails
                self._fail(run, failure)
        if run.n_received == len(run.ranges):
            self._release()
            if self._waiting:
                self._send_waiting()
        return run.failure

    def _fail(self, run: RangeRun, failure: Exception) -> None:
        run.failure = failure
        is_transient = run.head is not None and (
            run.head.status in TRANSIENT_STATUS or run.head.status >= SERVER_ERROR_STATUS
        )
        if isinstance(failure, UnusualAnswerError) and not is_transient:
            self._on_answer(failure)

    def _receive_part(self, run: RangeRun, size: int, arrays: Sequence[Array]) -> None:
        """Receive the next bytes of an answer, whose head is read before the first of them."""
        if run.head is None:
            run.head = self._read_head(run)
            run.n_bytes_left = size_of_range(run.head, run.start, run.stop)
            self._on_answer(None)
        if run.n_bytes_left < size:
            raise EOFError(f"got {run.n_bytes_left} of {size} requested bytes")
        run.connected().fill(arrays)
        run.n_bytes_left -= size

    def _read_head(self, run: RangeRun) -> AnswerHead:
        """Read the head of an answer that holds a range.

        Raises
        ------
        UnusualAnswerError
            The general client should make the request.
        OSError
            The server reports a failure, or the connection is lost.
        """
        was_used = run.connected().was_used
        try:
            head = parse_head(run.connected().read_head())
        except ClosedConnectionError:
            self._check()
            if not was_used:
                raise
            self._reconnect(run)  # because the server may close an idle connection at any time
            head = parse_head(run.connected().read_head())
        if head.status >= ERROR_STATUS and self._describes_errors:
            body = np.empty(min(head.content_length or 0, MAX_ERROR_BYTES), np.uint8)
            run.connected().fill([body])
            raise failure_of(head, body.tobytes(), run.ranges[0].name)
        return head

    def _send_waiting(self) -> None:
        """Send as many requests as there is room for connections, at least one."""
        runs = []
        while self._waiting:
            if self._is_limited and not self._pool.take_slot():
                if self._sent:  # it waits only if it has none, so that no two threads wait for ever
                    break
                self._pool.wait_for_slot(self._check)
            run = self._waiting.popleft()
            runs.append(run)
            with self._lock:
                self._sent.append(run)
        self._connect(runs, self._pool.take)
        for run in runs:
            if run.failure is not None:
                continue
            try:
                self._send(run)
            except OSError as failure:
                self._check()
                run.failure = failure

    def _send(self, run: RangeRun) -> None:
        try:
            run.connected().send(run.request)
        except ClosedConnectionError:
            self._check()
            if not run.connected().was_used:
                raise
            self._reconnect(run)

    def _reconnect(self, run: RangeRun) -> None:
        """Send a request over another connection.

        Raises
        ------
        OSError
            The server cannot be reached.
        """
        run.connected().close()
        # a new one, because the server may have closed all that are idle
        self._connect([run], self._pool.connect)
        if run.failure is not None:
            raise run.failure
        run.connected().send(run.request)

    def _connect(
        self, runs: Sequence[RangeRun], take: Callable[[int], list[PlainConnection]]
    ) -> None:
        """Give each request a connection, or the failure to connect.

        Parameters
        ----------
        take
            Returns a number of connections.
        """
        try:
            connections = take(len(runs))
        except OSError as failure:
            for run in runs:
                run.failure = failure
            return
        with self._lock:
            for run, connection in zip(runs, connections, strict=True):
                run.connection = connection
        self._check()  # because `cancel` may have come before
        failures = finish_connecting(connections, self._check)
        for run, connection in zip(runs, connections, strict=True):
            problem = failures.get(connection)
            if isinstance(problem, ssl.SSLError):  # which the general client describes
                self._fail(run, UnusualAnswerError(str(problem)))
            elif problem is not None:
                run.failure = problem

    def _release(self) -> None:
        """Give back the connection of the first request that was sent."""
        with self._lock:
            run = self._sent.popleft()
            if run.connection is not None and run.is_complete:
                self._pool.keep(run.connection)
            elif run.connection is not None:
                run.connection.close()
                if run.head is not None and run.head.is_last:
                    self._pool.is_closed_by_server = True
            run.connection = None
        if self._is_limited:
            self._pool.release_slot()
