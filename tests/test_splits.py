"""Assignment of persons to splits and folds."""

from __future__ import annotations

import doctest
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl import splits
from bids_dl.config.stages import SplitsConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.splits import (
    SPLITS,
    assign_splits,
    hold_out,
    make_folds,
    requested_splits,
    splits_from_column,
)

IDENTITIES = st.tuples(
    st.sampled_from(["ds1", "ds2"]), st.from_regex(r"[0-9A-Za-z]{1,3}", fullmatch=True)
)
PERSONS = st.lists(IDENTITIES, min_size=1, max_size=60, unique=True)
FRACTIONS = st.sampled_from(
    [
        (0.7, 0.15, 0.15),
        (0.8, 0.2),
        (0.5, 0.0, 0.5),
        (0.4, 0.3, 0.3),
        (0.98, 0.01, 0.01),
        (1.0,),
        (0.0, 0.0, 1.0),
    ]
)
SEEDS = st.integers(0, 2**32)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(splits).failed == 0


@given(PERSONS, FRACTIONS, SEEDS)
def test_every_person_has_one_split_and_every_requested_split_has_a_person(
    persons, fractions, seed
):
    config = SplitsConfig(split=fractions, seed=seed)
    assigned = assign_splits(persons, config)
    assert set(assigned) == set(persons)
    if len(persons) >= 3:
        assert set(assigned.values()) == set(requested_splits(config))
    elif len(requested_splits(config)) > 1:
        assert set(assigned.values()) == {"train"}


@given(PERSONS, FRACTIONS, SEEDS)
def test_counts_are_within_one_of_the_fractions_unless_a_split_would_be_empty(
    persons, fractions, seed
):
    counts = Counter(assign_splits(persons, SplitsConfig(split=fractions, seed=seed)).values())
    exact = [fraction * len(persons) for fraction in fractions]
    if all(e >= 1 or e == 0 for e in exact) and len(persons) >= 3:
        assert all(abs(counts[name] - e) < 1 for name, e in zip(SPLITS, exact, strict=False))


@given(PERSONS, SEEDS, st.randoms())
def test_splits_and_folds_do_not_depend_on_the_order_of_the_persons(
    persons, seed, rng: random.Random
):
    shuffled = rng.sample(persons, len(persons)) + persons[:1]
    config = SplitsConfig(seed=seed)
    assert assign_splits(persons, config) == assign_splits(shuffled, config)
    if len(persons) >= 2:
        assert make_folds(persons, 2, seed) == make_folds(shuffled, 2, seed)
        assert hold_out(persons, 0.2, seed) == hold_out(shuffled, 0.2, seed)


@given(PERSONS, SEEDS, st.data())
def test_every_person_is_held_out_in_one_fold_and_fold_sizes_differ_by_one_at_most(
    persons, seed, data
):
    if len(persons) < 2:
        return
    count = data.draw(st.integers(2, len(persons)))
    held_out = make_folds(persons, count, seed)
    assert sorted(person for fold in held_out for person in fold) == sorted(persons)
    assert len(held_out) == count
    assert max(map(len, held_out)) - min(map(len, held_out)) <= 1


def test_loso_leaves_out_one_person_at_a_time_in_sorted_order():
    assert make_folds([("ds", "b"), ("ds", "a"), ("dt", "a")], "loso", 0) == [
        (("ds", "a"),),
        (("ds", "b"),),
        (("dt", "a"),),
    ]


def test_the_seed_determines_splits_and_folds():
    persons = [("ds", f"{i:03}") for i in range(40)]
    drawn = [assign_splits(persons, SplitsConfig(seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert make_folds(persons, 5, 0) != make_folds(persons, 5, 1)


def test_forty_persons_are_split_28_6_6():
    counts = Counter(assign_splits([("ds", f"{i:03}") for i in range(40)], SplitsConfig()).values())
    assert counts == {"train": 28, "validation": 6, "test": 6}


@given(PERSONS, FRACTIONS, SEEDS, st.data())
def test_each_split_has_its_fraction_of_every_stratum_to_within_one_person(
    persons, fractions, seed, data
):
    strata = {person: data.draw(st.sampled_from("abc")) for person in persons}
    config = SplitsConfig(split=fractions, seed=seed)
    assigned = assign_splits(persons, config, strata)
    assert set(assigned) == set(persons)
    if len(persons) < 3 or any(0 < fraction * len(persons) < 1 for fraction in fractions):
        return  # a split takes the one person that it must have from another
    sizes = Counter(strata.values())
    counts = Counter((strata[person], split) for person, split in assigned.items())
    for stratum, size in sizes.items():
        for split, fraction in zip(SPLITS, fractions, strict=False):
            assert abs(counts[stratum, split] - fraction * size) < 1 + 1e-9
    total = Counter(assigned.values())
    for split, fraction in zip(SPLITS, fractions, strict=False):
        assert abs(total[split] - fraction * len(persons)) < 1


@given(PERSONS.filter(lambda p: len(p) > 1), SEEDS, st.data())
def test_folds_share_every_stratum_to_within_one_person(persons, seed, data):
    strata = {person: data.draw(st.sampled_from("abc")) for person in persons}
    folds = make_folds(persons, data.draw(st.integers(2, len(persons))), seed, strata)
    assert sorted(person for fold in folds for person in fold) == sorted(persons)
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    for stratum in set(strata.values()):
        shares = [sum(strata[person] == stratum for person in fold) for fold in folds]
        assert max(shares) - min(shares) <= 1


@given(PERSONS.filter(lambda p: len(p) > 1), SEEDS, st.data())
def test_held_out_persons_are_as_many_with_strata_and_share_each(persons, seed, data):
    strata = {person: data.draw(st.sampled_from("abc")) for person in persons}
    drawn = hold_out(persons, 0.3, seed, strata)
    assert len(drawn) == len(hold_out(persons, 0.3, seed))
    share = len(drawn) / len(persons)
    counts = Counter(strata[person] for person in drawn)
    for stratum, size in Counter(strata.values()).items():
        assert abs(counts[stratum] - share * size) < 1 + 1e-9


@given(PERSONS, SEEDS, st.randoms())
def test_stratified_splits_and_folds_do_not_depend_on_the_order_of_the_persons(
    persons, seed, rng: random.Random
):
    strata = {person: person[1][0] for person in persons}
    shuffled = rng.sample(persons, len(persons))
    other = {person: strata[person] for person in shuffled}
    config = SplitsConfig(seed=seed)
    assert assign_splits(persons, config, strata) == assign_splits(shuffled, config, other)
    if len(persons) >= 2:
        assert make_folds(persons, 2, seed, strata) == make_folds(shuffled, 2, seed, other)
        assert hold_out(persons, 0.2, seed, strata) == hold_out(shuffled, 0.2, seed, other)


@given(PERSONS, FRACTIONS, SEEDS)
def test_one_stratum_gives_the_splits_without_strata(persons, fractions, seed):
    config = SplitsConfig(split=fractions, seed=seed)
    one = dict.fromkeys(persons, "all")
    assert assign_splits(persons, config, one) == assign_splits(persons, config)


IMPOSSIBLE_FOLDS = [
    ("loo", "'loso' or a number"),
    (1, "1 fold of 4 persons"),
    ("9", "9 folds of 4 persons"),
    (0, "0 folds of 4 persons"),
]


@pytest.mark.parametrize(("n_folds", "message"), IMPOSSIBLE_FOLDS)
def test_impossible_folds_are_refused(n_folds, message):
    with pytest.raises(ConfigError, match=message):
        make_folds([("ds", str(i)) for i in range(4)], n_folds, 0)


@given(PERSONS.filter(lambda p: len(p) > 1), st.floats(0, 1), SEEDS)
def test_at_least_one_person_is_held_out_and_never_all(persons, fraction, seed):
    drawn = hold_out(persons, fraction, seed)
    assert 0 < len(drawn) < len(persons)
    assert set(drawn) < set(persons)


def test_a_column_of_participants_tsv_may_use_any_usual_spelling():
    values = {("ds", "1"): "Train", ("ds", "2"): "valid", ("ds", "3"): " test ", ("ds", "4"): "dev"}
    assert list(splits_from_column(values).values()) == [
        *("train", "validation", "test", "validation")
    ]


@pytest.mark.parametrize("value", ["n/a", "", "R5"])
def test_a_column_value_that_is_not_a_split_is_refused_with_its_person(value):
    with pytest.raises(
        TargetError, match=rf"ds/sub-2: the split column has '{value}' \(1 of 2 persons"
    ):
        splits_from_column({("ds", "1"): "train", ("ds", "2"): value})


def test_a_config_that_names_a_column_does_not_request_splits():
    config = SplitsConfig(split="fold")
    assert requested_splits(config) == ()
    with pytest.raises(ConfigError, match="column 'fold'"):
        assign_splits([("ds", "1")], config)
