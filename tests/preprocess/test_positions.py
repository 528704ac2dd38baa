"""Positions: measured ones where they can be a head's, whatever unit and axes coordsystem.json names, else a template's."""

from __future__ import annotations

import json

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.testing import make_dataset

NAMES = ("Fp1", "Fp2", "F7", "F8", "C3", "Cz", "C4", "Pz", "T7", "T8", "O1", "O2")
EITHER = Montage(("electrodes", "standard_1005"))


def run(raw, step):
    made, reports = Recipe("test", "", (step,)).run(raw.copy())
    return made, reports[0]


def measured(tmp_path, *, system="CapTrak", unit="m", factor=1.0, turn=None, lost=()):
    """A recording with an electrodes.tsv of these axes, unit and lost rows, read from its dataset."""
    make_dataset(tmp_path, n_subjects=1, n_blocks=1, ch_names=NAMES, electrodes=False)
    template = positions.template("easycap-M1")
    lines = ["name\tx\ty\tz"]
    for name in NAMES:
        place = (
            template[name.casefold()]
            if turn is None
            else template[name.casefold()] @ np.array(turn)
        )
        lines.append(
            "\t".join(
                [name, *("n/a" if name in lost else f"{value * factor:.6f}" for value in place)]
            )
        )
    stem = tmp_path / "sub-001/eeg/sub-001"
    stem.with_name("sub-001_electrodes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stem.with_name("sub-001_coordsystem.json").write_text(
        json.dumps({"EEGCoordinateSystem": system, "EEGCoordinateUnits": unit})
    )
    dataset = source.open_dataset(str(tmp_path))
    [recording] = source.find_recordings(dataset, SourceConfig())
    with source.open_raw(dataset, recording) as raw:
        return raw.load_data()


def places(raw):
    return np.array([channel["loc"][:3] for channel in raw.info["chs"]])


NOSE_ALONG_X = ((0, -1, 0), (1, 0, 0), (0, 0, 1))  # from axes right, front, up to front, left, up


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 100.0), ("mm", 1000.0)])
@pytest.mark.parametrize(
    ("system", "turn"), [("CapTrak", None), ("EEGLAB", NOSE_ALONG_X), ("CTF", NOSE_ALONG_X)]
)
def test_measured_positions_are_taken_in_every_unit_and_system_that_is_said(
    tmp_path, system, turn, unit, factor
):
    raw = measured(tmp_path, system=system, unit=unit, factor=factor, turn=turn)
    made, report = run(raw, EITHER)
    assert report.notes == ()
    np.testing.assert_allclose(
        places(made),
        [positions.template("easycap-M1")[name.casefold()] for name in NAMES],
        atol=3e-3,
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (
            {"unit": "mm"},
            r"they lie 0.0\d+ mm from their middle, on a head 50 to 130 mm; is the unit right\?",
        ),
        ({"unit": "m", "factor": 10.53}, r"they lie 1e\+03 mm from their middle"),
        (
            {"system": "EEGLAB"},
            r"\w+ lies \d+ degrees from its place in the 10-05 system; are the axes right\?",
        ),
        ({"lost": ("O2", "Cz")}, "no position for Cz, O2 in electrodes"),
        ({"system": "Other"}, "their coordinate system is not tied to a head"),
    ],
)
def test_measured_positions_that_cannot_be_a_heads_are_not_used(tmp_path, wrong, reason):
    raw = measured(tmp_path, **wrong)
    made, report = run(raw, EITHER)
    np.testing.assert_allclose(
        places(made),
        [positions.template("standard_1005")[name.casefold()] for name in NAMES],
        atol=1e-9,
    )
    assert report.notes[0].startswith("positions of standard_1005: ")
    with pytest.raises(RecordingError, match=reason):
        run(raw, Montage("electrodes"))
    assert {channel["coord_frame"] for channel in made.info["chs"]} == {4}


def test_without_measured_positions_the_first_template_that_has_all_is_taken():
    names = [f"E{i}" for i in range(1, 129)]
    raw = mne.io.RawArray(
        np.zeros((128, 10)), mne.create_info(names, 100.0, "eeg"), verbose="error"
    )
    made, report = run(raw, Montage(("electrodes", "standard_1005", "GSN-HydroCel-129")))
    np.testing.assert_allclose(
        places(made),
        [positions.template("GSN-HydroCel-129")[name.casefold()] for name in names],
        atol=1e-9,
    )
    assert len(report.channels) == 128
    assert "no position for E1, E2" in report.notes[0]


def test_numbers_of_a_smaller_net_do_not_get_places_of_the_large_one():
    raw = mne.io.RawArray(
        np.zeros((64, 10)),
        mne.create_info([f"E{i}" for i in range(1, 65)], 100.0, "eeg"),
        verbose="error",
    )
    for missing in ("error", "ignore"):
        with pytest.raises(
            RecordingError,
            match="GSN-HydroCel-129 cannot be used: E1 to E64 are those of a smaller net",
        ):
            run(raw, Montage("GSN-HydroCel-129", missing=missing))
    made, _ = run(raw, Montage("GSN-HydroCel-64_1.0"))
    assert np.isfinite(places(made)).all()


def test_a_template_without_a_channel_is_refused_by_the_plan():
    spec = SignalSpec(("Cz", "Q1", "EOG"), ("eeg", "eeg", "eog"), 100)
    with pytest.raises(
        RecordingError,
        match=r"montage: no position for Q1 in standard_1005; missing: ignore goes on without",
    ):
        Montage("standard_1005").output_spec(spec)
    for lenient in (Montage("standard_1005", missing="ignore"), EITHER):
        assert lenient.output_spec(spec) == spec


def test_a_channel_that_the_template_lacks_keeps_no_place_of_another_system(tmp_path):
    raw = measured(tmp_path, system="EEGLAB").rename_channels({"O2": "Q1"})
    made, report = run(raw, Montage(("electrodes", "standard_1005"), missing="ignore"))
    assert report.notes == ("no position: Q1",)
    assert not np.isfinite(places(made)[-1]).any()


def test_samples_and_layout_stay(tmp_path):
    raw = measured(tmp_path)
    made, _ = run(raw, EITHER)
    np.testing.assert_array_equal(made.get_data(), raw.get_data())
    assert spec_of(made) == spec_of(raw)


@pytest.mark.parametrize("wrong", [(), ("electrodes", "nowhere"), "standard_1006"])
def test_a_place_that_there_is_not_is_refused(wrong):
    with pytest.raises(ValidationError):
        Montage(wrong)


@pytest.mark.parametrize("name", positions.TEMPLATES)
def test_every_template_is_a_head_of_plausible_size(name):
    found = np.array(list(positions.template(name).values()))
    assert len(found) == len(positions.montage(name).ch_names)
    centre, radius = positions.sphere(found)
    assert 0.09 < radius < 0.1
    np.testing.assert_allclose(centre, positions.CENTRE, atol=0.016)


@given(
    arrays(float, (30, 3), elements=st.floats(-1, 1)),
    arrays(float, 3, elements=st.floats(-0.05, 0.05)),
    st.floats(0.05, 0.13),
)
def test_the_sphere_that_points_lie_on_is_found(points, centre, radius):
    lengths = np.linalg.norm(points, axis=1)
    points = points[lengths > 0.1] / lengths[lengths > 0.1, None]
    if (
        len(points) < positions.FEWEST
        or np.linalg.svd(points - points.mean(0), compute_uv=False)[-1] < 1
    ):
        return
    found, size = positions.sphere(centre + radius * points)
    np.testing.assert_allclose(found, centre, atol=1e-6)
    assert size == pytest.approx(radius, abs=1e-6)


def test_a_flat_or_small_set_of_electrodes_takes_the_usual_middle_of_a_head():
    whole = positions.template("easycap-M1")
    for names in (
        ["fp1", "o1", "cz"],
        ["fpz", "afz", "fz", "fcz", "cz", "cpz", "pz", "poz", "oz", "iz"],
    ):
        centre, radius = positions.sphere(np.array([whole[name] for name in names]))
        np.testing.assert_array_equal(centre, positions.CENTRE)
        assert radius == pytest.approx(0.095, abs=2e-3)
