"""Windows as columns behave like a tuple of windows."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.datamodel import Block, Window
from bids_dl.windows import WindowSequence, window_sequence

KEYS = st.sampled_from(["ds/a", "ds/b", "ds/c"])
LABELS = st.sampled_from(["rest", "task"])
ROWS = st.lists(st.tuples(KEYS, LABELS, st.floats(0, 1e6), st.integers(0, 10**12)), max_size=12)


def build(rows):
    """Build windows of blocks, and the same windows as objects."""
    blocks = [Block(key, i, label, 0.0, None) for i, (key, label, _, _) in enumerate(rows)]
    onsets = np.array([onset for *_, onset, _ in rows], dtype=np.float64)
    starts = np.array([start for *_, start in rows], dtype=np.int64)
    sequence = WindowSequence.of_blocks(
        blocks, list(range(len(rows))), onsets, starts, anchors=starts + 5
    )
    objects = []
    for i, (key, label, onset, start) in enumerate(rows):
        objects.append(Window(key, i, onset, start, start + 5, label))
    return sequence, objects


@given(ROWS)
def test_items_and_slices_are_those_of_a_list_of_windows(rows):
    sequence, objects = build(rows)
    assert list(sequence) == objects == [sequence[i] for i in range(len(rows))]
    assert list(sequence[1:-1]) == objects[1:-1]
    assert sequence == objects == pickle.loads(pickle.dumps(sequence))
    assert all(type(value) in (str, int, float) for w in sequence for value in _values(w))


def _values(window):
    return window.recording, window.block, window.onset, window.start, window.anchor, window.label


@given(ROWS)
def test_windows_are_grouped_and_counted_by_recording(rows):
    sequence, objects = build(rows)
    groups = {}
    for window in objects:
        groups.setdefault(window.recording, []).append(window)
    found = sequence.by_recording()
    assert list(found) == list(groups)
    assert {key: list(part) for key, part in found.items()} == groups
    assert sequence.counts() == Counter((w.recording, w.label) for w in objects)


@given(ROWS, ROWS, st.sets(st.integers(0, 11)))
def test_parts_are_joined_in_order_and_windows_left_out(first, second, numbers):
    one, one_objects = build(first)
    two, two_objects = build(second)
    assert list(WindowSequence.joined([one, two])) == one_objects + two_objects
    removed = {number for number in numbers if number < len(first)}
    kept = [window for i, window in enumerate(one_objects) if i not in removed]
    assert list(one.without(removed)) == kept


def test_many_windows_are_iterated_in_parts(monkeypatch):
    sequence, objects = build([("ds/a", "rest", float(i), i) for i in range(10)])
    monkeypatch.setattr(window_sequence, "ITERATED_WINDOWS", 3)
    assert list(sequence) == objects


def test_an_index_beyond_the_end_is_an_error():
    sequence, _ = build([("ds/a", "rest", 0.0, 0)])
    with pytest.raises(IndexError):
        sequence[1]
