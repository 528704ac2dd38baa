"""Choice of electrode positions: measured ones if they are plausible, else a template's."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from electrode_files import CH_NAMES, NOSE_ALONG_X, read_measured
from pydantic import ValidationError
from step_runs import assert_signals_close, make_noise

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.steps.montage import Montage

MEASURED_OR_TEMPLATE = Montage(("electrodes", "standard_1005"))


def run(raw, step):
    placed, reports = Recipe("test", "", (step,)).run(raw.copy())
    return placed, reports[0]


def placed_positions(raw):
    return np.array([channel["loc"][:3] for channel in raw.info["chs"]])


def positions_in(template, names):
    located = positions.template_positions(template)
    return np.array([located[name.casefold()] for name in names])


def net_recording(n_electrodes):
    names = [f"E{i}" for i in range(1, n_electrodes + 1)]
    info = mne.create_info(names, 100.0, "eeg")
    return mne.io.RawArray(np.zeros((n_electrodes, 10)), info, verbose="error")


def test_plausible_measured_positions_are_used(tmp_path):
    raw = read_measured(tmp_path, system="EEGLAB", unit="cm", factor=100.0, rotation=NOSE_ALONG_X)
    placed, report = run(raw, MEASURED_OR_TEMPLATE)
    assert report.notes == ()
    np.testing.assert_allclose(
        placed_positions(placed), positions_in("easycap-M1", CH_NAMES), atol=3e-3
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unit": "mm"}, r"is the unit right\?"),
        ({"system": "EEGLAB"}, r"are the axes right\?"),
        ({"without": ("O2", "Cz")}, "no position for Cz, O2 in electrodes"),
        ({"system": "Other"}, "their coordinate system is not tied to a head"),
    ],
)
def test_measured_positions_that_are_implausible_or_incomplete_are_not_used(
    tmp_path, options, reason
):
    raw = read_measured(tmp_path, **options)
    placed, report = run(raw, MEASURED_OR_TEMPLATE)
    np.testing.assert_allclose(
        placed_positions(placed), positions_in("standard_1005", CH_NAMES), atol=1e-9
    )
    assert report.notes[0].startswith("positions of standard_1005: ")
    with pytest.raises(RecordingError, match=reason):
        run(raw, Montage("electrodes"))
    assert {channel["coord_frame"] for channel in placed.info["chs"]} == {4}


def test_without_measured_positions_the_first_template_with_all_channels_is_used():
    raw = net_recording(128)
    placed, report = run(raw, Montage(("electrodes", "standard_1005", "GSN-HydroCel-129")))
    np.testing.assert_allclose(
        placed_positions(placed), positions_in("GSN-HydroCel-129", raw.ch_names), atol=1e-9
    )
    assert len(report.channels) == 128
    assert "no position for E1, E2" in report.notes[0]


@pytest.mark.parametrize("missing", ["error", "ignore"])
def test_electrodes_of_a_smaller_net_get_no_positions_of_the_large_one(missing):
    message = "GSN-HydroCel-129 cannot be used: E1 to E64 are .* a smaller net"
    with pytest.raises(RecordingError, match=message):
        run(net_recording(64), Montage("GSN-HydroCel-129", missing=missing))
    placed, _ = run(net_recording(64), Montage("GSN-HydroCel-64_1.0"))
    assert np.isfinite(placed_positions(placed)).all()


def test_a_template_without_a_channel_is_refused_by_the_plan():
    spec = SignalSpec(("Cz", "Q1", "EOG"), ("eeg", "eeg", "eog"), 100)
    message = r"montage: no position for Q1 in standard_1005; .*missing: ignore"
    with pytest.raises(RecordingError, match=message):
        Montage("standard_1005").output_spec(spec)
    for step in (Montage("standard_1005", missing="ignore"), MEASURED_OR_TEMPLATE):
        assert step.output_spec(spec) == spec


def test_a_channel_without_a_position_keeps_none_of_another_system(tmp_path):
    raw = read_measured(tmp_path, system="EEGLAB").rename_channels({"O2": "Q1"})
    placed, report = run(raw, Montage(("electrodes", "standard_1005"), missing="ignore"))
    assert report.notes == ("no position: Q1",)
    assert not np.isfinite(placed_positions(placed)[-1]).any()


def test_samples_and_channels_stay(tmp_path):
    raw = read_measured(tmp_path)
    placed, _ = run(raw, MEASURED_OR_TEMPLATE)
    np.testing.assert_array_equal(placed.get_data(), raw.get_data())
    assert spec_of(placed) == spec_of(raw)


def test_positions_are_set_whatever_the_case_of_names():
    raw = make_noise().rename_channels({"E1": "FP1", "E2": "cz", "E3": "O1", "E4": "oZ"})
    placed, report = run(raw, Montage("standard_1005"))
    assert_signals_close(placed, raw)
    assert report.channels == ("FP1", "cz", "O1", "oZ")
    located = placed_positions(placed)
    assert located[0, 1] > 0.05  # m, towards the nose
    assert located[3, 1] < -0.05
    kept, _ = run(placed, Montage("electrodes"))
    np.testing.assert_array_equal(placed_positions(kept), located)


@pytest.mark.parametrize("choice", ["standard_1005", "electrodes"])
def test_a_channel_without_a_position_is_refused(choice):
    raw = make_noise().rename_channels({"E1": "Fp1", "E2": "Cz", "E3": "O1"})
    with pytest.raises(RecordingError, match=r"no position for .*E4 in"):
        run(raw, Montage(choice))


@pytest.mark.parametrize("name", positions.TEMPLATES)
def test_every_template_of_a_recipe_exists(name):
    _, report = run(make_noise(), Montage(name, missing="ignore"))
    assert "deprecated" not in " ".join(report.notes)


@pytest.mark.parametrize("choices", [(), ("electrodes", "nowhere"), "standard_1006"])
def test_unknown_positions_are_refused(choices):
    with pytest.raises(ValidationError):
        Montage(choices)
