"""Rounds of training beside the page: when one begins, and what becomes of its result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bids_dl.annotate.asking.questions import Questioner
from bids_dl.annotate.asking.trainer import Trainer, TrainerError
from bids_dl.annotate.server.checking.refusals import CONFLICT, RefusedError

MAX_FAILURES = 2  # rounds in a row; after them, another needs a batch of answers


class TrainingRounds:
    """Trains whenever a batch of answers is there, or when the expert asks for it.

    The first round begins at the start, by the answers so far. A failed round is tried again
    once, because its process may have been killed. After that, the next batch of answers or a
    request begins another.

    Parameters
    ----------
    questioner
        Questions and answers. Called in the event loop.
    trainer
        Process of the learner.
    on_result
        Called after each round.
    on_message
        Called with one line for each failure.
    """

    def __init__(
        self,
        questioner: Questioner,
        trainer: Trainer,
        *,
        on_result: Callable[[], None],
        on_message: Callable[[str], None],
    ) -> None:
        self._questioner = questioner
        self._trainer = trainer
        self._on_result = on_result
        self._on_message = on_message
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_running = False
        self._is_stopping = False
        self._n_failures = 0  # in a row
        self._n_at_failure = 0  # answers at the last of them
        self._problem = ""

    def start(self) -> None:
        """Begin to measure the pool, and to train."""
        self._due.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def consider(self) -> None:
        """Begin a round if enough answers have come. While one runs, its end considers it again."""
        if self._is_running:
            return
        if self._n_failures >= MAX_FAILURES:
            n_since = self._count_answers() - self._n_at_failure
            if n_since < self._questioner.settings.batch:
                return
        if self._questioner.needs_round:
            self._due.set()

    def request(self) -> None:
        """Begin a round now.

        Raises
        ------
        RefusedError
            409 if a round runs, or if the answers allow no new model.
        """
        if self._is_running:
            raise RefusedError(CONFLICT, "a round is running; its result comes soon")
        if obstacle := self._questioner.find_obstacle():
            raise RefusedError(CONFLICT, obstacle)
        self._n_failures = 0
        self._due.set()

    def describe(self) -> dict[str, Any]:
        """Return the state of the training, as the page shows it."""
        state = self._trainer.state
        phase = "measuring" if state.phase == "stopped" else state.phase
        return {
            "number": self._questioner.last_round,
            "state": "failed" if self._problem and not self._is_running else phase,
            "done": state.done,
            "total": state.total,
            "message": self._problem or state.message,
        }

    async def stop(self) -> None:
        """End the process of the learner. A round that runs has no result."""
        self._is_stopping = True
        self._due.set()
        await asyncio.to_thread(self._trainer.close)
        if self._task is not None:
            await self._task

    def _count_answers(self) -> int:
        return self._questioner.answered.counts.total()

    async def _run(self) -> None:
        """Train whenever it is due, until the end."""
        while not self._is_stopping:
            await self._due.wait()
            self._due.clear()
            if self._is_stopping:
                return
            self._is_running = True
            try:
                await self._train()
            finally:
                self._is_running = False
            self.consider()  # because of the answers that came meanwhile

    async def _train(self) -> None:
        """Train one round, and give its result to the questions."""
        if self._trainer.process_id is None:
            await self._prepare()
        request = self._questioner.begin_round()
        try:
            result = await asyncio.wrap_future(self._trainer.train(request))
        except TrainerError as error:
            self._fail(str(error))
            return
        self._n_failures = 0
        self._problem = ""
        self._questioner.set_opinion(result)
        self._on_result()

    async def _prepare(self) -> None:
        """Measure the pool, so that the answers that come meanwhile are in the round."""
        try:
            await asyncio.wrap_future(self._trainer.start())
        except TrainerError:
            return  # the round fails too, and says it

    def _fail(self, reason: str) -> None:
        """Note a failure, and try again after the first one."""
        if self._is_stopping:
            return
        self._n_failures += 1
        self._n_at_failure = self._count_answers()
        self._problem = reason
        self._on_message(f"training: {reason}")
