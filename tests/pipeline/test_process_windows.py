"""Windows that a recipe drops, from the recipe to the store."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conversions import convert
from recording_tasks import make_tasks, staged_windows

from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing import excerpts, process
from bids_dl.store.reader import open_store
from bids_dl.testing import make_dataset
from bids_dl.verification import verify

STEPS = "{pick: {types: [eeg]}}, {filter: {low: 1, high: 40}}"


@pytest.fixture
def recipe(tmp_path):
    """Return a function that writes a recipe."""

    def write(steps):
        path = tmp_path / "own.yaml"
        path.write_text(f"name: own\nsteps: [{steps}]\n")
        return str(path)

    return write


@pytest.fixture(scope="module")
def all_windows(eegbci, tmp_path_factory):
    """Store of the sample with all windows after a filter."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "own.yaml").write_text(f"name: own\nsteps: [{STEPS}]\n")
    convert(eegbci, folder / "all.zarr", recipe=str(folder / "own.yaml"))
    return open_store(str(folder / "all.zarr"))


def read_recordings(store):
    return json.loads((store / "recordings.json").read_text())


def test_rejected_windows_are_dropped_counted_and_listed_and_the_others_unchanged(
    eegbci, all_windows, recipe, tmp_path
):
    every = all_windows.read("signals")
    peak_to_peak = np.ptp(every, axis=2).max(1)
    limit = float(np.median(peak_to_peak))
    own = recipe(f"{STEPS}, {{reject: {{peak_to_peak: {limit}}}}}")
    outcome = convert(eegbci, tmp_path / "a.zarr", recipe=own)
    store = open_store(str(tmp_path / "a.zarr"))
    is_good = peak_to_peak <= limit
    np.testing.assert_array_equal(store.read("signals"), every[is_good])
    for column in ("label", "onset", "row", "recording"):
        np.testing.assert_array_equal(store.read(column), all_windows.read(column)[is_good])

    recordings = read_recordings(tmp_path / "a.zarr")
    dropped = [item for recording in recordings.values() for item in recording["dropped"]]
    n_dropped = (~is_good).sum()
    assert len(dropped) == n_dropped
    assert {item["step"] for item in dropped} == {"reject"}
    assert all(item["reason"].startswith("reject: ") for item in dropped)
    assert all(f"{limit:g}" in item["reason"] for item in dropped)
    warning = f"dropped {n_dropped} of {len(is_good)} windows (reject {n_dropped})"
    assert any(warning in line for line in outcome.warnings)

    counts = {}
    for label in ("eyes_open", "eyes_closed"):
        counts[label] = sum(person.windows[label] for person in outcome.people)
    assert counts == store.attributes["statistics"]["windows"]
    for recording in recordings.values():
        [report] = [step for step in recording["steps"] if step["step"] == "reject"]
        n_windows = recording["windows"] + len(recording["dropped"])
        assert report["share"] == pytest.approx(len(recording["dropped"]) / n_windows)
        assert report["seconds"] == pytest.approx(2 * len(recording["dropped"]))
    assert not verify(str(tmp_path / "a.zarr"), sources=[str(eegbci)]).damages
    rerun = convert(eegbci, tmp_path / "a.zarr", recipe=own)
    assert rerun.unchanged
    assert rerun.people == outcome.people


def test_the_share_of_a_step_refers_to_the_windows_it_received_whatever_the_batches(
    eegbci, all_windows, recipe, tmp_path, monkeypatch
):
    recordings = all_windows.read("recording")
    first = all_windows.read("signals")[recordings == recordings[0]]
    peak_to_peak = np.ptp(first, axis=2).max(1)
    limits = [float(limit) for limit in np.quantile(peak_to_peak, [0.7, 0.3])]
    own = recipe(
        f"{STEPS}, {{reject: {{peak_to_peak: {limits[0]}}}}}, {{reject: {{absolute: {limits[1]}}}}}"
    )
    options = {"hed": "Eyes-open", "recipe": own, "subject": ["001"]}
    maxima = np.abs(first[peak_to_peak <= limits[0]]).max((1, 2))
    shares = [(peak_to_peak > limits[0]).mean(), (maxima > limits[1]).mean()]
    for n_bytes in (process.BATCH_BYTES, 1_500_000):
        monkeypatch.setattr(process, "BATCH_BYTES", n_bytes)
        [task] = make_tasks(eegbci, tmp_path / str(n_bytes), **options)
        assert process.run_task(task) is None
        reports = task.staging.read_entry(task.key).steps[-2:]
        assert [report.share for report in reports] == pytest.approx(shares)
        assert reports[1].seconds == pytest.approx(2 * (maxima > limits[1]).sum())


def test_a_recording_without_windows_is_listed_and_warned_about(
    eegbci, all_windows, recipe, tmp_path
):
    every, recordings = all_windows.read("signals"), all_windows.read("recording")
    quietest = {}
    for path in dict.fromkeys(recordings):
        quietest[path] = np.ptp(every[recordings == path], axis=2).max(1).min()
    path = max(quietest, key=quietest.get)
    second = max(value for other, value in quietest.items() if other != path)
    own = recipe(f"{STEPS}, {{reject: {{peak_to_peak: {(quietest[path] + second) / 2}}}}}")
    outcome = convert(eegbci, tmp_path / "a.zarr", recipe=own)
    listed = read_recordings(tmp_path / "a.zarr")
    [key] = [name for name in listed if name.endswith(path)]
    assert listed[key]["windows"] == 0
    assert len(listed[key]["dropped"]) == 30
    assert f"{key}: all windows were dropped" in outcome.warnings
    assert path not in set(open_store(str(tmp_path / "a.zarr")).read("recording"))
    assert outcome.exit_status == 0
    assert not verify(str(tmp_path / "a.zarr")).damages


def test_without_any_window_nothing_is_written_and_the_error_has_the_first_reasons(
    eegbci, recipe, tmp_path
):
    own = recipe(f"{STEPS}, {{reject: {{peak_to_peak: 1}}}}")
    with pytest.raises(BidsDlError, match="none of 8 recordings") as problem:
        convert(eegbci, tmp_path / "a.zarr", recipe=own)
    assert "all 30 windows dropped; the first: reject: " in str(problem.value)
    assert len(str(problem.value).splitlines()) <= 4
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_dropouts_are_marked_to_the_sample_and_windows_with_too_many_are_dropped(
    recipe, tmp_path, dtype
):
    dropouts = [(4.5, 0.25), (10.0, 3.0), (16.5, 0.3)]
    root = make_dataset(
        tmp_path / "ds", n_subjects=2, sfreq=250, n_blocks=2, block_duration=20, dropouts=dropouts
    ).root
    own = recipe(
        "{pick: {types: [eeg]}}, {dropouts: {impute: 0.5}}, {filter: {high: 40}}, "
        "{resample: {sfreq: 125}}, {reject: {dropout: 0.6}}"
    )
    convert(root, tmp_path / "a.zarr", recipe=own, dtype=dtype)
    store = open_store(str(tmp_path / "a.zarr"))
    onsets, mask = store.read("onset"), store.read("dropout")
    assert 10.0 not in onsets
    assert mask.dtype == bool
    assert mask.shape == store.shape
    samples = np.round((onsets[:, None] + store.read("time")) * 125).astype(int)
    expected = np.zeros(samples.shape, dtype=bool)
    for onset, duration in dropouts:
        stop = np.ceil(round((onset + duration) * 250) / 2)
        expected |= (samples >= np.ceil(onset * 125)) & (samples < stop)
    assert expected.sum() > 100
    np.testing.assert_array_equal(mask, np.broadcast_to(expected[:, None], mask.shape))
    for recording in read_recordings(tmp_path / "a.zarr").values():
        assert "dropouts" in " ".join(item["reason"] for item in recording["dropped"])
    assert not verify(str(tmp_path / "a.zarr"), sources=[str(root)]).damages


def test_a_store_whose_recipe_detects_no_dropouts_has_no_mask(all_windows):
    assert "dropout" not in all_windows.root["consolidated_metadata"]["metadata"]


def test_spectra_before_and_after_are_those_of_the_windows(eegbci, all_windows):
    import mne
    from scipy.signal import welch

    signals = all_windows.read("signals").astype(np.float64)
    recordings = all_windows.read("recording")
    is_first = recordings == recordings[0]
    _, after = welch(signals[is_first], 160, nperseg=160)
    spectrum_after = all_windows.read("recording_spectrum_after")[0]
    np.testing.assert_allclose(spectrum_after[:81], np.median(after.mean(0), 0), rtol=1e-3)
    assert np.isnan(spectrum_after[81:]).all()
    edf = next((eegbci / "sub-001" / "eeg").glob("*run-1*.edf"))
    raw = mne.io.read_raw_edf(edf, verbose="error")
    starts = np.round(all_windows.read("onset")[is_first] * 160).astype(int)
    windows = np.stack([1e6 * raw.get_data(start=start, stop=start + 320) for start in starts])
    _, before = welch(windows, 160, nperseg=160)
    spectrum_before = all_windows.read("recording_spectrum_before")[0]
    np.testing.assert_allclose(spectrum_before[:81], np.median(before.mean(0), 0), rtol=1e-6)


def test_a_step_that_needs_all_windows_receives_them_whatever_the_excerpts(
    eegbci, recipe, tmp_path, monkeypatch
):
    pytest.importorskip("autoreject", reason="pip install 'bids_dl[clean]'")
    own = recipe(
        f"{STEPS}, {{montage: {{positions: standard_1005}}}}, {{autoreject: {{method: global}}}}"
    )
    options = {"hed": "Eyes-open", "recipe": own, "subject": ["001"]}
    [whole] = make_tasks(eegbci, tmp_path / "whole", **options)
    expected = staged_windows(whole)
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 10_000)
    monkeypatch.setattr(excerpts, "MIN_MARGINS", 2)
    monkeypatch.setattr(process, "BATCH_BYTES", 100_000)
    [split] = make_tasks(eegbci, tmp_path / "split", **options)
    np.testing.assert_allclose(staged_windows(split), expected, rtol=1e-5, atol=1e-4)
    kept = whole.staging.read_entry(whole.key).kept
    assert split.staging.read_entry(split.key).kept == kept
