"""Channels by name and type."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from recipe_yaml import make_recording

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import (
    add_channels,
    channel_types,
    find_channel,
    locate_channels,
    select_channels,
)

SPEC = SignalSpec(("Fp1", "cz", "Cz", "EOG1"), ("eeg", "eeg", "eeg", "eog"), Fraction(160))


@pytest.mark.parametrize(
    ("name", "spelling"), [("fp1", "Fp1"), ("Cz", "Cz"), ("CZ", "cz"), ("Oz", None)]
)
def test_an_exact_name_comes_before_one_that_differs_in_case(name, spelling):
    assert find_channel(name, SPEC) == spelling


def test_channels_are_located_in_the_order_of_the_request():
    assert locate_channels(["eog1", "Fp1"], SPEC) == ["EOG1", "Fp1"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["Fp1-Ref", "M1"],
            r"no channel Fp1-Ref, M1 \(closest: Fp1\); the recording has Fp1, cz, Cz, EOG1",
        ),
        (["M1"], "no channel M1; the recording has"),
        (["Fp1", "FP1"], "channel Fp1 is named twice"),
    ],
)
def test_a_missing_or_repeated_channel_fails_the_recording(names, message):
    with pytest.raises(RecordingError, match=message) as failed:
        locate_channels(names, SPEC)
    assert failed.value.stage == "channels"


def test_channel_types_are_those_of_mne():
    raw = make_recording()
    raw.set_channel_types({raw.ch_names[0]: "eog", raw.ch_names[1]: "stim"}, verbose="error")
    assert channel_types(raw) == tuple(raw.get_channel_types())


def test_a_selection_keeps_types_and_rate():
    assert select_channels(SPEC, ["EOG1", "Cz"]) == SignalSpec(
        ("EOG1", "Cz"), ("eog", "eeg"), Fraction(160)
    )


def test_added_channels_come_last_with_their_positions():
    raw = make_recording(n_times=10)
    signals = np.arange(20.0).reshape(2, 10)
    add_channels(raw, ["A", "B"], ["eeg", "misc"], signals, [np.array([0.0, 0.1, 0.0]), None])
    assert raw.ch_names[-2:] == ["A", "B"]
    assert raw.get_channel_types()[-2:] == ["eeg", "misc"]
    np.testing.assert_array_equal(raw.get_data()[-2:], signals)
    np.testing.assert_array_equal(raw.info["chs"][-2]["loc"][:3], [0.0, 0.1, 0.0])
