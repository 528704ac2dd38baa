"""One recording from its file to staged windows."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from bids_dl import source
from bids_dl.config import parsing
from bids_dl.pipeline import excerpts, process
from bids_dl.pipeline.process import stage
from bids_dl.pipeline.staging import Entry, Staging
from bids_dl.pipeline.task import make_task
from bids_dl.planning.plan import make_plan
from bids_dl.preprocess import WindowResults
from bids_dl.remote.location import Location
from bids_dl.store.quantization import MagnitudeHistogram
from bids_dl.testing import make_dataset

GIVEN = {"hed": ["eyes_open=Eyes-open", "eyes_closed=Eyes-closed"], "window": 2.0}


def tasks(root, folder, **given):
    plan = make_plan([str(root)], parsing.request(GIVEN | given))
    staging = Staging(Location(str(folder)))
    staging.prepare()
    return [make_task(plan, recording, staging) for recording in plan.recordings]


def staged(task):
    assert stage(task) is None
    return np.concatenate(list(task.staging.windows(task.key)))


@pytest.mark.parametrize("form", ["edf", "bdf", "brainvision", "eeglab"])
def test_small_pieces_read_from_each_format_give_what_one_piece_gives(tmp_path, monkeypatch, form):
    root = make_dataset(
        tmp_path / "ds",
        n_subjects=1,
        sfreq=250,
        n_blocks=4,
        block_duration=30,
        format=form,
        bads=("C3",),
    ).root
    [whole] = tasks(root, tmp_path / "whole", stride=0.5)
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 10_000)
    monkeypatch.setattr(excerpts, "LEAST_MARGINS", 2)
    monkeypatch.setattr(process, "CUT_BYTES", 100_000)
    [cut] = tasks(root, tmp_path / "cut", stride=0.5)
    assert len(whole.pieces.pieces) == 1
    assert len(cut.pieces.pieces) > 8
    np.testing.assert_allclose(staged(cut), staged(whole), rtol=1e-6, atol=1e-5)
    mine, other = cut.staging.read(cut.key), whole.staging.read(whole.key)
    assert (mine.kept, mine.dropped, mine.steps) == (other.kept, other.dropped, other.steps)
    np.testing.assert_allclose([mine.mean, mine.std], [other.mean, other.std], rtol=1e-6, atol=1e-9)


def test_the_samples_of_an_entry_are_counted_by_magnitude_as_they_were_staged(
    eegbci, tmp_path, monkeypatch
):
    monkeypatch.setattr(process, "CUT_BYTES", 100_000)
    [task, *_] = tasks(eegbci, tmp_path)
    counted = MagnitudeHistogram.none()
    counted.add(staged(task))
    assert task.staging.read(task.key).magnitudes == tuple(counted.counts.tolist())


def test_steps_on_windows_see_windows_of_the_event_whatever_the_pieces(tmp_path, monkeypatch):
    root = make_dataset(
        tmp_path / "ds", n_subjects=1, sfreq=250, n_blocks=4, block_duration=30
    ).root
    recipe = tmp_path / "own.yaml"
    recipe.write_text(
        "name: own\nsteps: [{pick: {types: eeg}}, {filter: {high: 40}}, {resample: {sfreq: 100}}, {baseline: {end: 0}}]\n"
    )
    given = {
        "hed": ["impulse=Label/Impulse"],
        "window": None,
        "tmin": -0.3,
        "tmax": 0.5,
        "recipe": str(recipe),
    }
    [whole] = tasks(root, tmp_path / "whole", **given)
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 10_000)
    [cut] = tasks(root, tmp_path / "cut", **given)
    signals = staged(cut)
    np.testing.assert_allclose(signals, staged(whole), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(signals[:, :, :31].mean(2), 0, atol=1e-5)
    assert (np.abs(signals[:, 0]).argmax(1) == 30).all()


def _filled_with_nan(_recipe, windows):
    lost = replace(windows, signals=np.full_like(windows.signals, np.nan))
    return WindowResults(lost, tuple(range(len(windows.signals))), (), (), ())


def test_samples_that_are_not_finite_fail_the_recording_with_their_number_and_place(
    eegbci, tmp_path, monkeypatch
):
    [task, *_] = tasks(eegbci, tmp_path)
    monkeypatch.setattr(type(task.recipe), "run_windows", _filled_with_nan)
    failure = stage(task)
    assert (failure.stage, failure.transient) == ("windows", False)
    assert failure.reason == "184320 samples are not finite after the recipe, from 0 s on"
    assert task.staging.read(task.key) == failure
    assert [path.name for path in tmp_path.iterdir()] == [f"{task.key}.json"]


def test_an_error_nobody_thought_of_comes_back_as_a_value_and_may_pass(
    eegbci, tmp_path, monkeypatch
):
    class ExoticError(Exception):
        def __reduce__(self):
            raise TypeError("not to be sent")

    def broken(*_args):
        raise ExoticError("line one\nline two")

    monkeypatch.setattr(process, "_read", broken)
    [task, *_] = tasks(eegbci, tmp_path)
    failure = stage(task)
    assert (failure.stage, failure.reason, failure.transient) == (
        "worker",
        "ExoticError: line one line two",
        True,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_recording_none_of_whose_windows_fits_is_not_opened(eegbci, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "open_raw", lambda *_args: 1 / 0)
    [task, *_] = tasks(eegbci, tmp_path)
    dropped = tuple((number, "too late") for number in task.pieces.kept)
    assert stage(replace(task, pieces=excerpts.ExcerptPlan((), (), dropped))) is None
    assert task.staging.read(task.key) == Entry((), dropped, (), (), ())


def test_a_blas_has_one_thread_while_a_recording_is_staged(eegbci, tmp_path, monkeypatch):
    from threadpoolctl import threadpool_info

    seen = []
    read = process._read

    def watched(*args):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return read(*args)

    monkeypatch.setattr(process, "_read", watched)
    stage(tasks(eegbci, tmp_path)[0])
    assert set(seen) == {1}


def test_a_rerun_writes_the_same_bytes(eegbci, tmp_path):
    [task, *_] = tasks(eegbci, tmp_path)
    staged(task)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    time.sleep(0.01)
    staged(task)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
