"""Answers -> labels of the windows of a pool: those that train, and those that test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.answers.replay import Answer
from bids_dl.annotate.asking.pool import PoolWindows
from bids_dl.annotate.asking.reasons import MARK, RANDOM
from bids_dl.annotate.strategies.pool import Integers, Rows

Votes = dict[int, dict[str, Answer]]
"""The answer that counts, by window and expert."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindows:
    """Windows with a label.

    Attributes
    ----------
    rows
        (n_labelled,): windows, ascending.
    classes
        (n_labelled,): index of the class of each.
    without_label
        Windows with answers but without a label, because experts are unsure or disagree evenly.
    answers
        Ids and labels of the answers behind the labels, in the order of the log.
    """

    rows: Rows
    classes: Integers
    without_label: Rows
    answers: tuple[tuple[str, str], ...]


def label_training(
    windows: PoolWindows, answers: Iterable[Answer], classes: Sequence[str]
) -> LabelledWindows:
    """Return the labels of the windows that train a model.

    These are answers with the purpose ``"train"``, by the majority of the experts. A marked
    interval labels each window that covers at least half of the interval, or half of which the
    interval covers. So does an answer about a window of another pool. An answer about the window
    itself counts more than a mark of the same expert. No test window is labelled, also not by a
    mark that begins before it or ends behind it. Of overlapping windows, those that share samples
    with a window of `label_test` are not labelled either, because the test would know them.

    Parameters
    ----------
    windows
        The pool.
    answers
        Answers that hold, in the order of the log.
    classes
        Names of the classes, without ``unsure``.
    """
    direct: Votes = {}
    marked: Votes = {}
    answers = tuple(answers)
    for answer in answers:
        if answer.purpose != "train" and answer.strategy != MARK:
            continue
        row = windows.find_row(answer.item)
        if row is not None and answer.strategy != MARK:
            direct.setdefault(row, {})[answer.annotator] = answer
            continue
        key = (answer.dataset, answer.recording)
        for each in windows.rows_within(key, answer.onset, answer.duration).tolist():
            marked.setdefault(each, {})[answer.annotator] = answer
    votes = {row: marked.get(row, {}) | direct.get(row, {}) for row in marked.keys() | direct}
    is_tested = windows.find_overlapping(label_test(windows, answers, classes).rows)
    return _count(votes, classes, ~windows.is_test & ~is_tested)


def label_test(
    windows: PoolWindows, answers: Iterable[Answer], classes: Sequence[str]
) -> LabelledWindows:
    """Return the labels of the windows that test a model: of the random sample only.

    Answers that a strategy or an expert chose are no sample of the recordings, and are left out.

    Parameters
    ----------
    windows, answers, classes
        As in `label_training`.
    """
    votes: Votes = {}
    for answer in answers:
        row = windows.find_row(answer.item)
        if row is not None and answer.purpose == "test" and answer.strategy == RANDOM:
            votes.setdefault(row, {})[answer.annotator] = answer
    return _count(votes, classes, windows.is_test)


def _count(
    votes: Votes, classes: Sequence[str], is_counted: npt.NDArray[np.bool_]
) -> LabelledWindows:
    """Return the label of each window that is counted, by the majority of its votes."""
    rows: list[int] = []
    labels: list[int] = []
    without_label: list[int] = []
    counted: dict[str, str] = {}
    for row in sorted(votes):
        if not is_counted[row]:
            continue
        label = _find_majority([answer.label for answer in votes[row].values()])
        if label is None:
            without_label.append(row)
            continue
        rows.append(row)
        labels.append(classes.index(label))
        counted |= {answer.id: answer.label for answer in votes[row].values()}
    return LabelledWindows(
        np.array(rows, np.int64),
        np.array(labels, np.int64),
        np.array(without_label, np.int64),
        tuple(sorted(counted.items())),
    )


def _find_majority(labels: Sequence[str]) -> str | None:
    """Return the label with most votes, None for a tie or if all are unsure."""
    counts = Counter(label for label in labels if label != UNSURE).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]
