"""Parsing of option values."""

from __future__ import annotations

import pytest

from bids_dl.config.values import (
    as_texts,
    as_tuple,
    parse_assignments,
    parse_number,
    parse_pair,
    parse_probabilities,
    parse_size,
    parse_split,
    parse_text,
)
from bids_dl.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("4GB", 4_000_000_000), ("1.5 GiB", 1_610_612_736), ("500mb", 500_000_000), (1000, 1000)],
)
def test_a_size_is_parsed_with_decimal_and_binary_units(text, n_bytes):
    assert parse_size(text) == n_bytes


def test_a_text_that_is_not_a_size_is_refused():
    with pytest.raises(ConfigError, match="--memory lots: expected a size, such as 4GB"):
        parse_size("lots")


def test_a_value_that_is_not_yaml_is_kept_as_text():
    assert parse_assignments(["secret=@[x", "anon=true"], "--storage-option") == {
        "secret": "@[x",
        "anon": True,
    }


def test_values_of_assignments_are_yaml():
    texts = ["filter.high=40", "pick.types=[eeg]", "reference.channels=average"]
    assert parse_assignments(texts, "--set") == {
        "filter.high": 40,
        "pick.types": ["eeg"],
        "reference.channels": "average",
    }


@pytest.mark.parametrize("value", [None, {}, []])
def test_no_assignments_are_none(value):
    assert not parse_assignments(value, "--set")


@pytest.mark.parametrize("text", ["filter.high", "=40"])
def test_an_assignment_without_key_or_value_is_refused(text):
    with pytest.raises(ConfigError, match=f"--set {text}: expected KEY=VALUE"):
        parse_assignments([text], "--set")


@pytest.mark.parametrize(
    ("value", "pair"), [("1,2", (1, 2)), ("3", (3, 3)), (3, (3, 3)), ([1, 2], (1, 2)), (None, None)]
)
def test_a_pair_is_two_numbers_or_one_twice(value, pair):
    assert parse_pair(value, "trim", may_be_single=True) == pair


@pytest.mark.parametrize("value", ["x", "inf", "1,2,3", [1, None]])
def test_a_pair_of_anything_else_is_refused(value):
    with pytest.raises(ConfigError, match="expected SECONDS or FROM,TO in seconds, such as 3,5"):
        parse_pair(value, "trim", may_be_single=True)


def test_a_single_number_is_no_range():
    with pytest.raises(ConfigError, match="--within 3: expected FROM,TO in seconds"):
        parse_pair("3", "within", may_be_single=False)


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("0.8,0.1,0.1", (0.8, 0.1, 0.1)),
        ("site", "site"),
        ("1", (1,)),
        (1, (1,)),
        ([0.5, 0.5], (0.5, 0.5)),
    ],
)
def test_a_split_is_fractions_or_a_column(value, split):
    assert parse_split(value) == split


@pytest.mark.parametrize("value", ["nan", "inf", "two", None])
def test_only_finite_numbers_are_numbers(value):
    assert parse_number(value) is None


def test_single_values_become_sequences():
    assert as_texts(1) == ("1",)
    assert as_texts([1, "b"]) == ("1", "b")
    assert as_texts(None) is None
    assert as_tuple("Red") == ("Red",)
    assert as_tuple(["Red", {"any": []}]) == ("Red", {"any": []})
    assert as_tuple(None) == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [(2024, "expected a text"), (" ", "found a blank one"), ("a\nb", "expected one line")],
)
def test_a_title_that_is_no_line_of_text_is_refused(value, message):
    with pytest.raises(ConfigError, match=f"title .*{message}"):
        parse_text("title", value)
    assert parse_text("description", "a\nb ", several_lines=True) == "a\nb"


@pytest.mark.parametrize("text", ["mixup=x", "mixup=true", "mixup=1.5", "mixup=-0.1", "mixup=.nan"])
def test_a_probability_is_a_number_from_0_to_1(text):
    shown = text.replace("true", "True").replace(".nan", "nan")
    with pytest.raises(ConfigError, match=f"--augment {shown}: expected a number from 0 to 1"):
        parse_probabilities([text], "--augment")


def test_probabilities_are_read_from_texts_and_mappings():
    assert parse_probabilities(["mixup=0.2", "cutout=1"], "--augment") == {
        "mixup": 0.2,
        "cutout": 1,
    }
    assert parse_probabilities({"mixup": 0.2}, "--augment") == {"mixup": 0.2}
    assert parse_probabilities(None, "--augment") is None
