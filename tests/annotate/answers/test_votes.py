"""Votes of experts, and their agreement."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.answers.votes import (
    agreement_of_experts,
    agreement_with_oneself,
    count_votes,
    items_without_agreement,
)
from bids_dl.errors import ConfigError

CLASSES = ("background", "spike", "wave")


def answers(*votes: tuple[str, str, str]):
    """Make answers from (item, annotator, label)."""
    lines = []
    for number, (item, annotator, label) in enumerate(votes):
        lines.append(example_answer(id=str(number), item=item, annotator=annotator, label=label))
    return replay(lines)


def test_the_last_answer_of_an_expert_counts():
    given = answers(("i", "x", "spike"), ("i", "y", "spike"), ("i", "x", "background"))
    [item] = count_votes(given, CLASSES)
    assert item.shares == {"background": 0.5, "spike": 0.5, "wave": 0.0}
    assert (item.n_votes, item.agreement, item.annotators) == (2, 0.5, ("x", "y"))
    assert item.label == "unsure"  # because two classes have as many votes


def test_unsure_is_half_a_vote_for_each_class_or_none():
    given = answers(("i", "x", "spike"), ("i", "y", "unsure"))
    [half] = count_votes(given, CLASSES)
    [none] = count_votes(given, CLASSES, unsure="none")
    assert half.shares["spike"] == pytest.approx(1.5 / 2.5)
    assert none.shares["spike"] == 1
    assert half.n_votes == none.n_votes == 2


def test_an_item_of_which_all_are_unsure_has_equal_shares_or_none():
    given = answers(("i", "x", "unsure"))
    [half] = count_votes(given, CLASSES)
    [none] = count_votes(given, CLASSES, unsure="none")
    assert sum(half.shares.values()) == pytest.approx(1)
    assert half.label == none.label == "unsure"
    assert all(map(math.isnan, none.shares.values()))
    [only] = count_votes(given, ["background"])  # as of a log without a class so far
    assert only.label == "unsure"


def test_the_order_of_the_answers_of_different_experts_does_not_matter():
    votes = [("i", "x", "spike"), ("j", "y", "wave"), ("i", "y", "spike")]
    first = count_votes(answers(*votes), CLASSES)
    second = count_votes(answers(*votes[::-1]), CLASSES)
    assert [item.shares for item in first] == [item.shares for item in second]


def test_items_below_two_thirds_go_to_another_expert():
    given = answers(
        *(("i", name, "spike") for name in "xy"),
        *(("i", "z", "wave"), ("j", "x", "spike"), ("j", "y", "wave")),
    )
    items = count_votes(given, CLASSES)
    assert [item.first.item for item in items_without_agreement(items, 4)] == ["j"]
    assert items_without_agreement(items, 2) == ()
    unsure = count_votes(answers(("k", "x", "unsure")), CLASSES, unsure="none")
    assert items_without_agreement(unsure, 2) == unsure


def test_an_answer_of_an_unknown_class_is_refused():
    with pytest.raises(ConfigError, match="the class 'ripple', which the classes file lacks"):
        count_votes(answers(("i", "x", "ripple")), CLASSES)


def test_kappa_of_fleiss_is_that_of_his_paper():
    """Of the table of Fleiss (1971): ten subjects, five classes, fourteen raters; 0.210."""
    table = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    votes = []
    for item, counts in enumerate(table):
        raters = iter(range(14))
        for label, number in enumerate(counts):
            votes += [(str(item), f"e{next(raters)}", f"c{label}") for _ in range(number)]
    assert agreement_of_experts(answers(*votes)) == pytest.approx(0.210, abs=5e-4)


def test_items_of_one_expert_say_nothing_about_the_agreement_of_experts():
    assert math.isnan(agreement_of_experts(answers(("i", "x", "spike"))))
    both = answers(("i", "x", "a"), ("i", "y", "a"), ("j", "x", "b"), ("j", "y", "b"))
    more = answers(*(("k", "x", "a"),), *((a.item, a.annotator, a.label) for a in both))
    assert agreement_of_experts(both) == agreement_of_experts(more) == 1


def test_repeated_items_tell_the_agreement_with_oneself():
    first = [(f"i{n}", "x", "spike" if n % 2 else "wave") for n in range(10)]
    again = [*first[:8], *((item, "x", "background") for item, _, _ in first[8:])]
    agreement = agreement_with_oneself(answers(*first, *again, ("i0", "y", "spike")))
    assert (agreement["x"].n_items, agreement["x"].share) == (10, 0.8)
    assert 0.6 < agreement["x"].kappa < 0.8
    assert agreement["y"].n_items == 0
    assert np.isnan(agreement["y"].kappa)
