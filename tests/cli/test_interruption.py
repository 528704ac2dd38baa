"""Ctrl-C and SIGTERM in commands."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from bids_dl.cli.interruption import one_interrupt


@pytest.fixture(autouse=True)
def _default_handlers():
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    }
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_the_work_and_later_ones_are_ignored(number, status):
    with pytest.raises(KeyboardInterrupt), one_interrupt() as interruption:
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.status == status
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_former_handler_returns_if_nothing_interrupts():
    with one_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_command_that_ignores_interrupts_goes_on_ignoring_them():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with one_interrupt():
        os.kill(os.getpid(), signal.SIGINT)


def test_another_thread_changes_no_handler():
    handlers = []

    def work():
        with one_interrupt():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]
