"""Choice of windows to export, from options by name."""

from __future__ import annotations

import doctest

import pytest

from bids_dl.config import export_parsing
from bids_dl.config.export_parsing import parse_export
from bids_dl.errors import ConfigError


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(export_parsing).failed == 0


def test_one_text_and_several_are_tuples():
    config = parse_export({"label": "a", "subject": ["1", "2"], "recording": None})
    assert (config.label, config.subject, config.recording) == (("a",), ("1", "2"), ())
    assert config.max_windows == 2000


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_a_number_of_windows_is_a_positive_integer(number):
    with pytest.raises(ConfigError, match="--max-windows"):
        parse_export({"max_windows": number})
