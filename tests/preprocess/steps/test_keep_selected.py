"""Selected segments joined, and the positions of samples, dropouts and windows in them."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from step_runs import run_step

import bids_dl
from bids_dl.config.stages import PreprocessConfig
from bids_dl.errors import RecordingError
from bids_dl.preprocess import joined_position, load_recipe, mark_selected
from bids_dl.preprocess.steps.dropouts import annotate_dropouts, dropout_mask
from bids_dl.preprocess.steps.keep_selected import KeepSelected, selected_segments
from bids_dl.store.reader import open_store
from bids_dl.testing import make_dataset

SFREQ = 128.0


def make_noise(n_times=1000, first_samp=0, date=None):
    signals = np.random.default_rng(0).standard_normal((3, n_times)) * 1e-5
    raw = mne.io.RawArray(
        signals,
        mne.create_info(["E1", "E2", "E3"], SFREQ, "eeg"),
        first_samp=first_samp,
        verbose="error",
    )
    return raw.set_meas_date(date)


@pytest.mark.parametrize("first_samp", [0, 333])
@pytest.mark.parametrize("date", [None, 1_000_000])
def test_the_selected_segments_are_joined_and_nothing_else_is_left(first_samp, date):
    raw = make_noise(first_samp=first_samp, date=date)
    segments = [(10, 200), (257, 258), (900, 1000)]
    mark_selected(raw, segments, Fraction(128))
    joined, report = run_step(raw, KeepSelected())
    expected = [raw.get_data(start=start, stop=stop) for start, stop in segments]
    np.testing.assert_array_equal(joined.get_data(), np.concatenate(expected, axis=1))
    assert report.notes == ("kept 2.3 of 7.8 s, 3 segments",)
    assert not selected_segments(joined)
    edges = joined.annotations[joined.annotations.description == "EDGE boundary"].onset
    assert sorted(np.round((edges - joined.first_time) * SFREQ)) == [190, 191]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8), st.data()
)
def test_the_position_of_a_sample_after_joining_is_found(parts, data):
    bounds = np.cumsum(parts).tolist()
    segments = list(zip(bounds[::2], bounds[1::2], strict=True))
    joined = np.concatenate([np.arange(start, stop) for start, stop in segments])
    start, stop = data.draw(st.sampled_from(segments))
    sample = data.draw(st.integers(start, stop - 1))
    assert joined[joined_position(segments, sample)] == sample
    with pytest.raises(ValueError, match="in none of the selected segments"):
        joined_position(segments, segments[-1][1])


def test_dropouts_move_with_their_segments():
    raw = make_noise()
    annotate_dropouts(raw, {(50, 60): ["E1"], (190, 270): ["E2", "E3"], (400, 500): ["E1"]})
    mark_selected(raw, [(10, 200), (260, 300)], Fraction(128))
    joined, _ = run_step(raw, KeepSelected())
    expected = np.zeros((3, 230), dtype=bool)
    expected[0, 40:50] = True
    expected[1:, 180:200] = True
    np.testing.assert_array_equal(dropout_mask(joined, ["E1", "E2", "E3"]), expected)


def test_a_recording_without_selected_segments_fails():
    with pytest.raises(RecordingError, match="nothing of the recording is selected"):
        run_step(make_noise(), KeepSelected())


def convert_with(recipe: Path, steps: str, source: Path, **options) -> np.ndarray:
    """Convert a dataset with a recipe of these steps, and return the signals of the store."""
    recipe.write_text(f"name: {recipe.stem}\nsteps: [{steps}]\n")
    dest = str(recipe.with_suffix(".zarr"))
    bids_dl.convert(str(source), dest, recipe=str(recipe), scheduler="synchronous", **options)
    return open_store(dest).read("signals").astype(np.float64)


@pytest.mark.parametrize("windows", [{"window": 2.0, "stride": 1.5}, {"tmin": 0.5, "tmax": 2.0}])
def test_later_steps_see_the_selected_segments_only(eegbci, tmp_path, windows):
    # The mean that `demean` subtracts is that of the joined blocks or event-locked windows.
    steps = "{pick: {types: [eeg]}}, {filter: {low: 0.5, high: 40}}, {resample: {sfreq: 128}}"
    options = {
        "hed": {"eyes_open": {"all": "Eyes-open", "trim": [3, 3.25]}},
        "subject": ["001"],
        **windows,
    }
    plain = convert_with(tmp_path / "plain.yaml", steps, eegbci, **options)
    joined_steps = f"{steps}, keep_selected, demean"
    joined = convert_with(tmp_path / "joined.yaml", joined_steps, eegbci, **options)
    mean = (plain - joined).mean((0, 2), keepdims=True)
    np.testing.assert_allclose(plain - mean, joined, atol=2e-5)
    assert np.abs(mean).max() > 1e-3
    if "tmin" in windows:
        np.testing.assert_allclose(mean[0, :, 0], plain.mean((0, 2)), atol=1e-4)
        return
    [file] = (eegbci / "sub-001" / "eeg").glob("*run-1*.edf")
    raw = mne.io.read_raw_edf(file, verbose="error")
    duration = raw.n_times / raw.info["sfreq"]
    recipe = load_recipe(PreprocessConfig(recipe=str(tmp_path / "plain.yaml")))
    cleaned, _ = recipe.run(raw)
    block = cleaned.get_data(start=3 * 128, stop=math.floor((duration - 3.25) * 128))
    np.testing.assert_allclose(mean[0, :, 0], 1e6 * block.mean(1), atol=1e-4)


@pytest.mark.parametrize("sfreq", [333, 500])
def test_joining_changes_no_sample_of_a_window_at_any_rate(tmp_path, sfreq):
    dataset = make_dataset(
        tmp_path / "ds", n_subjects=1, sfreq=sfreq, n_blocks=6, block_duration=13
    )
    steps = "{filter: {low: 1, high: 40}}, {resample: {sfreq: 128}}"
    options = {
        "hed": {
            "eyes_open": {"all": "Eyes-open", "trim": [0.377, 1.213]},
            "eyes_closed": "Eyes-closed",
        },
        "window": 1.5,
        "stride": 0.77,
    }
    plain = convert_with(tmp_path / "plain.yaml", steps, dataset.root, **options)
    joined_steps = f"{steps}, keep_selected"
    joined = convert_with(tmp_path / "joined.yaml", joined_steps, dataset.root, **options)
    assert len(plain) > 50
    np.testing.assert_array_equal(plain, joined)
