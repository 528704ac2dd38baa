"""Requests are cancelled with their group, in all threads and coroutines that belong to it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from bids_dl.remote.cancellation import (
    RequestCancelledError,
    RequestGroup,
    cancelling_requests,
    request_threads,
    run_in_loop,
    sleep,
)

T = TypeVar("T")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def seconds_to_interrupt(context: AbstractContextManager[T], start: Callable[[T], object]) -> float:
    """Start some work in a context, interrupt the context, and return the seconds until it ends."""
    try:
        with context as entered:
            start(entered)
            time.sleep(0.1)
            interrupted = time.monotonic()
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return time.monotonic() - interrupted


def test_a_request_of_a_cancelled_group_ends_at_once(loop):
    group = RequestGroup()
    with ThreadPoolExecutor(1, initializer=group.add_thread) as threads:
        waiting = threads.submit(run_in_loop, loop, asyncio.sleep(60))
        time.sleep(0.1)
        group.cancel()
        with pytest.raises(RequestCancelledError):
            waiting.result(2)


def test_a_cancelled_group_makes_no_further_request(loop):
    group = RequestGroup()
    group.cancel()
    with ThreadPoolExecutor(1, initializer=group.add_thread) as threads:
        waiting = threads.submit(run_in_loop, loop, asyncio.sleep(60))
        assert isinstance(waiting.exception(2), RequestCancelledError)


def test_requests_of_another_group_go_on(loop):
    first, second = RequestGroup(), RequestGroup()
    with ThreadPoolExecutor(1, initializer=second.add_thread) as threads:
        waiting = threads.submit(run_in_loop, loop, asyncio.sleep(0.2, "done"))
        first.cancel()
        assert waiting.result(2) == "done"


def test_an_interruption_does_not_wait_for_threads():
    def submit(threads: ThreadPoolExecutor) -> None:
        for _ in range(4):
            threads.submit(sleep, 60)

    assert seconds_to_interrupt(request_threads(2), submit) < 2


def test_a_group_within_another_one_is_cancelled_with_it():
    def wait_in_threads() -> None:
        with request_threads(1) as inner:
            inner.submit(sleep, 60).result()

    context = request_threads(1)
    assert seconds_to_interrupt(context, lambda threads: threads.submit(wait_in_threads)) < 2


def test_threads_that_asyncio_starts_belong_to_the_group_of_their_caller(loop):
    async def sleep_in_thread() -> None:
        await asyncio.to_thread(sleep, 60)

    waiting = []

    def start(_: RequestGroup) -> None:
        waiting.append(asyncio.run_coroutine_threadsafe(sleep_in_thread(), loop))

    assert seconds_to_interrupt(cancelling_requests(), start) < 2
    assert isinstance(waiting[0].exception(2), RequestCancelledError)
