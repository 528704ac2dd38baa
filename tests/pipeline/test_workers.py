"""Worker processes of a conversion."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conversions import convert

from bids_dl.config.stages import PipelineConfig
from bids_dl.errors import ConfigError
from bids_dl.pipeline import memory, workers


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("nonsense", "expected an address such as tcp://host:8786, or synchronous"),
        ("127.0.0.1:9", "no Dask scheduler answers there"),
    ],
)
def test_a_scheduler_that_does_not_exist_is_refused(
    eegbci, tmp_path, monkeypatch, scheduler, message
):
    monkeypatch.setattr(workers, "CONNECT_TIMEOUT", "1s")
    with pytest.raises(ConfigError, match=message):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"], scheduler=scheduler)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once(eegbci, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import bids_dl\n"
        "print('begins')\n"
        f"outcome = bids_dl.convert({str(eegbci)!r}, 'a.zarr', hed='Eyes-closed', window=2, "
        "subject='001', jobs=1)\n"
        "print(outcome.n_windows)\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["begins", "30"]


def test_no_more_processes_are_started_than_tasks(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 5_000)
    with workers.start_workers(PipelineConfig(jobs=4), n_tasks=1) as pool:
        assert pool.count_workers() == 1
        assert len(pool.client.nthreads()) == 1
        assert (pool.total_memory, pool.memory_per_recording) == (5_000, 5_000)
        assert pool.limit_memory
