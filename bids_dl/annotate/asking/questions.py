"""Questions: which window each expert is asked next.

Each fifth question of an expert is a random window of those kept for testing. The others come from
the windows that the last round picked, and are random before the first round. An undone question
comes first. One question of twenty is one that the expert has answered before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bids_dl.annotate.answers.items import REPEATED_SHARE, count_tests, items_to_repeat
from bids_dl.annotate.asking.answered import AnsweredItems, ExpertAnswers
from bids_dl.annotate.asking.candidates import Candidates
from bids_dl.annotate.asking.exchange import PickedWindow, RoundRequest, RoundResult
from bids_dl.annotate.asking.figures import find_rarest
from bids_dl.annotate.asking.hand_outs import HandOuts, Question
from bids_dl.annotate.asking.pool import PoolWindows
from bids_dl.annotate.asking.reasons import RANDOM, explain_question
from bids_dl.annotate.strategies.pool import Rows

MIN_BETWEEN_REPEATS = 10  # questions, so that an expert does not recognize a row of repeats
DECIMALS = 6  # of a probability
SHORT_QUEUE = 0.5  # of a batch; below it, a round picks more windows


@dataclass(frozen=True, slots=True)
class QuestionSettings:
    """Settings of the questions.

    Attributes
    ----------
    classes
        Names of the classes, the background first, without ``unsure``.
    strategy
        Name of the strategy.
    batch
        Answers between two rounds.
    votes
        Experts who are asked about a window on which they disagree.
    seed
        Seed of random orders.
    """

    classes: tuple[str, ...]
    strategy: str = "mixture"
    batch: int = 20
    votes: int = 1
    seed: int = 0


class Questioner:
    """The next questions of all experts, from the log, the hand-outs and the last round.

    All methods return at once: with 130,000 windows and 50,000 answers, within 20 ms. Reading a
    log by `add_line` takes 50 µs a line. Call all methods from one thread.

    Parameters
    ----------
    windows
        The pool.
    settings
        Settings.

    Attributes
    ----------
    answered
        Answers so far.
    result
        Result of the last round, None before the first.
    last_round
        Number of the last round that trained a model, also before a restart; 0 before the first.
    figures, kappas
        Test figures of the rounds of this process, and agreements between successive models.

    Examples
    --------
    >>> from bids_dl.annotate.asking.pool import read_pool
    >>> from bids_dl.store import open_store
    >>> windows = read_pool(open_store("eyes.zarr"))
    >>> questioner = Questioner(windows, QuestionSettings(("background", "spike")))
    >>> first = questioner.questions("expert-1", "tab-1", count=5, now=0.0)
    >>> [question.item.purpose for question in first]
    ['train', 'train', 'train', 'train', 'test']
    >>> first == questioner.questions("expert-1", "tab-1", count=5, now=1.0)
    True
    >>> set(first) & set(questioner.questions("expert-1", "tab-2", count=5, now=2.0))
    set()
    """

    def __init__(self, windows: PoolWindows, settings: QuestionSettings) -> None:
        self.windows = windows
        self.settings = settings
        self.answered = AnsweredItems(settings.classes, settings.votes)
        self._hand_outs = HandOuts()
        self.result: RoundResult | None = None  # of the last round of this process
        self.last_round = 0
        self._n_at_round = 0  # answers for training when the last round began
        self._n_pending = 0  # the same, of the round that runs
        self.figures: list[Mapping[str, Any]] = []
        self.kappas: list[float] = []
        self._candidates = Candidates(
            windows, self.answered, self._hand_outs, votes=settings.votes, seed=settings.seed
        )

    def add_line(self, line: Mapping[str, Any]) -> None:
        """Add a line that was appended to the log: an answer, a change or an undo.

        The item of an answer is no longer handed out. The item of an undone answer is the next
        question of its expert.

        Parameters
        ----------
        line
            Line of the log, in its order.

        Raises
        ------
        ConfigError
            The answer has a class that is not among the classes.
        """
        change = self.answered.add(line)
        if change.after is not None:
            self._hand_outs.remove(change.after.annotator, change.after.item)
        self.last_round = max(self.last_round, line.get("round") or 0)

    def questions(self, annotator: str, tab: str, *, count: int, now: float) -> list[Question]:
        """Return the next questions of a tab, and hand them out for 600 s.

        Questions whose answer was undone come first, unless another expert has them meanwhile,
        then those that the tab has, then new ones.
        Each call of a tab holds its questions for another 600 s. Without a call, they go to others.

        Parameters
        ----------
        annotator
            Pseudonym of the expert.
        tab
            Id of the tab, which the page made.
        count
            Number of questions.
        now
            Time in s, of a clock that does not go back.

        Returns
        -------
        list of Question
            Fewer than ``count`` if no windows are left for this expert, in the order in which they
            should be answered.
        """
        self._hand_outs.lapse(now)
        for item, strategy in self.answered.of_expert(annotator).undone.items():
            row = self.windows.find_row(item)  # the last undone is added last, and comes first
            if row is not None and self._candidates.is_free(item, annotator):
                question = self._ask(row, strategy)
                self._hand_outs.add(annotator, tab, question, now, is_first=True)
        held = self._hand_outs.renew(annotator, tab, now)
        while len(held) < count:
            pick = self._choose(annotator)
            if pick is None:
                break
            question = self._ask(pick.row, pick.strategy)
            self._hand_outs.add(annotator, tab, question, now)
            held.append(question)
        return held[:count]

    def release(self, annotator: str, tab: str) -> None:
        """Take the questions of a tab back, because it was closed or its expert changed.

        Parameters
        ----------
        annotator, tab
            As in `questions`.
        """
        self._hand_outs.release(annotator, tab)

    def find_question(self, annotator: str, item: str) -> Question | None:
        """Return the question that an answer is about, for its line in the log.

        Parameters
        ----------
        annotator
            Pseudonym of the expert.
        item
            Id of the item that the page sent.

        Returns
        -------
        Question or None
            As it was handed out. After a restart or after 600 s, the strategy is that of the
            settings, or random for a test window, without an opinion. None if the pool has no such
            item.
        """
        held = self._hand_outs.find(annotator, item)
        row = self.windows.find_row(item)
        if held is not None or row is None:
            return held
        strategy = RANDOM if self.windows.is_test[row] else self.settings.strategy
        known = self.windows.item(row)
        reason = explain_question(strategy, known.purpose)
        return Question(
            known, int(self.windows.recording[row]), strategy, reason, self.last_round, None, None
        )

    def opinion(self, row: int) -> dict[str, float] | None:
        """Return the probability of each class of a window by the last model, or None.

        Parameters
        ----------
        row
            Number of the window in the pool.
        """
        result = self.result
        if result is None or result.probabilities is None or not result.is_usable[row]:
            return None
        values = result.probabilities[row].tolist()
        return {
            name: round(value, DECIMALS)
            for name, value in zip(self.settings.classes, values, strict=True)
        }

    def rows_asked(self, annotator: str | None) -> set[int]:
        """Return the windows that an expert is being asked about, in all tabs.

        Parameters
        ----------
        annotator
            Pseudonym of the expert. None returns the windows of all experts.
        """
        hand_outs = self._hand_outs
        held = hand_outs.of_all() if annotator is None else hand_outs.of_expert(annotator)
        rows = [self.windows.find_row(each.item.id) for each in held]
        return {row for row in rows if row is not None}

    def rarest_class(self) -> str:
        """Return the class of the strip, by `find_rarest`."""
        classes = self.settings.classes
        return classes[find_rarest([self.answered.counts[name] for name in classes])]

    def probabilities(self, rows: Rows, class_name: str) -> list[float | None]:
        """Return the probability of one class of many windows by the last model.

        Parameters
        ----------
        rows
            Numbers of the windows in the pool.
        class_name
            The class.

        Returns
        -------
        list
            None for windows without a probability.
        """
        result = self.result
        if result is None or result.probabilities is None:
            return [None] * len(rows)
        values = result.probabilities[rows, self.settings.classes.index(class_name)]
        usable = result.is_usable[rows].tolist()
        rounded = values.round(DECIMALS).tolist()
        return [
            value if is_usable else None for value, is_usable in zip(rounded, usable, strict=True)
        ]

    @property
    def n_unanswered(self) -> int:
        """Number of windows that may be asked and have no answer."""
        is_asked = ~self.windows.is_repeated
        if self.result is not None:
            is_asked = is_asked & self.result.is_usable
        return max(0, int(is_asked.sum()) - self.answered.n_items)

    @property
    def n_new(self) -> int:
        """Number of answers for training since the last round began, 0 or more."""
        return max(0, self.answered.n_train.total() - self._n_at_round)

    @property
    def needs_round(self) -> bool:
        """True if a round should begin: a batch is answered, or few picked windows are left.

        It is also True before the first round of a process.
        """
        if self.result is None or self.n_new >= self.settings.batch:
            return True
        n_left = sum(1 for _ in self._candidates.iterate_picks(None))
        n_short = SHORT_QUEUE * self.settings.batch
        return bool(self.n_new) and n_left < n_short <= len(self._candidates.picks)

    def find_obstacle(self) -> str | None:
        """Return the reason for which a requested round would train no new model, or None."""
        known = [name for name in self.settings.classes if self.answered.n_train[name]]
        if len(known) < 2:
            found = f"answers of {known[0]} only" if known else "no answers for training"
            return f"there are {found}; a model needs answers of two classes"
        if not self.n_new and self.result is not None and self.result.model is not None:
            return "there are no new answers since the last round"
        return None

    def begin_round(self) -> RoundRequest:
        """Return the request of the next round, for `Trainer.train`. Its answers count as used."""
        self._n_pending = self.answered.n_train.total()
        held = [self.windows.find_row(each.item.id) for each in self._hand_outs.of_all()]
        rows = sorted({row for row in held if row is not None})
        return RoundRequest(
            self.last_round + 1,
            self.answered.answers,
            np.array(rows, np.int64),
            self.settings.strategy,
            self.settings.batch,
            self.settings.seed,
        )

    def set_opinion(self, result: RoundResult) -> None:
        """Take the result of the round that `begin_round` began.

        Questions that are handed out stay. New ones come from the picks of this round.

        Parameters
        ----------
        result
            Result of `Trainer.train`.
        """
        self.result = result
        self._candidates.picks = result.picks
        self._candidates.is_usable = result.is_usable
        self.last_round = max(self.last_round, result.number)
        self._n_at_round = self._n_pending
        if result.figures is not None:
            self.figures.append(result.figures)
        if result.kappa is not None:
            self.kappas.append(result.kappa)

    def _ask(self, row: int, strategy: str) -> Question:
        """Return the question about a window."""
        item = self.windows.item(row)
        opinion = self.opinion(row)
        model = None if self.result is None or opinion is None else self.result.model
        recording = int(self.windows.recording[row])
        reason = explain_question(strategy, item.purpose)
        return Question(item, recording, strategy, reason, self.last_round, model, opinion)

    def _choose(self, annotator: str) -> PickedWindow | None:
        """Return the next window of an expert, or None if there is none."""
        expert = self.answered.of_expert(annotator)
        held = self._hand_outs.of_expert(annotator)
        number = expert.n_asked + len(held)
        n_test = expert.n_test + sum(each.item.purpose == "test" for each in held)
        wants_test = n_test < count_tests(number + 1)
        repeated = self._repeat(expert, held, wants_test=wants_test)
        if repeated is not None:
            return repeated
        sources = [
            self._candidates.iterate_train(annotator),
            self._candidates.iterate_test(annotator),
        ]
        for source in reversed(sources) if wants_test else sources:
            if (pick := next(source, None)) is not None:
                return pick
        return None

    def _repeat(
        self, expert: ExpertAnswers, held: list[Question], *, wants_test: bool
    ) -> PickedWindow | None:
        """Return an item that the expert should answer again, or None if none is due."""
        if expert.n_repeated >= REPEATED_SHARE * expert.n_asked:
            return None
        if any(expert.times_asked[each.item.id] for each in held):
            return None
        asked = expert.list_asked()
        last = [each.item for each in asked[-MIN_BETWEEN_REPEATS:]]
        if any(expert.times_asked[item] > 1 for item in last):
            return None
        strategies = {each.item: each.strategy for each in asked}
        for item in items_to_repeat([each.item for each in asked], expert.n_repeated):
            row = self.windows.find_row(item)
            if row is not None and self.windows.is_test[row] == wants_test:
                return PickedWindow(row, strategies[item])
        return None
