"""All that the requests of a page share: pool, signals, log, questions and trainings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bids_dl.annotate.answers import AnswerClass
from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.asking.pool import PoolWindows, RecordingKey
from bids_dl.annotate.asking.questions import Questioner
from bids_dl.annotate.asking.status import describe_progress
from bids_dl.annotate.server.answer_log import AnswerLog
from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, NOT_FOUND, RefusedError
from bids_dl.annotate.server.reading_slots import ReadingSlots
from bids_dl.annotate.server.training_rounds import TrainingRounds
from bids_dl.annotate.viewing.signals import Signals
from bids_dl.config.labelling_stage import LabellingConfig


@dataclass(frozen=True, slots=True, eq=False)
class Labelling:
    """A pool that experts answer about.

    Attributes
    ----------
    title
        Name of the pool, for the page.
    folder_id
        Hash of the folder, by which the page finds its answers that were not sent.
    config
        Settings of the user.
    classes
        Classes of an answer, the background first.
    signals
        Samples of the recordings.
    log
        Log of answers.
    questioner
        Next questions. All its methods are called by the event loop.
    rounds
        Trainings between answers.
    slots
        Threads that read signals.
    """

    title: str
    folder_id: str
    config: LabellingConfig
    classes: tuple[AnswerClass, ...]
    signals: Signals
    log: AnswerLog
    questioner: Questioner
    rounds: TrainingRounds
    slots: ReadingSlots

    @property
    def windows(self) -> PoolWindows:
        """Windows of the pool."""
        return self.questioner.windows

    def find_key(self, number: int) -> RecordingKey:
        """Return the key of a recording.

        Raises
        ------
        RefusedError
            404 if the pool has no recording of this number.
        """
        recordings = self.windows.recordings
        if not 0 <= number < len(recordings):
            raise RefusedError(
                NOT_FOUND, f"recording {number} does not exist; the pool has {len(recordings)}"
            )
        return recordings[number]

    def check_label(self, label: str) -> None:
        """Refuse a label that is no class.

        Raises
        ------
        RefusedError
            400 if the label is neither a class nor ``unsure``.
        """
        names = [item.name for item in self.classes]
        if label not in (*names, UNSURE):
            raise RefusedError(
                BAD_REQUEST, f"{label} is no class; use one of {', '.join((*names, UNSURE))}"
            )

    def describe_status(self, annotator: str | None) -> dict[str, Any]:
        """Return progress, figures and the state of the training, as the page shows them.

        Parameters
        ----------
        annotator
            Pseudonym of the expert, None for none.
        """
        progress: Mapping[str, Any] = describe_progress(self.questioner, annotator)
        return {**progress, "round": self.rounds.describe()}

    async def start(self) -> None:
        """Begin the trainings, by the answers so far."""
        self.rounds.start()

    async def stop(self) -> None:
        """End the trainings and the threads, after the last request was answered."""
        await self.rounds.stop()
        await asyncio.to_thread(self.slots.close)


LABELLING = web.AppKey("labelling", Labelling)
"""Key of the application."""
