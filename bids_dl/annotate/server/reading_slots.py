"""Threads that compute pages: a few at a time, with a short queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import ParamSpec, TypeVar

from bids_dl.annotate.server.checking.refusals import BUSY, RefusedError

P = ParamSpec("P")
T = TypeVar("T")

N_SLOTS = 3  # pages computed at a time: the one that is shown and its neighbours
MAX_WAITING = 32  # pages in the queue, of several tabs that fetch ahead


class ReadingSlots:
    """Runs functions in a few threads, and refuses more than a short queue of them.

    Parameters
    ----------
    n_slots
        Number of threads.
    max_waiting
        Functions that may wait for a thread.
    """

    def __init__(self, n_slots: int = N_SLOTS, max_waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(n_slots, thread_name_prefix="page")
        self._limit = n_slots + max_waiting
        self._n_requested = 0  # functions that run or wait
        self._lock = Lock()  # of the number, which the threads change

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread. It leaves the queue if its request is cancelled.

        Parameters
        ----------
        function
            Function to run.

        Raises
        ------
        RefusedError
            503 if the queue is full.
        """
        if self._n_requested >= self._limit:
            raise RefusedError(BUSY, "too many pages are requested at a time; try again")
        future = self._threads.submit(function, *args, **kwargs)
        self._count(1)
        future.add_done_callback(lambda _: self._count(-1))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for the functions that run, and forget those that wait."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _count(self, change: int) -> None:
        with self._lock:
            self._n_requested += change
