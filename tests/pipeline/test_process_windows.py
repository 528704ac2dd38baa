"""Windows that a recipe leaves out, from the recipe to the store."""

from __future__ import annotations

import json

import numpy as np
import pytest

import bids_dl
from bids_dl.config import parsing
from bids_dl.errors import BidsDlError
from bids_dl.pipeline import excerpts, process
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.task import make_task
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location
from bids_dl.store.reader import open_store
from bids_dl.testing import make_dataset
from bids_dl.verification import verify

EYES = {"hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}, "window": 2, "jobs": 2}
STEPS = "{pick: {types: [eeg]}}, {filter: {low: 1, high: 40}}"


@pytest.fixture
def recipe(tmp_path):
    def write(steps, name="own"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"name: {name}\nsteps: [{steps}]\n")
        return str(path)

    return write


@pytest.fixture(scope="module")
def everything(eegbci, tmp_path_factory):
    """All windows of the sample after a filter."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "own.yaml").write_text(f"name: own\nsteps: [{STEPS}]\n")
    bids_dl.convert(str(eegbci), str(folder / "all.zarr"), recipe=str(folder / "own.yaml"), **EYES)
    return open_store(str(folder / "all.zarr"))


def test_what_is_rejected_is_gone_counted_and_told_and_the_rest_is_as_it_was(
    eegbci, everything, recipe, tmp_path
):
    every = everything.read("signals")
    loudest = np.ptp(every, axis=2).max(1)
    limit = float(np.median(loudest))
    own = recipe(f"{STEPS}, {{reject: {{peak_to_peak: {limit}}}}}")
    outcome = bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), recipe=own, **EYES)
    store = open_store(str(tmp_path / "a.zarr"))
    good = loudest <= limit
    np.testing.assert_array_equal(store.read("signals"), every[good])
    for column in ("label", "onset", "row", "recording"):
        np.testing.assert_array_equal(store.read(column), everything.read(column)[good])
    told = json.loads((tmp_path / "a.zarr" / "recordings.json").read_text())
    reasons = [dropped["reason"] for about in told.values() for dropped in about["dropped"]]
    assert len(reasons) == (~good).sum()
    assert all(reason.startswith("reject: ") and f"{limit:g}" in reason for reason in reasons)
    assert any(
        f"left out {(~good).sum()} of {len(good)} windows (reject {(~good).sum()})" in warning
        for warning in outcome.warnings
    )
    counts = {
        label: sum(person.windows[label] for person in outcome.people)
        for label in ("eyes_open", "eyes_closed")
    }
    assert counts == store.attributes["statistics"]["windows"]
    for about in told.values():
        [report] = [step for step in about["steps"] if step["step"] == "reject"]
        n_windows = about["windows"] + len(about["dropped"])
        assert report["share"] == pytest.approx(len(about["dropped"]) / n_windows)
        assert report["seconds"] == pytest.approx(2 * len(about["dropped"]))
    assert not verify(str(tmp_path / "a.zarr"), sources=[str(eegbci)]).damages
    again = bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), recipe=own, **EYES)
    assert again.unchanged
    assert again.people == outcome.people


def test_what_a_step_did_is_a_share_of_what_it_was_given_whatever_is_cut_at_a_time(
    eegbci, everything, recipe, tmp_path, monkeypatch
):
    first = everything.read("signals")[
        everything.read("recording") == everything.read("recording")[0]
    ]
    loudest = np.ptp(first, axis=2).max(1)
    limits = [float(limit) for limit in np.quantile(loudest, [0.7, 0.3])]
    own = recipe(
        f"{STEPS}, {{reject: {{peak_to_peak: {limits[0]}}}}}, {{reject: {{absolute: {limits[1]}}}}}"
    )
    plan = make_plan(
        [str(eegbci)],
        parsing.request({"hed": "Eyes-open", "window": 2, "recipe": own, "subject": ["001"]}),
    )
    left = np.abs(first[loudest <= limits[0]]).max((1, 2))
    wanted = [(loudest > limits[0]).mean(), (left > limits[1]).mean()]
    for size in (process.CUT_BYTES, 1_500_000):
        monkeypatch.setattr(process, "CUT_BYTES", size)
        staging = Staging(Location(str(tmp_path / str(size))))
        staging.prepare()
        [task] = [make_task(plan, recording, staging) for recording in plan.recordings]
        assert process.stage(task) is None
        found = staging.read(task.key).steps[-2:]
        assert [report.share for report in found] == pytest.approx(wanted)
        assert found[1].seconds == pytest.approx(2 * (left > limits[1]).sum())


def test_a_recording_of_which_nothing_is_left_is_told_and_not_lost(
    eegbci, everything, recipe, tmp_path
):
    every, recordings = everything.read("signals"), everything.read("recording")
    quietest = {
        key: np.ptp(every[recordings == key], axis=2).max(1).min()
        for key in dict.fromkeys(recordings)
    }
    key = max(quietest, key=quietest.get)
    limit = (quietest[key] + max(value for other, value in quietest.items() if other != key)) / 2
    outcome = bids_dl.convert(
        str(eegbci),
        str(tmp_path / "a.zarr"),
        recipe=recipe(f"{STEPS}, {{reject: {{peak_to_peak: {limit}}}}}"),
        **EYES,
    )
    told = json.loads((tmp_path / "a.zarr" / "recordings.json").read_text())
    [full] = [name for name in told if name.endswith(key)]
    assert told[full]["windows"] == 0
    assert len(told[full]["dropped"]) == 30
    assert f"{full}: no window of it is left" in outcome.warnings
    assert key not in set(open_store(str(tmp_path / "a.zarr")).read("recording"))
    assert outcome.exit_status == 0
    assert not verify(str(tmp_path / "a.zarr")).damages


def test_where_nothing_at_all_is_left_nothing_is_written_and_the_first_reasons_are_said(
    eegbci, recipe, tmp_path
):
    own = recipe(f"{STEPS}, {{reject: {{peak_to_peak: 1}}}}")
    with pytest.raises(BidsDlError, match="none of 8 recordings") as problem:
        bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), recipe=own, **EYES)
    assert "all 30 windows left out; the first: reject: " in str(problem.value)
    assert len(str(problem.value).splitlines()) <= 4
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_silent_samples_are_marked_to_the_sample_and_windows_with_too_many_are_left_out(
    recipe, tmp_path, dtype
):
    lost = [(4.5, 0.25), (10.0, 3.0), (16.5, 0.3)]
    root = make_dataset(
        tmp_path / "ds", n_subjects=2, sfreq=250, n_blocks=2, block_duration=20, dropouts=lost
    ).root
    own = recipe(
        "{pick: {types: [eeg]}}, {dropouts: {impute: 0.5}}, {filter: {high: 40}}, {resample: {sfreq: 125}}, {reject: {dropout: 0.6}}"
    )
    bids_dl.convert(str(root), str(tmp_path / "a.zarr"), recipe=own, dtype=dtype, **EYES)
    store = open_store(str(tmp_path / "a.zarr"))
    onsets, mask = store.read("onset"), store.read("dropout")
    assert 10.0 not in onsets
    assert mask.dtype == bool
    assert mask.shape == store.shape
    times = np.round((onsets[:, None] + store.read("time")) * 125).astype(int)
    wanted = np.zeros(times.shape, dtype=bool)
    for onset, duration in lost:
        wanted |= (times >= np.ceil(onset * 125)) & (
            times < np.ceil(round((onset + duration) * 250) / 2)
        )
    assert wanted.sum() > 100
    np.testing.assert_array_equal(mask, np.broadcast_to(wanted[:, None], mask.shape))
    told = json.loads((tmp_path / "a.zarr" / "recordings.json").read_text())
    assert all(
        "dropouts" in " ".join(d["reason"] for d in about["dropped"]) for about in told.values()
    )
    assert not verify(str(tmp_path / "a.zarr"), sources=[str(root)]).damages


def test_a_store_whose_recipe_looks_for_no_silence_has_no_mask(everything):
    assert "dropout" not in everything.root["consolidated_metadata"]["metadata"]


def test_spectra_before_and_after_are_those_of_the_windows(eegbci, everything):
    import mne
    from scipy.signal import welch

    signals, recordings = (
        everything.read("signals").astype(np.float64),
        everything.read("recording"),
    )
    first = recordings == recordings[0]
    _, after = welch(signals[first], 160, nperseg=160)
    found = everything.read("recording_spectrum_after")[0]
    np.testing.assert_allclose(found[:81], np.median(after.mean(0), 0), rtol=1e-3)
    assert np.isnan(found[81:]).all()
    raw = mne.io.read_raw_edf(
        next((eegbci / "sub-001" / "eeg").glob("*run-1*.edf")), verbose="error"
    )
    starts = np.round(everything.read("onset")[first] * 160).astype(int)
    windows = np.stack([1e6 * raw.get_data(start=start, stop=start + 320) for start in starts])
    _, before = welch(windows, 160, nperseg=160)
    np.testing.assert_allclose(
        everything.read("recording_spectrum_before")[0, :81],
        np.median(before.mean(0), 0),
        rtol=1e-6,
    )


@pytest.mark.parametrize("autoreject", ["{autoreject: {method: global}}"])
def test_a_step_that_wants_all_windows_gets_them_whatever_the_pieces(
    eegbci, recipe, tmp_path, monkeypatch, autoreject
):
    pytest.importorskip("autoreject", reason="pip install 'bids_dl[clean]'")
    own = recipe(f"{STEPS}, {{montage: {{positions: standard_1005}}}}, {autoreject}")
    found = []
    for name in ("whole", "cut"):
        plan = make_plan(
            [str(eegbci)],
            parsing.request({"hed": "Eyes-open", "window": 2, "recipe": own, "subject": ["001"]}),
        )
        staging = Staging(Location(str(tmp_path / name)))
        staging.prepare()
        [task] = [make_task(plan, recording, staging) for recording in plan.recordings]
        assert process.stage(task) is None
        found.append((staging.read(task.key), np.concatenate(list(staging.windows(task.key)))))
        monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 10_000)
        monkeypatch.setattr(excerpts, "LEAST_MARGINS", 2)
        monkeypatch.setattr(process, "CUT_BYTES", 100_000)
    assert found[0][0].kept == found[1][0].kept
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5, atol=1e-4)
