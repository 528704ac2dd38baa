"""Calls in threads that neither an error nor an interruption waits for."""

from __future__ import annotations

import threading
import time

import pytest

from bids_dl.remote.parallel import call_in_threads


def test_results_are_in_order_and_calls_overlap():
    all_called = threading.Barrier(5, timeout=30)

    def wait(number: int) -> int:
        all_called.wait()
        time.sleep(0.02 * (5 - number))
        return number

    assert call_in_threads(wait, range(5), n_threads=5) == [0, 1, 2, 3, 4]


def test_no_more_threads_run_than_allowed():
    running = []
    highest = []

    def work(_: int) -> None:
        running.append(1)
        highest.append(len(running))
        time.sleep(0.01)
        running.pop()

    call_in_threads(work, range(10), n_threads=2)
    assert max(highest) == 2


def test_an_error_is_raised_without_waiting_for_the_other_calls():
    release = threading.Event()
    called = []

    def fail(number: int) -> None:
        called.append(number)
        if number == 0:
            raise ValueError("no such file")
        release.wait(10)

    start = time.monotonic()
    with pytest.raises(ValueError, match="no such file"):
        call_in_threads(fail, range(100), n_threads=2)
    assert time.monotonic() - start < 5
    release.set()
    time.sleep(0.05)
    assert len(called) < 5


def test_nothing_is_called_without_items():
    assert call_in_threads(int, [], n_threads=4) == []
