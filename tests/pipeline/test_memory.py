"""Memory that recordings may take: estimated before, guarded meanwhile."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

import bids_dl
from bids_dl.config import parsing
from bids_dl.errors import BidsDlError
from bids_dl.pipeline import excerpts, memory
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.task import make_task
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location
from bids_dl.testing import make_dataset

PEAK = """
import sys
from bids_dl.config import parsing
from bids_dl.pipeline import memory
from bids_dl.planning.plan import make_plan
from bids_dl.pipeline.task import make_task
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.process import stage
from bids_dl.remote.location import Location

plan = make_plan([sys.argv[1]], parsing.request({"hed": ["x=Eyes-closed", "y=Eyes-open"], "window": 2.0}))
staging = Staging(Location(sys.argv[2]))
staging.prepare()
task = make_task(plan, plan.recordings[0], staging)
assert stage(task) is None
[high] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(memory.needed(task), 1024 * int(high))
"""


def task(root, where, recipe=None):
    """The task of the first recording of a dataset."""
    given = {"hed": ["x=Eyes-closed", "y=Eyes-open"], "window": 2.0} | (
        {"recipe": str(recipe)} if recipe else {}
    )
    plan = make_plan([str(root)], parsing.request(given))
    return make_task(plan, plan.recordings[0], Staging(Location(str(where))))


def longer(task, factor):
    """The same recording, so many times as long, with windows all over it."""
    header = replace(task.header, n_times=task.header.n_times * factor)
    size = excerpts.Excerpt(0, header.n_times, 0, ((0, 0),))
    return replace(task, header=header, pieces=replace(task.pieces, pieces=(size,)))


def test_a_recording_that_fits_is_not_refused(eegbci, tmp_path):
    assert memory.refusal(task(eegbci, tmp_path), 1_000_000_000) is None
    assert memory.refusal(longer(task(eegbci, tmp_path), 1000), None) is None


def test_a_refusal_shows_the_estimate_and_what_needs_it_and_is_the_same_whatever_is_allowed(
    eegbci, tmp_path
):
    recipe = tmp_path / "iir.yaml"
    recipe.write_text(
        "name: iir\nsteps: [{pick: {types: eeg}}, {filter: {low: 1, high: 40, method: iir}}]\n"
    )
    refused = memory.refusal(longer(task(eegbci, tmp_path, recipe), 1000), 1_000_000_000)
    assert refused.stage == "worker"
    assert refused.transient
    assert refused.reason == (
        "needs about 5.9 GB of memory (24 channels, 61000 s at 160 Hz; a step of the recipe needs all of its signal at once), "
        "more than is allowed: give it with --memory"
    )


def test_a_set_file_with_its_samples_inside_counts_whole(tmp_path):
    root = make_dataset(tmp_path / "ds", n_subjects=1, n_runs=1, format="eeglab").root
    inside = task(root, tmp_path)
    assert not list(root.rglob("*.fdt"))
    assert (
        memory.needed(longer(inside, 100))
        > memory.needed(inside) + 18 * inside.header.n_times * 99 * 8
    )
    assert "can only be loaded whole" in memory.refusal(longer(inside, 1000), 1_000_000_000).reason


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_estimate_is_no_less_than_the_peak_and_not_several_times_as_much(tmp_path):
    design = {
        "n_subjects": 1,
        "n_runs": 1,
        "sfreq": 1000,
        "n_blocks": 2,
        "block_duration": 120,
        "ch_names": (),
        "template": "biosemi64",
    }
    root = make_dataset(tmp_path / "ds", **design).root
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(root), str(tmp_path / "staging")],
        capture_output=True,
        text=True,
        check=True,
    )
    estimate, peak = map(int, done.stdout.split())
    assert 0.9 * peak < estimate < 2 * peak


def test_what_is_available_is_no_more_than_the_limit_of_a_container(tmp_path, monkeypatch):
    free = memory.available()
    assert free > 0
    (tmp_path / "max").write_text("900000000\n")
    (tmp_path / "current").write_text("400000000\n")
    monkeypatch.setattr(memory, "CGROUPS", ((str(tmp_path / "max"), str(tmp_path / "current")),))
    assert memory.available() == 400_000_000
    (tmp_path / "max").write_text("max\n")
    assert memory.available() > 400_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts data this way")
def test_a_process_that_takes_more_than_it_may_gets_an_error_and_lives():
    code = (
        "import numpy as np\nfrom bids_dl.pipeline.memory_limit import memory_limit\n"
        "with memory_limit(200_000_000):\n    try:\n        np.ones(200_000_000)\n    except MemoryError:\n        print('refused')\n"
        "print(np.ones(200_000_000).sum() > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "True"]


def test_when_no_recording_may_have_its_memory_the_run_says_how_much_it_needs(
    eegbci, tmp_path, monkeypatch
):
    monkeypatch.setattr(memory, "available", lambda: 100_000_000)
    with pytest.raises(
        BidsDlError,
        match=r"needs about 2\d\d MB of memory .* more than is allowed: give it with --memory",
    ):
        bids_dl.convert(
            str(eegbci), str(tmp_path / "a.zarr"), hed={"x": "Eyes-closed"}, window=2, jobs=1
        )
    assert list(tmp_path.iterdir()) == []
