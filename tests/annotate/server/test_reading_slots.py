"""Threads that compute pages."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bids_dl.annotate.server.checking.refusals import RefusedError
from bids_dl.annotate.server.reading_slots import ReadingSlots


def test_a_full_queue_refuses_more_and_accepts_again_when_it_is_shorter():
    slots = ReadingSlots(n_slots=2, max_waiting=1)
    release = threading.Event()

    async def fill() -> list[int]:
        tasks = [asyncio.create_task(slots.run(release.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError, match="too many pages") as caught:
            await slots.run(int)
        assert caught.value.status == 503
        release.set()
        await asyncio.gather(*tasks)
        return [await slots.run(int, "7") for _ in range(5)]

    assert asyncio.run(fill()) == [7] * 5
    slots.close()


def test_a_cancelled_request_leaves_the_queue():
    slots = ReadingSlots(n_slots=1, max_waiting=1)
    release = threading.Event()
    computed = []

    async def cancel() -> None:
        running = asyncio.create_task(slots.run(release.wait))
        waiting = asyncio.create_task(slots.run(computed.append, "cancelled"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        later = asyncio.create_task(slots.run(computed.append, "later"))
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(running, later)

    asyncio.run(cancel())
    slots.close()
    assert computed == ["later"]


def test_never_more_functions_run_than_there_are_slots():
    slots = ReadingSlots(n_slots=3, max_waiting=100)
    lock, running, most = threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.002)
        with lock:
            running[0] -= 1

    async def run_all() -> None:
        await asyncio.gather(*(slots.run(work) for _ in range(50)))

    asyncio.run(run_all())
    slots.close()
    assert most[0] <= 3


def test_an_error_of_a_function_is_that_of_its_request():
    slots = ReadingSlots()
    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(slots.run(int, "x"))
    slots.close()
