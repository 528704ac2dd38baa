"""Memory that a recording takes, and memory of this machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from recording_tasks import make_tasks

import bids_dl
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline.processing import excerpts, memory
from bids_dl.testing import make_dataset

PEAK_SCRIPT = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[3])
from recording_tasks import make_tasks
from bids_dl.pipeline.processing.memory import estimate_memory
from bids_dl.pipeline.processing.process import run_task

task = make_tasks(Path(sys.argv[1]), Path(sys.argv[2]))[0]
assert run_task(task) is None
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(estimate_memory(task), 1024 * int(peak))
"""


def lengthen(task, factor):
    """Make the recording of a task longer, with one excerpt that covers all of it."""
    header = replace(task.header, n_times=task.header.n_times * factor)
    excerpt = excerpts.Excerpt(0, header.n_times, 0, ((0, 0),))
    excerpt_plan = replace(task.excerpt_plan, excerpts=(excerpt,))
    return replace(task, header=header, excerpt_plan=excerpt_plan)


@pytest.mark.parametrize(("max_bytes", "text"), [(8, "8 bytes"), (8_000_000, "8 MB")])
def test_a_limit_below_that_of_one_worker_is_refused_with_the_way_out(max_bytes, text):
    message = f"--memory allows {text}, and one worker needs 250 MB .* unit, such as 4GB"
    with pytest.raises(ConfigError, match=message):
        memory.check_limit(max_bytes)
    memory.check_limit(None)
    memory.check_limit(memory.PROCESS_BYTES)


def test_a_limit_is_checked_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="memory allows 8 bytes"):
        bids_dl.convert("nowhere", tmp_path / "a.zarr", hed="Rest", memory=8)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_fits_is_not_refused(eegbci, tmp_path):
    task = make_tasks(eegbci, tmp_path)[0]
    assert memory.refuse_if_too_large(task, 1_000_000_000) is None
    assert memory.refuse_if_too_large(lengthen(task, 1000), None) is None


def test_a_refusal_shows_the_estimate_and_its_cause_but_not_the_limit(eegbci, tmp_path):
    recipe = tmp_path / "iir.yaml"
    steps = "[{pick: {types: eeg}}, {filter: {low: 1, high: 40, method: iir}}]"
    recipe.write_text(f"name: iir\nsteps: {steps}\n")
    task = make_tasks(eegbci, tmp_path, recipe=str(recipe))[0]
    failure = memory.refuse_if_too_large(lengthen(task, 1000), 1_000_000_000)
    assert failure.stage == "worker"
    assert failure.transient
    assert failure.reason == (
        "needs about 5.9 GB of memory (24 channels, 61000 s at 160 Hz; a step of the recipe needs "
        "all of its signal at once), more than is allowed; raise the limit with --memory"
    )


def test_a_set_file_with_its_samples_inside_counts_as_a_whole(tmp_path):
    root = make_dataset(tmp_path / "ds", n_subjects=1, n_runs=1, format="eeglab").root
    task = make_tasks(root, tmp_path)[0]
    assert not list(root.rglob("*.fdt"))
    n_added_samples = 99 * task.header.n_times * len(task.header.ch_names)
    added = memory.estimate_memory(lengthen(task, 100)) - memory.estimate_memory(task)
    assert added > 18 * n_added_samples
    failure = memory.refuse_if_too_large(lengthen(task, 1000), 1_000_000_000)
    assert "can only be loaded whole" in failure.reason


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_estimate_is_between_the_peak_and_twice_the_peak(tmp_path, request):
    root = make_dataset(
        tmp_path / "ds",
        n_subjects=1,
        n_runs=1,
        sfreq=1000,
        n_blocks=2,
        block_duration=120,
        ch_names=(),
        template="biosemi64",
    ).root
    helpers = str(request.config.rootpath / "tests")
    done = subprocess.run(
        [sys.executable, "-c", PEAK_SCRIPT, str(root), str(tmp_path / "staging"), helpers],
        capture_output=True,
        text=True,
        check=True,
    )
    estimate, peak = map(int, done.stdout.split())
    assert 0.9 * peak < estimate < 2 * peak


def test_available_memory_respects_the_limit_of_a_container(tmp_path, monkeypatch):
    assert memory.available_memory() > 0
    limit, usage = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(memory, "CGROUP_FILES", ((str(limit), str(usage)),))
    limit.write_text("900000000\n")
    usage.write_text("400000000\n")
    assert memory.available_memory() == 400_000_000
    limit.write_text("max\n")
    assert memory.available_memory() > 400_000_000


@pytest.mark.parametrize("options", [{"jobs": 1}, {"scheduler": "synchronous"}])
def test_a_run_whose_recordings_all_need_too_much_memory_reports_the_estimate(
    eegbci, tmp_path, monkeypatch, options
):
    monkeypatch.setattr(memory, "available_memory", lambda: 100_000_000)
    expected = (
        r"nothing was written \(memory limit 100 MB\)\n"
        r"  \S+ and 3 more: worker: needs about 2\d\d MB of memory .* more than is allowed; "
        r"raise the limit with \S+$"
    )
    with pytest.raises(BidsDlError, match=expected):
        bids_dl.convert(eegbci, tmp_path / "a.zarr", hed="Eyes-closed", window=2, **options)
    assert list(tmp_path.iterdir()) == []
