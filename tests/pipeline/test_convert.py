"""The order of planning, staging and packing, and what a rerun does."""

from __future__ import annotations

import json
import shutil

import pytest
from conversions import contents, convert
from served_dataset import served_dataset

from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing import process

FAILING_RECORDING = "ds004362/sub-002/eeg/sub-002_task-motion_run-1"


def run_tasks_with_failure(tasks, _config, _fetcher, _starter):
    """Run tasks in this process; one recording fails transiently."""
    for task in tasks:
        if task.recording.key == FAILING_RECORDING:
            reason = "its worker process was killed twice"
            yield task, Failure(FAILING_RECORDING, "worker", reason, transient=True)
        else:
            yield task, process.run_task(task)


def test_a_transient_failure_is_retried_and_the_finished_store_is_kept_until_overwritten(
    eegbci, eyes_store, tmp_path, monkeypatch
):
    dest = tmp_path / "a.zarr"
    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.running.execute.run_tasks", run_tasks_with_failure)
        first = convert(eegbci, dest)
        assert [failure.recording for failure in first.failures] == [FAILING_RECORDING]
        assert "some failures may be transient" in first.warnings[-1]
        before = contents(dest)
        second = convert(eegbci, dest)
        assert (second.exit_status, second.failures) == (3, first.failures)
    retried = convert(eegbci, dest)
    assert retried.exit_status == 3
    expected = f"{FAILING_RECORDING}: failed before and can be converted now; --overwrite"
    assert expected in retried.warnings[-1]
    assert contents(dest) == before
    overwritten = convert(eegbci, dest, overwrite=True)
    assert (overwritten.exit_status, overwritten.reused) == (0, 8)
    assert contents(dest) == contents(eyes_store)
    assert not list(tmp_path.glob("*.staging"))


def test_a_named_staging_folder_keeps_its_other_files(eegbci, tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "movie.mkv.part").write_text("half a movie")
    convert(eegbci, tmp_path / "a.zarr", subject=["001"], staging=str(folder))
    assert [path.name for path in folder.iterdir()] == ["movie.mkv.part"]


def test_without_any_readable_recording_nothing_is_written(eegbci_copy, tmp_path):
    for edf in eegbci_copy.rglob("*.edf"):
        edf.write_bytes(b"broken")
    with pytest.raises(BidsDlError) as failure:
        convert(eegbci_copy, tmp_path / "a.zarr")
    assert failure.value.exit_status == 1
    assert not (tmp_path / "a.zarr").exists()
    assert not list(tmp_path.glob("*.staging"))


def test_progress_reports_planning_staging_and_packing(eegbci, tmp_path):
    reports = []
    convert(eegbci, tmp_path / "a.zarr", subject=["001"], on_progress=reports.append)
    stages = list(dict.fromkeys(report.stage for report in reports))
    assert stages == ["plan", "stage", "pack"]
    assert [(report.done, report.total) for report in reports if report.stage == "stage"] == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]
    assert (reports[-1].done, reports[-1].total) == (60, 60)
    assert reports[-2].speed > 0 or reports[-2].stage == "pack"


def change_signal(root):
    edf = root / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes()[:-2] + b"\x01\x02")


def change_header(root):
    edf = root / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes().replace(b"uV", b"mV", 1))


def exchange_signal(root):
    folder = root / "sub-001/eeg"
    other = folder / "sub-001_task-motion_run-1_eeg.edf"
    shutil.copy2(other, folder / "new")
    (folder / "new").replace(folder / "sub-001_task-motion_run-2_eeg.edf")


def change_channels(root):
    table = root / "sub-001/eeg/sub-001_task-motion_run-2_channels.tsv"
    table.write_text(table.read_text().replace("n/a", "EEG", 1))


def remove_signal(root):
    (root / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf").unlink()


@pytest.mark.parametrize(
    ("change", "moment"),
    [
        (change_signal, ("stage", 1)),
        (change_header, ("plan", 1)),
        (exchange_signal, ("stage", 0)),
        (change_channels, ("stage", 1)),
        (remove_signal, ("plan", 1)),
    ],
)
def test_a_source_that_changes_after_the_plan_is_not_stored_and_may_be_converted_again(
    eegbci_copy, tmp_path, change, moment
):
    before = contents(eegbci_copy)

    def change_once(progress):
        if (progress.stage, progress.done) == moment and contents(eegbci_copy) == before:
            change(eegbci_copy)

    dest = tmp_path / "a.zarr"
    outcome = convert(eegbci_copy, dest, subject=["001"], on_progress=change_once)
    assert outcome.exit_status == 3
    [failure] = outcome.failures
    assert failure.recording == "ds004362/sub-001/eeg/sub-001_task-motion_run-2"
    assert (failure.stage, failure.transient) == ("source", True)
    stored = json.loads((dest / "recordings.json").read_text())
    assert "sources" in stored["ds004362/sub-001/eeg/sub-001_task-motion_run-1"]
    assert "sources" not in stored.get(failure.recording, {})
    for name, content in before.items():
        (eegbci_copy / name).write_bytes(content)
    outcome = convert(eegbci_copy, dest, subject=["001"], overwrite=True)
    assert (outcome.exit_status, outcome.n_recordings) == (0, 2)


def test_a_cached_source_that_changes_after_the_plan_is_not_stored_but_fetched_again(
    eegbci, tmp_path
):
    changed = []

    def change_once(progress):
        if (progress.stage, progress.done) == ("plan", 1) and not changed:
            files = [path for path in (tmp_path / "cache/objects").rglob("*") if path.is_file()]
            largest = max(files, key=lambda path: (path.stat().st_size, path.name))
            changed.append(largest)
            content = largest.read_bytes()
            largest.write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))

    (tmp_path / "server").mkdir()
    with served_dataset(eegbci, tmp_path / "server") as served:
        options = {"subject": ["001"], **served.options(tmp_path / "cache", "whole")}
        convert(served.address, tmp_path / "a.zarr", **options)
        outcome = convert(served.address, tmp_path / "b.zarr", on_progress=change_once, **options)
    assert changed
    assert outcome.exit_status == 0
    assert contents(tmp_path / "b.zarr") == contents(tmp_path / "a.zarr")
