"""Renaming of channels, by names and by schemes."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from pydantic import ValidationError

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.rename import Rename


def renamed(names, scheme, **parameters):
    spec = SignalSpec(tuple(names), ("eeg",) * len(names), Fraction(500))
    return Rename(scheme=scheme, **parameters).output_spec(spec).ch_names


@pytest.mark.parametrize(
    ("scheme", "names", "expected"),
    [
        ("hydrocel", ("EEG 022", "VREF", "EMG"), ("E22", "Cz", "EMG")),
        ("hydrocel-to-1020", ("E22", "E8", "E129"), ("Fp1", "E8", "Cz")),
        ("1020-to-hydrocel", ("Fp1", "T3", "Cz"), ("E22", "E45", "Cz")),
        ("t3-to-t7", ("T3", "t4", "T5", "T6", "Cz"), ("T7", "T8", "P7", "P8", "Cz")),
    ],
)
def test_a_scheme_renames_the_channels_that_it_knows(scheme, names, expected):
    assert renamed(names, scheme) == expected


def test_names_apply_after_the_scheme_and_no_sample_changes():
    raw = mne.io.RawArray(
        np.arange(12.0).reshape(3, 4),
        mne.create_info(["E45", "E22", "VREF"], 100.0, "eeg"),
        verbose="error",
    )
    step = Rename(scheme="hydrocel-to-1020", names={"t7": "T3"})
    renamed_raw, reports = Recipe("", "", (step,)).run(raw)
    assert renamed_raw.ch_names == ["T3", "Fp1", "Cz"]
    np.testing.assert_array_equal(renamed_raw.get_data(), np.arange(12.0).reshape(3, 4))
    assert reports[0].channels == ("T3", "Fp1", "Cz")


@pytest.mark.parametrize(
    ("names", "scheme", "message"),
    [
        (
            ["Fp1", "Cz9"],
            "hydrocel-to-1020",
            "no channel .* the scheme hydrocel-to-1020 .*; the recording has Fp1, Cz9",
        ),
        (
            [f"E{i}" for i in range(1, 65)],
            "hydrocel-to-1020",
            "smaller net .*; the scheme hydrocel-to-1020 does not fit",
        ),
        (["E129", "Cz", "E22"], "hydrocel", "two channels would be named Cz"),
        (["E22", "Fp1"], "hydrocel-to-1020", "two channels would be named Fp1"),
        (["E1", "E2"], "t3-to-t7", "no channel .* the scheme t3-to-t7"),
    ],
)
def test_a_scheme_that_does_not_fit_is_refused(names, scheme, message):
    with pytest.raises(RecordingError, match=message):
        renamed(names, scheme)


def test_a_scheme_that_matches_no_channel_may_be_ignored():
    assert renamed(["C3", "C4"], "t3-to-t7", missing="ignore") == ("C3", "C4")


def test_rename_needs_names_or_a_known_scheme():
    with pytest.raises(ValidationError, match="give names"):
        Rename()
    with pytest.raises(ValidationError, match="hydrocel-to-1020"):
        Rename(scheme="hydrocel-to-1010")
