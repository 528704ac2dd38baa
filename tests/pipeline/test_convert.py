"""The order of planning, staging and packing, and what a rerun does."""

from __future__ import annotations

import pytest
from conversions import contents, convert

from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline import process

FAILING_RECORDING = "ds004362/sub-002/eeg/sub-002_task-motion_run-1"


def run_tasks_with_failure(tasks, _config, _fetcher):
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
        patch.setattr("bids_dl.pipeline.execute.run_tasks", run_tasks_with_failure)
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
