"""Answers so far, by expert and by item, kept up to date line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.answers.ledger import AnswerChange, Ledger
from bids_dl.annotate.answers.replay import Answer
from bids_dl.annotate.answers.votes import count_votes, items_without_agreement
from bids_dl.annotate.asking.reasons import MARK
from bids_dl.errors import ConfigError
from bids_dl.wording import join_names


@dataclass(slots=True)
class ExpertAnswers:
    """Answers of one expert that hold.

    Attributes
    ----------
    answers
        Answers by id, marks included.
    times_asked
        Number of answers of each item, without marks.
    n_asked, n_test
        Number of answered questions, and of those about test windows.
    undone
        Strategy of each item whose answer was undone, the last one last.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    times_asked: Counter[str] = field(default_factory=Counter)
    n_asked: int = 0
    n_test: int = 0
    undone: dict[str, str] = field(default_factory=dict)

    @property
    def n_repeated(self) -> int:
        """Number of answered questions about items that had an answer."""
        return self.n_asked - len(self.times_asked)

    def list_asked(self) -> list[Answer]:
        """Return the answered questions in their order."""
        return [answer for answer in self.answers.values() if answer.strategy != MARK]

    def add(self, answer: Answer) -> None:
        """Add an answer that holds."""
        self.answers[answer.id] = answer
        if answer.strategy == MARK:
            return
        self.times_asked[answer.item] += 1
        self.n_asked += 1
        self.n_test += answer.purpose == "test"
        self.undone.pop(answer.item, None)

    def remove(self, answer: Answer) -> None:
        """Remove an answer that holds no more. Its question is undone if no other answer holds."""
        del self.answers[answer.id]
        if answer.strategy == MARK:
            return
        self.n_asked -= 1
        self.n_test -= answer.purpose == "test"
        self.times_asked[answer.item] -= 1
        if not self.times_asked[answer.item]:
            del self.times_asked[answer.item]
            self.undone[answer.item] = answer.strategy


class AnsweredItems:
    """Answers of all experts that hold.

    Parameters
    ----------
    classes
        Names of the classes, without ``unsure``.
    votes
        Experts who may be asked about an item.
    """

    def __init__(self, classes: Sequence[str], votes: int) -> None:
        self.counts: Counter[str] = Counter()  # answers by label
        self.n_train: Counter[str] = Counter()  # of those that train, without unsure
        self.without_agreement: dict[str, None] = {}  # items, in the order of their answers
        self._classes = classes
        self._votes = votes
        self._ledger = Ledger()
        self._experts: dict[str, ExpertAnswers] = {}
        self._n_items = 0
        self._by_item: dict[str, dict[str, Answer]] = {}  # answers by item and id

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Answers that hold, in the order of the log."""
        return self._ledger.answers

    @property
    def n_items(self) -> int:
        """Number of items with an answer, without marks."""
        return self._n_items

    def of_expert(self, annotator: str) -> ExpertAnswers:
        """Return the answers of an expert, who may have none."""
        return self._experts.get(annotator) or ExpertAnswers()

    def voters(self, item: str) -> set[str]:
        """Return the experts who answered an item."""
        return {answer.annotator for answer in self._by_item.get(item, {}).values()}

    def find_answer(self, line: str) -> Answer | None:
        """Return the answer that a line of the log is about, or None if it does not hold."""
        return self._ledger.find_answer(line)

    def add(self, line: Mapping[str, Any]) -> AnswerChange:
        """Add the next line of the log.

        Parameters
        ----------
        line
            Line of the log.

        Raises
        ------
        ConfigError
            The answer has a class that is not among the classes.
        """
        label = line.get("label", UNSURE)
        if label != UNSURE and label not in self._classes:
            raise ConfigError(
                f"answer {line['id']} has the class {label!r}, which the classes file lacks; "
                f"it has {join_names(self._classes)}"
            )
        change = self._ledger.add(line)
        if change.before == change.after:
            return change
        if change.before is not None and change.after is not None:
            self._experts[change.after.annotator].answers[change.after.id] = change.after
        elif change.before is not None:
            self._experts[change.before.annotator].remove(change.before)
        elif change.after is not None:
            self._experts.setdefault(change.after.annotator, ExpertAnswers()).add(change.after)
        self._count(change.before, -1)
        self._count(change.after, 1)
        return change

    def _count(self, answer: Answer | None, number: int) -> None:
        """Count an answer by class and by item: +1 if it holds now, -1 if no more."""
        if answer is None:
            return
        self.counts[answer.label] += number
        if answer.purpose == "train" and answer.label != UNSURE:
            self.n_train[answer.label] += number
        of_item = self._by_item.setdefault(answer.item, {})
        had_answer = bool(of_item)
        if number > 0:
            of_item[answer.id] = answer
        else:
            del of_item[answer.id]
        if answer.strategy != MARK:
            self._n_items += bool(of_item) - had_answer
        if self._votes > 1:
            self.without_agreement.pop(answer.item, None)
            voted = count_votes(of_item.values(), self._classes)
            if items_without_agreement(voted, self._votes):
                self.without_agreement[answer.item] = None
        if not of_item:
            del self._by_item[answer.item]
