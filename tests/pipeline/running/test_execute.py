"""Tasks run in worker processes or in this process, with the same result."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from conversions import contents, convert

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.pipeline.processing import memory, process
from bids_dl.pipeline.running.execute import run_tasks

SYNCHRONOUS = PipelineConfig(scheduler="synchronous", memory=100)
TRANSIENT = Failure("x", "read", "no connection", transient=True)
PERMANENT = Failure("x", "read", "broken")


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"jobs": 1}, {"jobs": 2}, {"scheduler": "synchronous"}])
def test_neither_the_workers_nor_the_destination_change_a_byte(
    eegbci, eyes_store, tmp_path, options
):
    dest = tmp_path / "elsewhere" / "other name.zarr"
    convert(eegbci, dest, **options)
    assert contents(dest) == contents(eyes_store)


@pytest.mark.parametrize(
    ("option", "absent"),
    [
        ("scheduler='synchronous'", ("dask", "distributed", "aiohttp")),
        ("jobs=1", ("dask", "distributed", "aiohttp", "mne", "scipy")),
    ],
)
def test_the_main_process_of_a_conversion_imports_only_what_it_uses(
    eegbci, tmp_path, option, absent
):
    script = (
        "import sys, bids_dl\n"
        "bids_dl.convert(sys.argv[1], sys.argv[2], hed='Eyes-closed', window=2, subject='001', "
        f"{option})\n"
        f"print([name for name in {absent} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(eegbci), str(tmp_path / "a.zarr")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_failed_recording_of_a_synchronous_conversion_is_listed(eegbci_copy, tmp_path):
    edf = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf"
    content = edf.read_bytes()
    header_bytes = int(content[184:192])
    edf.write_bytes(content[:header_bytes] + bytes(len(content) - header_bytes))
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"], scheduler="synchronous")
    assert [(failure.stage, failure.recording[-5:]) for failure in outcome.failures] == [
        ("read", "run-1")
    ]
    assert outcome.n_recordings == 1


@dataclass(eq=False)
class FakeTask:
    """Task with a size in bytes and the results of its runs."""

    key: str
    n_bytes: int
    results: list[Failure | None]

    @property
    def recording(self):
        return SimpleNamespace(key=self.key)


@pytest.fixture
def runs(monkeypatch):
    """Keys of the tasks that ran in this process, in order."""
    keys = []

    def run_task(task):
        keys.append(task.key)
        return task.results.pop(0)

    def refuse(task, max_bytes):
        return Failure(task.key, "worker", "too big") if task.n_bytes > max_bytes else None

    monkeypatch.setattr(process, "run_task", run_task)
    monkeypatch.setattr(memory, "refuse_if_too_large", refuse)
    return keys


def test_a_recording_beyond_the_memory_limit_is_refused_and_the_others_run(runs):
    tasks = [FakeTask("a", 60, [None]), FakeTask("b", 160, [])]
    results = {task.key: failure for task, failure in run_tasks(tasks, SYNCHRONOUS)}
    assert results == {"a": None, "b": Failure("b", "worker", "too big")}
    assert runs == ["a"]


def test_transient_failures_are_retried_once_after_all_other_tasks(runs):
    tasks = [
        FakeTask("a", 1, [TRANSIENT, None]),
        FakeTask("b", 1, [PERMANENT]),
        FakeTask("c", 1, [None]),
        FakeTask("d", 1, [TRANSIENT, TRANSIENT]),
    ]
    results = [(task.key, failure) for task, failure in run_tasks(tasks, SYNCHRONOUS)]
    assert results == [("b", PERMANENT), ("c", None), ("a", None), ("d", TRANSIENT)]
    assert runs == ["a", "b", "c", "d", "a", "d"]


def test_without_tasks_nothing_runs():
    assert list(run_tasks([], PipelineConfig(scheduler="tcp://127.0.0.1:9"))) == []
