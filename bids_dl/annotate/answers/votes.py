"""Answers of several experts -> shares of the classes, and the agreement of the experts.

Kappa of Cohen (1960, 10.1177/001316446002000104) for the repeated answers of one expert, and of
Fleiss (1971, 10.1037/h0031619) for several experts, with a varying number of them per item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.answers.replay import Answer
from bids_dl.errors import ConfigError
from bids_dl.wording import join_names

MIN_AGREEMENT = 2 / 3  # below it, an item goes to another expert
SHARE_TOLERANCE = 1e-9  # of agreements, which are quotients
Unsure = Literal["half", "none"]
"""Votes of ``unsure``: half a vote for every class, or no vote."""


@dataclass(frozen=True, slots=True)
class VotedItem:
    """An item with the votes of all experts who answered it.

    Attributes
    ----------
    first
        The first answer of the item, which says what was asked and why.
    shares
        Share of the votes by class; they add up to 1. All are NaN if there is no vote.
    label
        Class with most votes; ``unsure`` if several have, or if all experts were unsure.
    n_votes
        Number of experts, those who were unsure included.
    agreement
        Largest share; NaN without a vote.
    annotators
        Pseudonyms, sorted.
    """

    first: Answer
    shares: Mapping[str, float]
    label: str
    n_votes: int
    agreement: float
    annotators: tuple[str, ...]


def count_votes(
    answers: Iterable[Answer], classes: Sequence[str], *, unsure: Unsure = "half"
) -> tuple[VotedItem, ...]:
    """Count the votes of each item. The last answer of an expert for an item counts.

    Parameters
    ----------
    answers
        Answers that hold, as `replay` returns them.
    classes
        Names of the classes, in order, without ``unsure``.
    unsure
        Votes of an expert who is unsure.

    Returns
    -------
    tuple of VotedItem
        In the order of dataset, recording, onset, duration and item, so that equal answers in any
        order give equal results.

    Raises
    ------
    ConfigError
        An answer has a class that is not among the classes.

    Examples
    --------
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> from bids_dl.annotate.answers.replay import replay
    >>> lines = [
    ...     example_answer(id="a", annotator="x", label="spike"),
    ...     example_answer(id="b", annotator="y", label="unsure"),
    ... ]
    >>> [item] = count_votes(replay(lines), ["background", "spike"])
    >>> item.label, item.shares["spike"], item.n_votes
    ('spike', 0.75, 2)
    """
    by_item: dict[str, dict[str, Answer]] = {}
    first: dict[str, Answer] = {}
    for answer in answers:
        if answer.label != UNSURE and answer.label not in classes:
            raise ConfigError(
                f"answer {answer.id} has the class {answer.label!r}, which the classes file lacks; "
                f"it has {join_names(classes)}"
            )
        first.setdefault(answer.item, answer)
        by_item.setdefault(answer.item, {})[answer.annotator] = answer
    items = []
    for item, last in by_item.items():
        items.append(_count_item(first[item], last, classes, unsure))
    return tuple(sorted(items, key=_place))


def _count_item(
    first: Answer, last: Mapping[str, Answer], classes: Sequence[str], unsure: Unsure
) -> VotedItem:
    """Count the votes of one item from the last answer of each expert."""
    votes = np.zeros(len(classes))
    for answer in last.values():
        if answer.label != UNSURE:
            votes[classes.index(answer.label)] += 1
        elif unsure == "half":
            votes += 0.5
    total = votes.sum()
    shares = votes / total if total else np.full(len(classes), np.nan)
    winners = np.flatnonzero(votes == votes.max()) if total else np.array([])
    has_opinion = any(answer.label != UNSURE for answer in last.values())
    label = classes[winners[0]] if has_opinion and len(winners) == 1 else UNSURE
    return VotedItem(
        first=first,
        shares=dict(zip(classes, shares.tolist(), strict=True)),
        label=label,
        n_votes=len(last),
        agreement=float(shares.max()),
        annotators=tuple(sorted(last)),
    )


def _place(item: VotedItem) -> tuple[str, str, float, float, str]:
    first = item.first
    return first.dataset, first.recording, first.onset, first.duration, first.item


def items_without_agreement(items: Iterable[VotedItem], max_votes: int) -> tuple[VotedItem, ...]:
    """Return the items that another expert should answer.

    Parameters
    ----------
    items
        Items with votes.
    max_votes
        Experts per item. With 1, nothing is asked again.

    Returns
    -------
    tuple of VotedItem
        Items with fewer votes, and an agreement below `MIN_AGREEMENT` or none.
    """
    chosen = []
    for item in items:
        agrees = item.agreement >= MIN_AGREEMENT - SHARE_TOLERANCE
        if item.n_votes < max_votes and not agrees:
            chosen.append(item)
    return tuple(chosen)


def agreement_of_experts(answers: Iterable[Answer]) -> float:
    """Return the kappa of Fleiss over the items that several experts answered.

    The share of agreeing pairs is that of each item, whatever its number of experts. ``unsure`` is
    a class of its own.

    Parameters
    ----------
    answers
        Answers that hold. The last one of an expert for an item counts.

    Returns
    -------
    float
        1 is perfect agreement, 0 that of chance; NaN if no item has two experts, or if all answers
        are equal.
    """
    last = {(answer.item, answer.annotator): answer for answer in answers}
    labels = sorted({answer.label for answer in last.values()})
    items = {item: row for row, item in enumerate(dict.fromkeys(item for item, _ in last))}
    counts = np.zeros((len(items), len(labels)))
    for (item, _), answer in last.items():
        counts[items[item], labels.index(answer.label)] += 1
    return _fleiss_kappa(counts[counts.sum(axis=1) > 1])


def _fleiss_kappa(counts: npt.NDArray[np.float64]) -> float:
    """Return the kappa of Fleiss of (n_items, n_classes) numbers of votes, two or more an item."""
    if not len(counts):
        return float("nan")
    n_votes = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (n_votes * (n_votes - 1))
    by_chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    if by_chance == 1:
        return float("nan")
    return float((agreeing.mean() - by_chance) / (1 - by_chance))


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """Agreement of an expert with his or her own earlier answers."""

    n_items: int  # that were answered more than once
    share: float  # of equal first and last answers; NaN without such items
    kappa: float  # of Cohen; NaN if undefined


def agreement_with_oneself(answers: Iterable[Answer]) -> dict[str, SelfAgreement]:
    """Compare the first and the last answer of each expert for the same item.

    Parameters
    ----------
    answers
        Answers that hold. A corrected answer is a change, not a second answer.

    Returns
    -------
    dict
        By annotator, sorted.
    """
    from sklearn.metrics import cohen_kappa_score

    of_item: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        of_item.setdefault((answer.annotator, answer.item), []).append(answer.label)
    agreements = {}
    for annotator in sorted({annotator for annotator, _ in of_item}):
        pairs = []
        for (name, _), labels in of_item.items():
            if name == annotator and len(labels) > 1:
                pairs.append((labels[0], labels[-1]))
        share = float(np.mean([first == last for first, last in pairs])) if pairs else np.nan
        kappa = np.nan
        if len({label for pair in pairs for label in pair}) > 1:
            kappa = float(cohen_kappa_score(*zip(*pairs, strict=True)))
        agreements[annotator] = SelfAgreement(len(pairs), share, kappa)
    return agreements
