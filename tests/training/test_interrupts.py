from __future__ import annotations

import doctest
import signal
import threading

import pytest

from bids_dl.training import interrupts
from bids_dl.training.interrupts import deferred_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_delivered_once_after_the_context(number):
    delivered = []
    before = signal.signal(number, lambda number, _: delivered.append(number))
    try:
        with deferred_interrupts():
            signal.raise_signal(number)
            signal.raise_signal(number)
            assert not delivered
        assert delivered == [number]
    finally:
        signal.signal(number, before)


def test_the_handlers_are_restored_after_an_error():
    handlers = [signal.getsignal(number) for number in interrupts.SIGNALS]
    with pytest.raises(ZeroDivisionError), deferred_interrupts():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in interrupts.SIGNALS] == handlers


def test_another_thread_is_not_disturbed():
    entered = []

    def enter():
        with deferred_interrupts():
            entered.append(True)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [True]


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(interrupts).failed == 0
