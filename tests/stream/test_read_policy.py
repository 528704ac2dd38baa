from __future__ import annotations

import time

from bids_dl.stream.read_policy import ReadPolicy


def test_a_thread_reads_ahead_once_the_loop_spends_a_quarter_of_its_time_on_other_work(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    policy = ReadPolicy()

    def reads_inline_after(n_steps: int, waiting: float, busy: float) -> bool:
        nonlocal now
        for _ in range(n_steps):
            policy.batch_requested()
            now += waiting
            policy.batch_delivered()
            now += busy
        return policy.read_inline

    now += 1
    policy.batch_requested()
    assert policy.read_inline  # before the first batch nothing is known
    assert reads_inline_after(1, 0.020, 0.0001)
    assert not reads_inline_after(10, 0.001, 0.005)  # training, after a first batch that took long
    assert not reads_inline_after(500, 0.0001, 0.005)  # the thread keeps the loop supplied
    assert reads_inline_after(300, 0.0006, 0.0001)  # the loop does nothing else any more
