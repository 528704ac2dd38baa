from __future__ import annotations

import doctest

import pytest

from bids_dl.errors import ModelError
from bids_dl.models.adapters import contracts
from bids_dl.models.adapters.contracts import CONTRACTS, find_overlap, find_pretraining_warnings


@pytest.mark.parametrize(
    ("model", "n_times", "sfreq", "message"),
    [
        (
            "CBraMod",
            256,
            128.0,
            r"model m expects a sampling rate of 200 Hz, got 128 Hz and windows of a multiple of "
            r"200 samples \(1 s at 200 Hz\), got 256 samples",
        ),
        ("Labram", 500, 200.0, r"multiple of 200 samples .*, got 500 samples"),
        ("LUNA", 250, 256.0, r"multiple of 40 samples .*, got 250 samples"),
        ("EEGPT", 1000, 256.0, r"multiple of 64 samples .*, got 1000 samples"),
        ("BIOT", 100, 200.0, r"at least 200 samples, got 100"),
        ("BENDR", 1024, 250.0, r"rate of 256 Hz, got 250 Hz"),
        ("SignalJEPA_PostLocal", 256, 100.0, r"rate of 128 Hz, got 100 Hz"),
        ("REVE", 400, 250.0, r"rate of 200 Hz, got 250 Hz"),
    ],
)
def test_windows_outside_the_contract_are_refused_in_one_line(model, n_times, sfreq, message):
    with pytest.raises(ModelError, match=message) as caught:
        CONTRACTS[model].check("m", n_times, sfreq)
    assert "\n" not in str(caught.value)


def test_windows_within_the_contract_pass():
    CONTRACTS["Labram"].check("m", 2000, 200.0)
    CONTRACTS["LUNA"].check("m", 1280, 256.0)


def test_datasets_of_the_pretraining_set_are_found_by_their_identifiers():
    assert find_overlap(CONTRACTS["REVE"], ("ds004362", "TUH_EEG", "ds1")) == [
        "ds004362",
        "TUH_EEG",
    ]
    assert find_overlap(CONTRACTS["SignalJEPA_PreLocal"], ("ds004362",)) == []


NOTCH = {"notch": {"freqs": None}}


@pytest.mark.parametrize(
    ("model", "steps", "expected"),
    [
        ("Labram", [{"filter": {"low": 0.1, "high": 75.0}}, NOTCH], None),
        ("Labram", [{"filter": {"low": 0.05, "high": None}}, NOTCH], None),
        ("Labram", [{"filter": {"low": 0.1, "high": 75.0}}], "no notch"),
        ("Labram", [{"pick": {"types": ["eeg"]}}, {"filter": None}], "no filter"),
        (
            "Labram",
            [{"filter": {"low": 0.5, "high": 45.0}}],
            "a high-pass at 0.5 Hz, a low-pass at 45 Hz, no notch",
        ),
        ("CBraMod", [{"drifts": {"low": 0.25, "high": 0.75}}, NOTCH], "a high-pass at 0.5 Hz"),
        (
            "SignalJEPA_PreLocal",
            [{"filter": {"low": None, "high": 60.0}}, {"filter": {"low": None, "high": 30.0}}],
            "a low-pass at 30 Hz",
        ),
        ("BIOT", [], None),
        ("REVE", None, None),
    ],
)
def test_filters_that_remove_more_than_those_of_the_pretraining_are_warned_of(
    model, steps, expected
):
    warnings = find_pretraining_warnings("m", CONTRACTS[model], ("ds1",), steps)
    if expected is None:
        assert warnings == []
    else:
        band = CONTRACTS[model].band
        assert warnings == [f"m was pretrained on signals of {band}; the recipe has {expected}"]


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(contracts).failed == 0
