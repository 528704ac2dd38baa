"""Lists, suggestions and sizes in messages."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl import wording


def test_the_examples_are_right():
    assert doctest.testmod(wording).failed == 0


@given(st.lists(st.text("abc", min_size=1), max_size=20), st.integers(1, 10))
def test_every_name_is_listed_or_counted(names, limit):
    text = wording.join_names(names, limit=limit)
    listed, _, rest = text.partition(" and ")
    counted = int(rest.split()[0]) if rest else 0
    assert len([name for name in listed.split(", ") if name]) + counted == len(names)


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("WINDOW", ["stride", "window"], "did you mean 'window'?"),
        ("zzz", ["stride", "window"], "use one of stride, window"),
        ("hihg", ["low", "high"], "did you mean 'high'?"),
        ("scnn", ["r-scnn"], "did you mean 'r-scnn'?"),
        ("bandpass", ["bad_channels"], "use one of bad_channels"),
        ("tpu", ["auto", "cpu"], "use one of auto, cpu"),
        ("", [], "use one of "),
    ],
)
def test_a_suggestion_is_the_closest_name_or_the_list(name, known, text):
    assert wording.suggest(name, known) == text


@given(st.text(), st.integers(10, 50))
def test_a_message_fits_on_one_line(text, max_chars):
    line = wording.one_line(text, max_chars=max_chars)
    assert len(line) <= max_chars
    assert "\n" not in line


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("no data in /home/ann/x.fif", "no data in x.fif"),
        ("No such file: '/home/John Smith/a b/x.set'", "No such file: 'x.set'"),
        ("C:\\Users\\ann\\x.set is broken", "x.set is broken"),
        ("https://host/bucket/x.zarr, n/a, 3 µV/m and Red/Blue", None),
    ],
)
def test_only_the_last_part_of_a_path_remains_in_a_message(message, text):
    assert wording.without_folders(message) == (text or message)


def test_known_paths_are_replaced_by_their_names():
    names = {"/a b/": "", "/a b/c.fif": "sub-1/eeg/sub-1_eeg.fif"}
    text = wording.without_folders("/a b/c.fif and /a b/d.fif", names)
    assert text == "sub-1/eeg/sub-1_eeg.fif and d.fif"
