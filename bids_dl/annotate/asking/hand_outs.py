"""Hand-outs: which tab of which expert has which question, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.annotate.answers.items import Item

HOLD_SECONDS = 600.0  # without a request of the tab, until its questions are free again


@dataclass(frozen=True, slots=True)
class Question:
    """A window that an expert is asked about.

    Attributes
    ----------
    item
        The window.
    recording
        Number of its recording, an index of ``PoolWindows.recordings``.
    strategy
        Strategy that chose the window, for the log: a key of
        `bids_dl.annotate.asking.reasons.REASONS`.
    reason
        Reason for the question, for the expert.
    round
        Number of the last round that trained a model, 0 before the first.
    model
        Hash of the model, None before the first.
    probabilities
        Probability of each class by name, None without a model. It is for the log; the expert sees
        it after the answer.
    """

    item: Item
    recording: int
    strategy: str
    reason: str
    round: int
    model: str | None
    probabilities: Mapping[str, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the question as the page receives it, without the opinion of the model."""
        return {
            "item": self.item.id,
            "recording": self.recording,
            "onset": self.item.onset,
            "duration": self.item.duration,
            "channels": list(self.item.channels),
            "reason": self.reason,
            "strategy": self.strategy,
            "round": self.round,
        }


@dataclass(slots=True)
class _HandOut:
    tab: str
    question: Question
    time: float  # s, of the last request of the tab


class HandOuts:
    """Questions that tabs of experts have, in the order in which they are to be answered.

    An expert has a question in one tab only.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], _HandOut] = {}  # by expert and item
        self._holders: dict[str, set[str]] = {}  # of each item, its experts

    def add(
        self, annotator: str, tab: str, question: Question, now: float, *, is_first: bool = False
    ) -> None:
        """Give a question to a tab.

        Parameters
        ----------
        annotator, tab
            Expert and tab.
        question
            Question that the expert does not have.
        now
            Time in s.
        is_first
            True to answer it before the others of the tab.
        """
        key = (annotator, question.item.id)
        added = {key: _HandOut(tab, question, now)}
        self._held = added | self._held if is_first else self._held | added
        self._holders.setdefault(question.item.id, set()).add(annotator)

    def remove(self, annotator: str, item: str) -> None:
        """Take an item back from an expert, if it was handed out."""
        if self._held.pop((annotator, item), None) is not None:
            self._holders[item].discard(annotator)
            if not self._holders[item]:
                del self._holders[item]

    def release(self, annotator: str, tab: str) -> None:
        """Take all questions of a tab back."""
        for question in self._of_tab(annotator, tab):
            self.remove(annotator, question.item.id)

    def lapse(self, now: float) -> None:
        """Take back the questions of tabs that made no request for `HOLD_SECONDS`."""
        for key in [key for key, each in self._held.items() if now - each.time >= HOLD_SECONDS]:
            self.remove(*key)

    def renew(self, annotator: str, tab: str, now: float) -> list[Question]:
        """Return the questions of a tab in their order, and hold them from now on."""
        for (name, _), each in self._held.items():
            if (name, each.tab) == (annotator, tab):
                each.time = now
        return self._of_tab(annotator, tab)

    def find(self, annotator: str, item: str) -> Question | None:
        """Return the question of an expert about an item, or None."""
        held = self._held.get((annotator, item))
        return None if held is None else held.question

    def of_expert(self, annotator: str) -> list[Question]:
        """Return the questions of all tabs of an expert."""
        return [each.question for (name, _), each in self._held.items() if name == annotator]

    def of_all(self) -> list[Question]:
        """Return the questions of all experts."""
        return [each.question for each in self._held.values()]

    def holders(self, item: str) -> frozenset[str]:
        """Return the experts who have an item."""
        return frozenset(self._holders.get(item, ()))

    def _of_tab(self, annotator: str, tab: str) -> list[Question]:
        """Return the questions of a tab in their order."""
        questions = []
        for (name, _), each in self._held.items():
            if (name, each.tab) == (annotator, tab):
                questions.append(each.question)
        return questions
