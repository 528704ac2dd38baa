"""Rounds beside the page: when they begin, and what follows a failure.

The trainer is a stand-in here, because a process cannot be made to fail at a given moment.
`test_opening` kills a real one.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.asking.exchange import RoundResult
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.questions import Questioner, QuestionSettings
from bids_dl.annotate.asking.trainer import TrainerError, TrainerState
from bids_dl.annotate.server.checking.refusals import RefusedError
from bids_dl.annotate.server.training_rounds import TrainingRounds
from bids_dl.store import open_store

CLASSES = ("background", "spike")


class ScriptedTrainer:
    """Trains when it is told to, and fails when it is told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[object, Future]] = []
        self.state = TrainerState("waiting")
        self.process_id = 1
        self.is_closed = False

    def train(self, request) -> Future:
        future: Future = Future()
        self.requests.append((request, future))
        return future

    def close(self) -> None:
        self.is_closed = True
        for _, future in self.requests:
            if not future.done():
                future.set_exception(TrainerError("closed"))

    def finish(self, n_windows: int) -> None:
        """Finish the round that runs, with a model if it has two classes."""
        request, future = self.requests[-1]
        result = RoundResult(
            number=request.number,
            model="a" * 8,
            probabilities=None,
            picks=(),
            is_usable=np.ones(n_windows, bool),
        )
        has_model = len({answer.label for answer in request.answers}) > 1
        future.set_result(result if has_model else replace(result, number=0, model=None))

    def fail(self, reason: str) -> None:
        self.requests[-1][1].set_exception(TrainerError(reason))


class Bench:
    """Rounds of a pool with a scripted trainer."""

    def __init__(self, pool) -> None:
        self.windows = read_pool(open_store(str(pool)))
        self.questioner = Questioner(self.windows, QuestionSettings(CLASSES, batch=4))
        self.trainer = ScriptedTrainer()
        self.results: list[int] = []
        self.messages: list[str] = []
        self.rounds = TrainingRounds(
            self.questioner,
            self.trainer,
            on_result=lambda: self.results.append(len(self.trainer.requests)),
            on_message=self.messages.append,
        )

    def answer(self, count: int) -> None:
        """Answer windows for training, in turn with each class."""
        rows = np.flatnonzero(~self.windows.is_test)
        for number in range(count):
            row = int(rows[self.questioner.answered.counts.total()])
            item = self.windows.item(row)
            line = example_answer(
                id=str(uuid.uuid4()),
                item=item.id,
                dataset=item.dataset,
                recording=item.recording,
                onset=item.onset,
                duration=item.duration,
                purpose=item.purpose,
                label=CLASSES[number % 2],
                round=0,
            )
            self.questioner.add_line(line)
            self.rounds.consider()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        self.trainer.finish(len(self.windows))
        await self.settle()

    async def fail(self, reason: str) -> None:
        self.trainer.fail(reason)
        await self.settle()

    @property
    def n_rounds(self) -> int:
        return len(self.trainer.requests)


@pytest.fixture
def bench(pool):
    return Bench(pool)


def run(bench, scenario) -> None:
    async def play() -> None:
        bench.rounds.start()
        await bench.settle()
        await scenario()
        await bench.rounds.stop()

    asyncio.run(play())
    assert bench.trainer.is_closed


def test_a_round_begins_at_the_start_and_after_each_batch(bench):
    async def scenario() -> None:
        assert bench.n_rounds == 1
        await bench.finish()
        bench.answer(3)
        await bench.settle()
        assert bench.n_rounds == 1
        bench.answer(1)
        await bench.settle()
        assert bench.n_rounds == 2
        await bench.finish()
        assert bench.n_rounds == 2

    run(bench, scenario)
    assert bench.results == [1, 2]


def test_answers_during_a_round_begin_the_next_one_when_it_has_ended(bench):
    async def scenario() -> None:
        await bench.finish()
        bench.answer(4)
        await bench.settle()
        bench.answer(2)
        await bench.settle()
        assert bench.n_rounds == 2
        bench.answer(2)
        await bench.finish()
        assert bench.n_rounds == 3

    run(bench, scenario)


def test_a_round_by_request_needs_answers_and_an_idle_learner(bench):
    async def scenario() -> None:
        with pytest.raises(RefusedError, match="a round is running") as caught:
            bench.rounds.request()
        assert caught.value.status == 409
        await bench.finish()
        with pytest.raises(RefusedError, match="no answers for training"):
            bench.rounds.request()
        bench.answer(2)
        bench.rounds.request()
        await bench.settle()
        assert bench.n_rounds == 2

    run(bench, scenario)


def test_a_failed_round_is_tried_again_once_and_then_waits_for_a_batch(bench):
    async def scenario() -> None:
        await bench.fail("the process was killed")
        assert bench.n_rounds == 2
        await bench.fail("the process was killed again")
        assert bench.n_rounds == 2
        described = bench.rounds.describe()
        assert described["state"] == "failed"
        assert described["message"] == "the process was killed again"
        bench.answer(3)
        await bench.settle()
        assert bench.n_rounds == 2
        bench.answer(1)
        await bench.settle()
        assert bench.n_rounds == 3
        await bench.finish()
        assert bench.rounds.describe()["state"] == "waiting"

    run(bench, scenario)
    assert len(bench.messages) == 2


def test_an_end_during_a_round_is_no_failure(bench):
    async def scenario() -> None:
        assert bench.n_rounds == 1

    run(bench, scenario)
    assert bench.messages == []
    assert bench.results == []
