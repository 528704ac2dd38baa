"""Wrong types of arguments are refused with the name of the argument and the value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_dl.config import arguments
from bids_dl.errors import ArgumentTypeError, BidsDlError, ConfigError


@pytest.mark.parametrize("value", ["32", None, 32.0, True, [32]])
def test_what_is_no_integer_is_refused_by_name(value):
    with pytest.raises(ArgumentTypeError, match=r"^batch_size must be an integer, got ") as refusal:
        arguments.check_integers(batch_size=value)
    assert isinstance(refusal.value, TypeError)
    assert isinstance(refusal.value, BidsDlError)


def test_integers_of_numpy_pass_and_none_only_where_it_is_optional():
    arguments.check_integers(batch_size=np.int32(3))
    arguments.check_optional_integers(threads=None)
    with pytest.raises(ConfigError, match=r"threads must be at least 1, got 0"):
        arguments.check_optional_integers(threads=0)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_flag_is_true_or_false(value):
    with pytest.raises(ArgumentTypeError, match=r"^shuffle must be True or False, got "):
        arguments.check_flags(shuffle=value)
    arguments.check_flags(shuffle=np.bool_(True))


@pytest.mark.parametrize("value", [3, None, b"a", ["a"], ""])
def test_a_path_is_text_or_has_one(value):
    with pytest.raises(ArgumentTypeError, match=r"^store must be a path or a URL, got "):
        arguments.as_path("store", value)
    assert arguments.as_path("store", Path("a/b")) == "a/b"


def test_long_values_are_described_by_their_type():
    assert arguments.describe_value("x" * 200) == "str"
    assert arguments.describe_value(np.zeros((2, 3))) == "ndarray of float64 (2, 3)"


def test_an_optional_path_may_be_none():
    assert arguments.as_optional_path("output", None) is None
    with pytest.raises(ArgumentTypeError, match=r"^output must be a path or a URL, got int 3"):
        arguments.as_optional_path("output", 3)


def test_a_list_of_paths_is_not_empty():
    assert arguments.as_paths("sources", [Path("a"), "b"]) == ["a", "b"]
    with pytest.raises(ConfigError, match=r"^sources: the list is empty"):
        arguments.as_paths("sources", [])


@pytest.mark.parametrize("value", [3, "", ["train"]])
def test_a_text_is_text_or_none(value):
    arguments.check_texts(split="train", device=None)
    with pytest.raises(ArgumentTypeError, match=r"^split must be a text or None, got "):
        arguments.check_texts(split=value)
