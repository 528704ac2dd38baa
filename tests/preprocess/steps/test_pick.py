"""Selection of channels by type and name."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from step_runs import make_raw, run_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.steps.pick import Pick

SPEC = SignalSpec(("Cz", "EOG1", "O1", "ECG"), ("eeg", "eog", "eeg", "ecg"), Fraction(100))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Pick(types="eeg"), ("Cz", "O1")),
        (Pick(types=("eog", "eeg")), ("Cz", "EOG1", "O1")),
        (Pick(types="eeg", names=("ecg", "CZ")), ("Cz", "O1", "ECG")),
        (Pick(names=("O1", "Pz", "Cz"), missing="ignore"), ("O1", "Cz")),
    ],
)
def test_types_are_kept_in_recorded_order_before_names_in_requested_order(step, expected):
    assert step.output_spec(SPEC).ch_names == expected


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Pick(types="eeg", names="Pz"), "no channel Pz"),
        (Pick(names="Pz", missing="ignore"), "none of Pz; the recording has Cz, EOG1"),
        (Pick(types=("seeg", "dbs")), "no channel of type seeg or dbs; the recording has 2 eeg"),
    ],
)
def test_a_recording_without_the_channels_is_refused_by_the_plan(step, message):
    with pytest.raises(RecordingError, match=message) as failed:
        step.output_spec(SPEC)
    assert failed.value.stage == "channels"


def test_samples_follow_their_channels_and_dropped_ones_are_reported():
    raw = make_raw(np.arange(8.0).reshape(4, 2), 100.0, ["eeg", "eog", "eeg", "misc"])
    picked, report = run_step(raw, Pick(types="eog", names="E1"))
    assert picked.ch_names == ["E2", "E1"]
    np.testing.assert_array_equal(picked.get_data(), [[2, 3], [0, 1]])
    assert (report.channels, report.share) == (("E3", "E4"), 0.0)


def test_types_or_names_are_required():
    with pytest.raises(ValueError, match="give types"):
        Pick()
