"""Tasks of single recordings, processed in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bids_dl.config import parsing
from bids_dl.pipeline.processing.process import run_task
from bids_dl.pipeline.processing.task import Task, make_task
from bids_dl.pipeline.staging import Staging
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location

OPTIONS = {"hed": ["eyes_open=Eyes-open", "eyes_closed=Eyes-closed"], "window": 2.0}


def make_tasks(root: Path, staging_folder: Path, **options) -> list[Task]:
    """Make a task for each recording of a dataset, in the order of the plan."""
    plan = make_plan([str(root)], parsing.parse_request({**OPTIONS, **options}))
    staging = Staging(Location(str(staging_folder)))
    staging.prepare()
    return [make_task(plan, recording, staging) for recording in plan.recordings]


def staged_windows(task: Task) -> np.ndarray:
    """Run a task and return its staged windows (n_windows, n_chans, n_times)."""
    assert run_task(task) is None
    return np.concatenate(list(task.staging.read_windows(task.key)))
