"""The process of the learner: it measures the pool once, and trains a round per request."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeAlias

from bids_dl.annotate.asking.exchange import LearnerJob, RoundRequest, RoundResult
from bids_dl.errors import BidsDlError

NICENESS = 5  # of the process, so that the page is served first
END_SECONDS = 5.0  # for a process to end by itself, until it is killed
PROGRESS_SECONDS = 0.2  # between two messages about the progress

Phase: TypeAlias = Literal["stopped", "measuring", "waiting", "training", "failed"]


class TrainerError(BidsDlError):
    """A round that failed. The next one starts a new process if that is needed."""


@dataclass(frozen=True, slots=True)
class TrainerState:
    """State of the process of the learner.

    Attributes
    ----------
    phase
        ``"stopped"`` before `Trainer.start` and after `Trainer.close`, ``"measuring"`` until the
        features of the pool are known, ``"waiting"`` between rounds, ``"training"`` in a round, and
        ``"failed"`` after a round or a process that ended with an error.
    done, total
        Windows that are measured, and all windows.
    message
        Sentence for people: the reason of a failure, or windows that are left out. Empty for none.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    message: str = ""


class Trainer:
    """A process that trains between rounds, as its parent sees it.

    The process is spawned, has a lower priority, and ignores Ctrl-C. It ends with its parent,
    however that ends. A process that was killed is started again by the next round, and measures
    the pool again.

    All methods return at once, and may be called from any thread.

    Parameters
    ----------
    job
        Pool and learner.

    Examples
    --------
    A round, for a questioner with answers::

        trainer = Trainer(LearnerJob("pool.zarr", ("background", "spike")))
        trainer.start()
        future = trainer.train(questioner.begin_round())  # asyncio: await wrap_future(future)
        questioner.set_opinion(future.result())
        trainer.close()
    """

    def __init__(self, job: LearnerJob) -> None:
        self._job = job
        self._state = TrainerState("stopped")
        self._requests: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._link: _Link | None = None
        self._is_closed = False

    @property
    def state(self) -> TrainerState:
        """State now. A process that was killed between two rounds has failed."""
        state, link = self._state, self._link
        if state.phase == "waiting" and link is not None and not link.process.is_alive():
            return TrainerState("failed", message=describe_end(link.process.exitcode))
        return state

    @property
    def process_id(self) -> int | None:
        """Number of the process, None if there is none."""
        link = self._link
        return None if link is None else link.process.pid

    def start(self) -> Future[None]:
        """Start the process and measure the pool.

        Returns
        -------
        concurrent.futures.Future
            Done when the pool is measured. It raises `TrainerError` if that fails.
        """
        return self._submit(None)

    def train(self, request: RoundRequest) -> Future[RoundResult]:
        """Train a round, after those that were requested before.

        Parameters
        ----------
        request
            Request of `Questioner.begin_round`.

        Returns
        -------
        concurrent.futures.Future
            Result of the round. It raises `TrainerError` if the round fails, the process is killed
            or the trainer is closed.
        """
        return self._submit(request)

    def close(self) -> None:
        """End the process, and fail the rounds that are not done. Waits 10 s at most."""
        self._is_closed = True
        if self._thread is None:
            return
        if (link := self._link) is not None:
            link.process.terminate()
        self._requests.put(None)
        self._thread.join(END_SECONDS)
        if self._thread.is_alive() and link is not None:
            link.process.kill()
            self._thread.join(END_SECONDS)

    def _submit(self, request: RoundRequest | None) -> Future[Any]:
        """Put a request into the queue of the thread, which is started if needed."""
        order = _Order(request, Future())
        if self._is_closed:
            order.future.set_exception(TrainerError("the trainer is closed"))
            return order.future
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="trainer", daemon=True)
            self._thread.start()
        self._requests.put(order)
        return order.future

    def _serve(self) -> None:
        """Carry out the requests one after the other, until the trainer is closed."""
        while (order := self._requests.get()) is not None:
            if not order.future.set_running_or_notify_cancel():
                continue  # nobody waits for its result; later, it cannot be cancelled
            try:
                result = self._carry_out(order.request)
            except Exception as error:  # noqa: BLE001  (given to the caller by the future)
                failure = error if isinstance(error, TrainerError) else TrainerError(str(error))
                self._state = TrainerState("failed", message=str(failure))
                order.future.set_exception(failure)
            else:
                order.future.set_result(result)
        self._end()
        while not self._requests.empty():
            order = self._requests.get()
            if order is not None and order.future.set_running_or_notify_cancel():
                order.future.set_exception(TrainerError("the trainer was closed"))
        self._state = TrainerState("stopped")

    def _carry_out(self, request: RoundRequest | None) -> RoundResult | None:
        """Start the process if there is none, and train a round if one is requested."""
        try:
            if self._link is None or not self._link.process.is_alive():
                self._end()
                self._begin()
            link = self._link
            if request is None or link is None:
                return None
            self._state = TrainerState("training", message=self._state.message)
            link.connection.send(request)
            result: RoundResult = self._receive()
        except (EOFError, OSError) as error:
            raise TrainerError(self._end() or str(error)) from None
        message = " ".join(result.messages) or self._state.message
        self._state = TrainerState("waiting", message=message)
        return result

    def _begin(self) -> None:
        """Start a process, and wait until it has measured the pool."""
        self._state = TrainerState("measuring")
        if self._is_closed:
            raise TrainerError("the trainer was closed")
        self._link = _spawn(self._job)
        try:
            self._receive()
        except TrainerError:
            self._end()
            raise
        self._state = TrainerState("waiting")

    def _receive(self) -> Any:
        """Return the next result of the process, and follow its progress meanwhile."""
        link = self._link
        if link is None:
            raise EOFError
        while True:
            kind, content = link.connection.recv()
            if kind == "progress":
                self._state = TrainerState("measuring", *content)
            elif kind == "failed":
                raise TrainerError(content)
            else:
                return content

    def _end(self) -> str:
        """End the process, if there is one, and return how it ended."""
        link, self._link = self._link, None
        if link is None:
            return ""
        link.connection.close()
        link.process.join(END_SECONDS)
        if link.process.exitcode is None:
            link.process.kill()
            link.process.join()
        return describe_end(link.process.exitcode)


@dataclass(frozen=True, slots=True)
class _Order:
    request: RoundRequest | None  # None only starts the process
    future: Future[Any]


@dataclass(frozen=True, slots=True)
class _Link:
    process: BaseProcess
    connection: Connection


def describe_end(exit_code: int | None) -> str:
    """Describe the end of a process of the learner for people.

    Parameters
    ----------
    exit_code
        Exit code, negative for a signal.

    Examples
    --------
    >>> describe_end(-9)
    'the process of the learner was killed (signal 9); the next round starts it again'
    """
    if exit_code is not None and exit_code < 0:
        cause = f"was killed (signal {-exit_code})"
    else:
        cause = f"ended (exit code {exit_code})"
    return f"the process of the learner {cause}; the next round starts it again"


def _spawn(job: LearnerJob) -> _Link:
    """Start the process, in which SIGINT is blocked from the beginning."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, job), name="learner", daemon=True)
    with _interrupts_blocked():
        process.start()
    theirs.close()
    return _Link(process, ours)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT of this thread, because a spawned process inherits that."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # which would unblock SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(connection: Connection, job: LearnerJob) -> None:
    """Measure the pool and train rounds, until the other end is closed. The process runs this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        _run_rounds(connection, job)
    except (EOFError, ConnectionError):
        return  # the parent closed the trainer, or ended
    except Exception as error:  # noqa: BLE001  (told to the parent, which raises it)
        _tell_failure(connection, error)


def _run_rounds(connection: Connection, job: LearnerJob) -> None:
    """Prepare the learner, then train a round per request. A round that fails ends no process."""
    from bids_dl.annotate.asking.preparation import limit_threads, prepare_learner
    from bids_dl.annotate.asking.rounds import Rounds

    limit_threads()
    rounds = Rounds(prepare_learner(job, on_progress=_throttle(connection)))
    connection.send(("ready", None))
    while True:
        request = connection.recv()
        try:
            result = rounds.run(request)
        except Exception as error:  # noqa: BLE001  (told to the parent, which raises it)
            _tell_failure(connection, error)
        else:
            connection.send(("result", result))


def _tell_failure(connection: Connection, error: Exception) -> None:
    """Send the message of an error. One that is not expected is also printed, with its place."""
    text = str(error)
    if not isinstance(error, BidsDlError):
        traceback.print_exception(error)
        text = f"the learner failed with {type(error).__name__}: {error}"
    connection.send(("failed", text))


def _throttle(connection: Connection) -> Callable[[int, int], None]:
    """Return a callback that sends the progress, at most once in `PROGRESS_SECONDS`."""
    last = -PROGRESS_SECONDS

    def send(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS or done == total:
            last = now
            connection.send(("progress", (done, total)))

    return send


def _end_with_parent() -> None:
    """End this process when its parent ends, also in the middle of a training."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
