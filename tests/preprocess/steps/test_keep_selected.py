"""Selected stretches joined, and the places of what lies in them."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bids_dl
from bids_dl.config.stages import PreprocessConfig
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess import load_recipe, mark_selected, position
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.dropouts import dropout_mask, mark
from bids_dl.preprocess.steps.keep_selected import KeepSelected, marked
from bids_dl.store.reader import open_store
from bids_dl.testing import make_dataset

SFREQ = 128.0


def noise(n_times=1000, first_samp=0, date=None):
    samples = np.random.default_rng(0).standard_normal((3, n_times)) * 1e-5
    raw = mne.io.RawArray(
        samples,
        mne.create_info(["E1", "E2", "E3"], SFREQ, "eeg"),
        first_samp=first_samp,
        verbose="error",
    )
    return raw.set_meas_date(date)


@pytest.mark.parametrize("first_samp", [0, 333])
@pytest.mark.parametrize("date", [None, 1_000_000])
def test_the_selected_stretches_are_joined_and_all_else_is_gone(first_samp, date):
    raw, chosen = noise(first_samp=first_samp, date=date), [(10, 200), (257, 258), (900, 1000)]
    samples = raw.get_data()
    mark_selected(raw, chosen, Fraction(128))
    kept, [report] = Recipe("own", "", (KeepSelected(),)).run(raw)
    np.testing.assert_array_equal(
        kept.get_data(), np.concatenate([samples[:, start:stop] for start, stop in chosen], axis=1)
    )
    assert report.notes == ("kept 2.3 of 7.8 s, 3 stretches",)
    assert not marked(kept)
    edges = sorted(
        round((a["onset"] - kept.first_time) * SFREQ)
        for a in kept.annotations
        if a["description"] == "EDGE boundary"
    )
    assert edges == [190, 191]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8), st.data()
)
def test_a_sample_is_found_where_it_went(parts, data):
    places = np.cumsum([length for part in parts for length in part]).tolist()
    chosen = list(zip(places[::2], places[1::2], strict=True))
    joined = np.concatenate([np.arange(start, stop) for start, stop in chosen])
    start, stop = data.draw(st.sampled_from(chosen))
    sample = data.draw(st.integers(start, stop - 1))
    assert joined[position(chosen, sample)] == sample
    with pytest.raises(ValueError, match="in none of the selected stretches"):
        position(chosen, chosen[-1][1])


def test_dropouts_go_with_the_stretch_they_lie_in():
    raw = noise()
    mark(raw, {(50, 60): ["E1"], (190, 270): ["E2", "E3"], (400, 500): ["E1"]})
    mark_selected(raw, [(10, 200), (260, 300)], Fraction(128))
    kept, _ = Recipe("own", "", (KeepSelected(),)).run(raw)
    wanted = np.zeros((3, 230), dtype=bool)
    wanted[0, 40:50] = wanted[1:, 180:200] = True
    np.testing.assert_array_equal(dropout_mask(kept, ["E1", "E2", "E3"]), wanted)


def test_a_recording_of_which_nothing_is_selected_fails():
    with pytest.raises(RecordingError, match="nothing of the recording is selected"):
        Recipe("own", "", (KeepSelected(),)).run(noise())


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[keep_selected, {resample: {sfreq: 100}}]", "resample must come before keep_selected"),
        ("[keep_selected, demean, keep_selected]", "keep_selected stands there twice"),
    ],
)
def test_what_would_lose_the_places_of_windows_is_refused(tmp_path, steps, message):
    (tmp_path / "own.yaml").write_text(f"name: own\nsteps: {steps}\n")
    with pytest.raises(ConfigError, match=message):
        load_recipe(PreprocessConfig(recipe=str(tmp_path / "own.yaml")))


@pytest.mark.parametrize("how", [{"window": 2.0, "stride": 1.5}, {"tmin": 0.5, "tmax": 2.0}])
def test_steps_after_it_see_the_selected_stretches_only(eegbci, tmp_path, how):
    """The mean that `demean` takes out is that of the joined blocks, or of the windows where these lie around events."""
    steps = "{pick: {types: [eeg]}}, {filter: {low: 0.5, high: 40}}, {resample: {sfreq: 128}}"
    stores = {}
    for name, more in {"plain": "", "joined": ", keep_selected, demean"}.items():
        recipe = tmp_path / f"{name}.yaml"
        recipe.write_text(f"name: {name}\nsteps: [{steps}{more}]\n")
        query = {"eyes_open": {"all": "Eyes-open", "trim": [3, 3.25]}}
        bids_dl.convert(
            str(eegbci),
            str(tmp_path / f"{name}.zarr"),
            hed=query,
            recipe=str(recipe),
            jobs=1,
            subject=["001"],
            **how,
        )
        stores[name] = open_store(str(tmp_path / f"{name}.zarr"))
    plain, joined = (
        stores[name].read("signals").astype(np.float64) for name in ("plain", "joined")
    )
    mean = (plain - joined).mean((0, 2), keepdims=True)
    np.testing.assert_allclose(plain - mean, joined, atol=2e-5)
    assert np.abs(mean).max() > 1e-3
    if "tmin" in how:
        np.testing.assert_allclose(mean[0, :, 0], plain.mean((0, 2)), atol=1e-4)
    else:
        [file] = (eegbci / "sub-001" / "eeg").glob("*run-1*.edf")
        raw = mne.io.read_raw_edf(file, verbose="error")
        duration = raw.n_times / raw.info["sfreq"]
        cleaned, _ = load_recipe(PreprocessConfig(recipe=str(tmp_path / "plain.yaml"))).run(raw)
        block = cleaned.get_data(start=3 * 128, stop=math.floor((duration - 3.25) * 128))
        np.testing.assert_allclose(mean[0, :, 0], 1e6 * block.mean(1), atol=1e-4)


@pytest.mark.parametrize("sfreq", [333, 500])
def test_joining_alone_changes_no_sample_of_a_window_whatever_the_rates(tmp_path, sfreq):
    root = make_dataset(
        tmp_path / "ds", n_subjects=1, sfreq=sfreq, n_blocks=6, block_duration=13
    ).root
    query = {
        "eyes_open": {"all": "Eyes-open", "trim": [0.377, 1.213]},
        "eyes_closed": "Eyes-closed",
    }
    signals = []
    for name, more in {"plain": "", "joined": ", keep_selected"}.items():
        recipe = tmp_path / f"{name}.yaml"
        recipe.write_text(
            f"name: {name}\nsteps: [{{filter: {{low: 1, high: 40}}}}, {{resample: {{sfreq: 128}}}}{more}]\n"
        )
        bids_dl.convert(
            str(root),
            str(tmp_path / name),
            hed=query,
            recipe=str(recipe),
            window=1.5,
            stride=0.77,
            jobs=1,
        )
        signals.append(open_store(str(tmp_path / name)).read("signals"))
    assert len(signals[0]) > 50
    np.testing.assert_array_equal(*signals)
