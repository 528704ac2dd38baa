from __future__ import annotations

import numpy as np
from asked_pools import answer_line, refer_line

from bids_dl.annotate.answers.items import make_item
from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.asking.stopping import (
    N_COMPARED,
    choose_compared,
    compare_models,
    count_likeliest,
    describe_agreement,
)


def make_opinion(classes) -> np.ndarray:
    return np.eye(2, dtype=np.float32)[list(classes)]


def make_answers(*answers):
    """Make answers of (number of the item, label, annotator, strategy)."""
    lines = []
    for number, (item, label, annotator, strategy) in enumerate(answers):
        asked = make_item("ds1", "sub-01/eeg/sub-01", float(item), 1.0)
        lines.append(answer_line(asked, label, number, annotator=annotator, strategy=strategy))
    return replay(lines)


def test_models_are_compared_on_the_same_windows_in_each_round():
    candidates = np.arange(5000)
    rows = choose_compared(candidates, seed=3)
    assert len(np.unique(rows)) == N_COMPARED
    assert (rows == choose_compared(candidates, seed=3)).all()
    assert not (rows == choose_compared(candidates, seed=4)).all()


def test_kappa_is_one_for_equal_models_and_zero_by_chance():
    rng = np.random.default_rng(0)
    first, second = (make_opinion(rng.integers(0, 2, 4000)) for _ in range(2))
    assert compare_models(first, first) == 1
    assert abs(compare_models(first, second)) < 0.05


def test_kappa_is_not_defined_for_one_class_or_no_windows():
    always = make_opinion([0, 0, 0])
    assert compare_models(always, always) is None
    assert compare_models(always[:0], always[:0]) is None


def test_events_are_counted_among_the_last_forty_likeliest():
    early = [(number, "spike", "a", "likeliest") for number in range(10)]
    late = [(10 + number, "background", "a", "likeliest") for number in range(35)]
    other = [(99, "spike", "a", "margin"), (98, "unsure", "a", "likeliest")]
    assert count_likeliest(make_answers(*early, *late, *other), "background") == (4, 40)
    assert count_likeliest((), "background") == (0, 0)


def test_agreement_is_of_repeated_answers_and_not_of_changes_or_marks():
    answers = [(1, "spike", "a", "x"), (1, "background", "a", "x"), (2, "spike", "a", "x")]
    marks = [(3, "spike", "a", "mark"), (3, "background", "b", "mark")]
    described = describe_agreement(make_answers(*answers, *marks, (2, "spike", "b", "x")))
    assert described == {"self": {"a": {"n": 1, "share": 0.0}}, "experts": None}
    asked = make_item("ds1", "sub-01/eeg/sub-01", 1.0, 1.0)
    lines = [answer_line(asked, "spike", 0), refer_line("change", 1, 0, label="background")]
    assert describe_agreement(replay(lines))["self"] == {}


def test_experts_who_agree_have_kappa_one():
    pairs = [(n, label, who, "x") for n, label in ((1, "spike"), (2, "background")) for who in "ab"]
    assert describe_agreement(make_answers(*pairs))["experts"] == 1.0
