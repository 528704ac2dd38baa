"""Boundaries from annotations and gaps."""

from __future__ import annotations

import doctest

import mne
import numpy as np
import pytest

from bids_dl.source import boundaries
from bids_dl.source.boundaries import find_boundaries, join_boundaries
from bids_dl.source.gaps import Gap


def make_raw(onsets: list[float], descriptions: list[str]) -> mne.io.RawArray:
    info = mne.create_info(["Cz"], 100.0, "eeg")
    raw = mne.io.RawArray(np.zeros((1, 1000)), info, verbose="error")
    raw.set_annotations(mne.Annotations(onsets, [0.0] * len(onsets), descriptions))
    return raw


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(boundaries).failed == 0


@pytest.mark.parametrize(
    "description",
    ["boundary", "BAD boundary", "EDGE boundary", "-99", "New Segment/", "x/boundary"],
)
def test_an_annotation_is_a_boundary_at_the_next_sample(description):
    assert find_boundaries(make_raw([2.004], [description])) == (2.01,)


def test_other_annotations_are_not_boundaries():
    assert find_boundaries(make_raw([2.0], ["Stimulus/S  1"])) == ()


def test_the_beginning_of_a_recording_is_not_a_boundary():
    assert find_boundaries(make_raw([0.0, 3.0], ["New Segment/", "New Segment/"])) == (3.0,)


def test_gaps_are_boundaries_and_annotations_after_them_are_on_the_clock_of_the_file():
    raw = make_raw([2.5, 8.0], ["boundary", "boundary"])
    assert find_boundaries(raw, [Gap(2.0, 1.0)]) == (2.0, 7.0)


@pytest.mark.parametrize("sample", [199.5, 199.4, 199.6, 200.0, 199.9, 200.1])
def test_a_boundary_half_a_sample_early_or_rounded_is_at_the_sample_after_it(sample):
    assert find_boundaries(make_raw([sample / 100], ["boundary"])) == (2.0,)
    assert join_boundaries((), [sample / 100], 100.0) == (2.0,)


def test_rows_that_are_no_boundary_of_the_file_are_added():
    assert join_boundaries([2.0, 4.0], [1.995, 2.015, 4.5], 100.0) == (2.0, 2.02, 4.0, 4.5)
