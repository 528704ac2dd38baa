"""Strata of persons, from the values of a column."""

from __future__ import annotations

import doctest
import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bids_dl import strata
from bids_dl.strata import find_small_strata, make_strata

NUMBERS = st.lists(st.integers(0, 60), min_size=1, max_size=60)


def persons_with(values: list[str]) -> dict[tuple[str, str], str]:
    return {("ds", f"{i:02}"): value for i, value in enumerate(values)}


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(strata).failed == 0


def test_texts_are_strata_and_people_without_a_value_are_one_more():
    found = make_strata(persons_with(["F", "M", "n/a", "F ", ""]), n_parts=3)
    assert list(found.values()) == ["F", "M", "n/a", "F", "n/a"]


def test_few_numbers_are_strata_of_their_own_however_they_are_written():
    found = make_strata(persons_with(["1", "0", "1.0", "n/a"]), n_parts=2)
    assert list(found.values()) == ["1", "0", "1", "n/a"]


def test_large_numbers_that_differ_are_different_strata():
    sites = ["1000001", "1000002", "20230101", "20230102"]
    assert list(make_strata(persons_with(sites), n_parts=2).values()) == sites
    dates = make_strata(persons_with([str(20230101 + day) for day in range(8)]), n_parts=2)
    assert set(Counter(dates.values()).values()) == {2}


@given(NUMBERS, st.integers(2, 5))
def test_quantiles_keep_equal_numbers_together_and_are_in_order(numbers, n_parts):
    values = persons_with(list(map(str, numbers)))
    found = make_strata(values, n_parts)
    assert list(found) == list(values)
    if len(set(numbers)) <= 4:
        assert found == values
        return
    assert len(set(found.values())) <= (4 if len(numbers) >= 4 * n_parts else 2)
    by_stratum: dict[str, set[int]] = {}
    for person, stratum in found.items():
        by_stratum.setdefault(stratum, set()).add(int(values[person]))
    limits = sorted((min(group), max(group)) for group in by_stratum.values())
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(limits))


@given(st.integers(8, 80), st.integers(2, 5))
def test_distinct_numbers_give_groups_of_nearly_equal_size(n_persons, n_parts):
    found = make_strata(persons_with(list(map(str, range(n_persons)))), n_parts)
    sizes = Counter(found.values())
    assert len(sizes) == (4 if n_persons >= 4 * n_parts else 2)
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_a_stratum_smaller_than_the_number_of_parts_is_named_with_its_size():
    groups = persons_with(["F", "F", "F", "M", "n/a", "n/a"])
    [line] = find_small_strata(groups, 3, "--stratify sex")
    assert line == (
        "--stratify sex: 2 of 3 groups with fewer people than the 3 parts to balance: "
        "M (1), n/a (2)"
    )
    assert find_small_strata(groups, 1, "--stratify sex") == []
