"""One recording, from its signal file to staged windows."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from recording_tasks import make_tasks, staged_windows

from bids_dl import source
from bids_dl.pipeline.processing import excerpts, process
from bids_dl.pipeline.processing.process import run_task
from bids_dl.pipeline.staging_entry import DroppedWindow, StagingEntry
from bids_dl.preprocess import WindowResults
from bids_dl.store.signals.quantization import MagnitudeHistogram
from bids_dl.testing import make_dataset


@pytest.fixture
def small_excerpts(monkeypatch):
    """Return a function that makes excerpts and batches much smaller than a recording."""

    def shrink():
        monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 10_000)
        monkeypatch.setattr(excerpts, "MIN_MARGINS", 2)
        monkeypatch.setattr(process, "BATCH_BYTES", 100_000)

    return shrink


@pytest.mark.parametrize("file_format", ["edf", "bdf", "brainvision", "eeglab"])
def test_small_excerpts_of_each_format_give_the_same_windows_as_one_excerpt(
    tmp_path, small_excerpts, file_format
):
    root = make_dataset(
        tmp_path / "ds",
        n_subjects=1,
        sfreq=250,
        n_blocks=4,
        block_duration=30,
        format=file_format,
        bads=("C3",),
    ).root
    [whole] = make_tasks(root, tmp_path / "whole", stride=0.5)
    small_excerpts()
    [split] = make_tasks(root, tmp_path / "split", stride=0.5)
    assert len(whole.excerpt_plan.excerpts) == 1
    assert len(split.excerpt_plan.excerpts) > 8
    np.testing.assert_allclose(staged_windows(split), staged_windows(whole), rtol=1e-6, atol=1e-5)
    entry = split.staging.read_entry(split.key)
    expected = whole.staging.read_entry(whole.key)
    assert (entry.kept, entry.dropped) == (expected.kept, expected.dropped)
    assert entry.steps == expected.steps
    np.testing.assert_allclose(entry.mean, expected.mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(entry.std, expected.std, rtol=1e-6, atol=1e-9)


def test_an_excerpt_that_was_not_fetched_is_refused_before_any_is_read(eegbci, tmp_path):
    [task, *_] = make_tasks(eegbci, tmp_path)
    excerpt = task.excerpt_plan.excerpts[-1]
    fetched = replace(task, fetched=((excerpt.start, excerpt.stop),))
    assert run_task(fetched) is None
    failure = run_task(replace(task, fetched=((excerpt.start + 1, excerpt.stop),)))
    assert failure.stage == "source"
    expected = f"samples {excerpt.start} to {excerpt.stop} were not fetched; run the same command"
    assert failure.reason.startswith(expected)


def test_magnitudes_of_an_entry_are_those_of_its_staged_samples(eegbci, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "BATCH_BYTES", 100_000)
    [task, *_] = make_tasks(eegbci, tmp_path)
    histogram = MagnitudeHistogram.empty()
    histogram.add(staged_windows(task))
    assert task.staging.read_entry(task.key).magnitudes == tuple(histogram.counts.tolist())


def test_steps_on_windows_see_windows_around_the_event_whatever_the_excerpts(
    tmp_path, small_excerpts
):
    root = make_dataset(
        tmp_path / "ds", n_subjects=1, sfreq=250, n_blocks=4, block_duration=30
    ).root
    recipe = tmp_path / "own.yaml"
    steps = "{pick: {types: eeg}}, {filter: {high: 40}}, {resample: {sfreq: 100}}"
    recipe.write_text(f"name: own\nsteps: [{steps}, {{baseline: {{end: 0}}}}]\n")
    options = {
        "hed": ["impulse=Label/Impulse"],
        "window": None,
        "tmin": -0.3,
        "tmax": 0.5,
        "recipe": str(recipe),
    }
    [whole] = make_tasks(root, tmp_path / "whole", **options)
    small_excerpts()
    [split] = make_tasks(root, tmp_path / "split", **options)
    signals = staged_windows(split)
    np.testing.assert_allclose(signals, staged_windows(whole), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(signals[:, :, :31].mean(2), 0, atol=1e-5)
    assert (np.abs(signals[:, 0]).argmax(1) == 30).all()


def _fill_with_nan(_recipe, windows):
    invalid = replace(windows, signals=np.full_like(windows.signals, np.nan))
    return WindowResults(invalid, tuple(range(len(windows.signals))), (), (), ())


def test_samples_that_are_not_finite_fail_the_recording_with_their_number_and_time(
    eegbci, tmp_path, monkeypatch
):
    [task, *_] = make_tasks(eegbci, tmp_path)
    monkeypatch.setattr(type(task.recipe), "run_windows", _fill_with_nan)
    failure = run_task(task)
    assert (failure.stage, failure.transient) == ("windows", False)
    assert failure.reason == "184320 samples not finite after the recipe, from 0 s on"
    assert task.staging.read_entry(task.key) == failure
    assert [path.name for path in tmp_path.iterdir()] == [f"{task.key}.json"]


def test_an_unexpected_error_is_returned_as_a_transient_failure(eegbci, tmp_path, monkeypatch):
    class ExoticError(Exception):
        def __reduce__(self):
            raise TypeError("cannot be pickled")

    def raise_error(*_args):
        raise ExoticError("line one\nline two")

    monkeypatch.setattr(process, "_read", raise_error)
    [task, *_] = make_tasks(eegbci, tmp_path)
    failure = run_task(task)
    assert (failure.stage, failure.transient) == ("worker", True)
    assert failure.reason == "ExoticError: line one line two"
    assert list(tmp_path.iterdir()) == []


def test_a_lack_of_memory_is_a_transient_failure(eegbci, tmp_path, monkeypatch):
    def raise_error(*_args):
        raise MemoryError

    monkeypatch.setattr(process, "_read", raise_error)
    [task, *_] = make_tasks(eegbci, tmp_path)
    failure = run_task(task)
    assert (failure.stage, failure.reason, failure.transient) == (
        "worker",
        "not enough memory",
        True,
    )


def test_a_recording_without_a_window_that_fits_is_not_opened(eegbci, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "open_raw", lambda *_args: 1 / 0)
    [task, *_] = make_tasks(eegbci, tmp_path)
    dropped = tuple((number, "too late") for number in task.excerpt_plan.kept)
    assert run_task(replace(task, excerpt_plan=excerpts.ExcerptPlan((), (), dropped))) is None
    expected = tuple(DroppedWindow(number, "", "too late") for number, _ in dropped)
    assert task.staging.read_entry(task.key) == StagingEntry((), expected, (), (), ())


def test_blas_has_one_thread_while_a_recording_is_processed(eegbci, tmp_path, monkeypatch):
    from threadpoolctl import threadpool_info

    thread_counts = []
    read = process._read

    def read_and_count_threads(*args):
        thread_counts.extend(pool["num_threads"] for pool in threadpool_info())
        return read(*args)

    monkeypatch.setattr(process, "_read", read_and_count_threads)
    run_task(make_tasks(eegbci, tmp_path)[0])
    assert set(thread_counts) == {1}


def test_a_rerun_writes_the_same_bytes(eegbci, tmp_path):
    [task, *_] = make_tasks(eegbci, tmp_path)
    staged_windows(task)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    time.sleep(0.01)
    staged_windows(task)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
