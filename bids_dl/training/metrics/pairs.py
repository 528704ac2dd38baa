"""Pairs of windows ordered by their scores, of which the area under the ROC curve is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from bids_dl.training.metrics.person_statistics import Counts, Floats

MAX_MATRIX_PERSONS = 2000  # persons up to which all pairs of persons are counted; 32 MB
MAX_MATRIX_STEPS = 300_000_000  # windows times persons up to which they are; takes about 3 s
MAX_RANK_STEPS = 50_000_000  # windows times bootstrap samples otherwise; takes about 5 s
MIN_RESAMPLES = 200  # bootstrap samples, however many windows there are
BLOCK = 512  # positive windows that are counted at once


@dataclass(frozen=True, eq=False, slots=True)
class PairStatistics:
    """Pairs of a positive and a negative window, and those in which the positive scores higher.

    Their ratio is the area under the ROC curve. A pair of equal scores counts as half.

    Parameters
    ----------
    scores
        Scores (n, n_labels).
    is_positive
        True classes (n, n_labels): 1, 0 or NaN, which is left out.
    persons
        Number of the person of each row (n,).
    n_persons
        Number of persons.
    """

    scores: Floats
    is_positive: Floats
    persons: Counts
    n_persons: int

    def of_persons(self) -> Floats:
        """Return the pairs (n_persons, n_labels, 2) of each person: ordered and all."""
        results = np.zeros((self.n_persons, self.scores.shape[1], 2))
        order = np.argsort(self.persons, kind="stable")
        bounds = np.searchsorted(self.persons[order], np.arange(self.n_persons + 1))
        for person in range(self.n_persons):
            rows = order[bounds[person] : bounds[person + 1]]
            nobody_else = np.zeros(len(rows), dtype=np.int64)
            alone = PairStatistics(self.scores[rows], self.is_positive[rows], nobody_else, 1)
            results[person] = alone.pooled()
        return results

    def pooled(self) -> Floats:
        """Return the pairs (n_labels, 2) of all persons together: ordered and all."""
        everyone = np.ones((1, self.n_persons))
        results = np.empty((self.scores.shape[1], 2))
        for label in range(len(results)):
            results[label] = _count_by_rank(self._rank(label), everyone)[0]
        return results

    def resampled(self, weights: Counts) -> Floats:
        """Return the pairs (n_resamples, n_labels, 2) of resampled persons: ordered and all.

        With very many windows, only the first rows of ``weights`` are used, at least
        `MIN_RESAMPLES`.
        """
        n_steps = self.scores.size * self.n_persons
        counter = _count_by_person
        if self.n_persons > MAX_MATRIX_PERSONS or n_steps > MAX_MATRIX_STEPS:
            counter = _count_by_rank
            weights = weights[: max(MIN_RESAMPLES, MAX_RANK_STEPS // self.scores.size)]
        results = np.empty((len(weights), self.scores.shape[1], 2))
        for label in range(self.scores.shape[1]):
            results[:, label] = counter(self._rank(label), weights.astype(np.float64))
        return results

    def _rank(self, label: int) -> RankedPairs:
        """Sort the windows of one label by their scores."""
        scores = self.scores[:, label]
        order = np.argsort(scores, kind="stable")
        positive = order[self.is_positive[order, label] == 1]
        negative = order[self.is_positive[order, label] == 0]
        return RankedPairs(
            self.persons[positive],
            self.persons[negative],
            np.searchsorted(scores[negative], scores[positive], side="left"),
            np.searchsorted(scores[negative], scores[positive], side="right"),
        )


@dataclass(frozen=True, eq=False, slots=True)
class RankedPairs:
    """Positive and negative windows in ascending order of their scores.

    Parameters
    ----------
    positive, negative
        Numbers of the persons of the positive (n_positive,) and negative windows (n_negative,).
    n_below, n_up_to
        Number of negative windows with a lower score, and with a lower or the same score, than
        each positive window (n_positive,).
    """

    positive: Counts
    negative: Counts
    n_below: Counts
    n_up_to: Counts


def _count_by_rank(ranked: RankedPairs, weights: Floats) -> Floats:
    """Count the pairs (n_resamples, 2) by one cumulative sum for each bootstrap sample."""
    results = np.zeros((len(weights), 2))
    cumulated = np.zeros(len(ranked.negative) + 1)
    for i, person_weights in enumerate(weights):
        positive = person_weights[ranked.positive]
        np.cumsum(person_weights[ranked.negative], out=cumulated[1:])
        n_ordered = positive @ (cumulated[ranked.n_below] + cumulated[ranked.n_up_to]) / 2
        results[i] = n_ordered, positive.sum() * cumulated[-1]
    return results


def _count_by_person(ranked: RankedPairs, weights: Floats) -> Floats:
    """Count the pairs (n_resamples, 2) from the ordered pairs of each two persons."""
    n_persons = weights.shape[1]
    between = _pairs_between(ranked, ranked.n_below, n_persons)
    between += _pairs_between(ranked, ranked.n_up_to, n_persons)
    n_ordered = ((weights @ between) * weights).sum(axis=1) / 2
    n_positive = weights @ np.bincount(ranked.positive, minlength=n_persons)
    n_negative = weights @ np.bincount(ranked.negative, minlength=n_persons)
    return np.stack([n_ordered, n_positive * n_negative], axis=1)


def _pairs_between(ranked: RankedPairs, n_counted: Counts, n_persons: int) -> Floats:
    """Count the pairs of each two persons (n_persons of the positive, n_persons of the negative).

    Each positive window makes a pair with the first ``n_counted`` (n_positive,) negative windows.
    """
    pairs = np.zeros((n_persons, n_persons))
    counted = np.zeros(n_persons)  # negative windows of each person that all later rows count
    first = 0
    for start in range(0, len(ranked.positive), BLOCK):
        stops = n_counted[start : start + BLOCK]
        persons = ranked.negative[first : stops[-1]]
        rows = np.searchsorted(stops, np.arange(first, stops[-1]), side="right")
        cells = np.bincount(rows * n_persons + persons, minlength=len(stops) * n_persons)
        below = cells.reshape(len(stops), n_persons).cumsum(axis=0) + counted
        positive = ranked.positive[start : start + BLOCK]
        is_of_person = csr_array(
            (np.ones(len(stops)), (positive, np.arange(len(stops)))), shape=(n_persons, len(stops))
        )
        pairs += is_of_person @ below
        counted = below[-1]
        first = int(stops[-1])
    return pairs
