"""Windows that an expert can be asked about, the best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.asking.answered import AnsweredItems
from bids_dl.annotate.asking.exchange import PickedWindow
from bids_dl.annotate.asking.hand_outs import HandOuts
from bids_dl.annotate.asking.pool import PoolWindows
from bids_dl.annotate.asking.reasons import RANDOM, SECOND_OPINION
from bids_dl.annotate.strategies.pool import Rows
from bids_dl.annotate.strategies.spacing import MIN_LENGTHS, ROUNDING

TRAIN_STREAM, TEST_STREAM = range(2)
"""Last values of the seeds of random orders."""


class Candidates:
    """Windows that can be asked, by the answers, the hand-outs and the picks of the last round.

    Parameters
    ----------
    windows, answered, hand_outs
        The pool, the answers so far, and the questions that tabs have.
    votes
        Experts who may be asked about a window.
    seed
        Seed of random orders.

    Attributes
    ----------
    picks
        Windows that the last round picked, in their order.
    is_usable
        (n_windows,): windows without NaN. None before the first round.
    """

    def __init__(
        self,
        windows: PoolWindows,
        answered: AnsweredItems,
        hand_outs: HandOuts,
        *,
        votes: int,
        seed: int,
    ) -> None:
        self.picks: tuple[PickedWindow, ...] = ()
        self.is_usable: npt.NDArray[np.bool_] | None = None
        self._windows = windows
        self._answered = answered
        self._hand_outs = hand_outs
        self._votes = votes
        self._train_order = _shuffle(windows, "train", [seed, TRAIN_STREAM])
        self._test_order = _shuffle(windows, "test", [seed, TEST_STREAM])

    def iterate_train(self, annotator: str) -> Iterator[PickedWindow]:
        """Yield windows for training that the expert can be asked about, the best first."""
        for item in self._answered.without_agreement:
            row = self._windows.find_row(item)
            if row is None or self._windows.is_test[row]:
                continue
            if self.is_free(item, annotator):
                yield PickedWindow(row, SECOND_OPINION)
        yield from self.iterate_picks(annotator)
        near: list[int] = []
        for row in self._iterate_free(self._train_order, annotator):
            if self._is_near_held(row):
                near.append(row)
            else:
                yield PickedWindow(row, RANDOM)
        for row in near:
            yield PickedWindow(row, RANDOM)

    def iterate_test(self, annotator: str) -> Iterator[PickedWindow]:
        """Yield the random sample for testing, in an order that is the same for all experts."""
        for row in self._iterate_free(self._test_order, annotator):
            yield PickedWindow(row, RANDOM)

    def iterate_picks(self, annotator: str | None) -> Iterator[PickedWindow]:
        """Yield the picked windows that are left, for one expert or for any."""
        for pick in self.picks:
            if self.is_free(self._windows.ids[pick.row], annotator):
                yield pick

    def _iterate_free(self, order: Rows, annotator: str) -> Iterator[int]:
        """Yield the usable windows of an order that the expert can be asked about."""
        for row in order:
            if self.is_usable is not None and not self.is_usable[row]:
                continue
            if self.is_free(self._windows.ids[row], annotator):
                yield int(row)

    def is_free(self, item: str, annotator: str | None = None) -> bool:
        """Return whether an item has too few experts, and none is this one.

        Two experts who agree are enough, however many may be asked.
        """
        voters = self._answered.voters(item)
        if len(voters) > 1 and item not in self._answered.without_agreement:
            return False
        experts = voters | self._hand_outs.holders(item)
        return annotator not in experts and len(experts) < self._votes

    def _is_near_held(self, row: int) -> bool:
        """Return whether a window is a near-copy in time of one that is handed out."""
        windows = self._windows
        distance = (MIN_LENGTHS - ROUNDING) * windows.window_seconds
        for held in self._hand_outs.of_all():
            is_same = held.recording == windows.recording[row]
            if is_same and abs(held.item.onset - windows.onset[row]) < distance:
                return True
        return False


def _shuffle(windows: PoolWindows, purpose: str, seed: Sequence[int]) -> Rows:
    """Return the windows of a purpose in a random order, without those that are never asked."""
    is_asked = (windows.is_test == (purpose == "test")) & ~windows.is_repeated
    return np.random.default_rng(seed).permutation(np.flatnonzero(is_asked)).astype(np.int64)
