"""CPU time of staging recordings, as a ratio to the same MNE calls written by hand.

    python tests/benchmarks/bench_convert.py [BIDS_FOLDER] [ROUNDS]

Both run in this process, interleaved, after one warm-up; the ratio of the medians is what counts. The rest of a conversion (imports, worker
processes, packing) is printed for a whole `bids-dl convert` run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import mne

from bids_dl.config import parsing
from bids_dl.demo import sample_folder
from bids_dl.pipeline.process import stage
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.task import make_task
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location

QUERIES = ["eyes_open=Eyes-open", "eyes_closed=Eyes-closed"]


def by_hand(edf: Path) -> None:
    """The default recipe in plain MNE."""
    raw = mne.io.read_raw_edf(edf, preload=True, verbose="error").filter(0.5, 45.0, verbose="error")
    raw.set_eeg_reference("average", verbose="error").resample(
        128.0, method="polyphase", verbose="error"
    )
    raw.get_data().astype("float32")


def cpu_time(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else sample_folder()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    plan = make_plan([str(folder)], parsing.parse_request({"hed": QUERIES, "window": 2.0}))
    files = [folder / str(recording.signal) for recording in plan.recordings]
    ours, theirs = [], []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as work:
            tasks = [
                make_task(plan, recording, Staging(Location(work))) for recording in plan.recordings
            ]
            ours.append(cpu_time(lambda tasks=tasks: [stage(task) for task in tasks]))
        theirs.append(cpu_time(lambda: [by_hand(file) for file in files]))
    mine, other = median(ours[1:]), median(theirs[1:])
    print(
        f"{len(files)} recordings: staged {mine:.2f} s of CPU, by hand {other:.2f} s, ratio {mine / other:.2f}"
    )
    with tempfile.TemporaryDirectory() as work:
        start = time.perf_counter()
        flags = [flag for query in QUERIES for flag in ("--hed", query)]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "bids_dl.cli",
                "convert",
                folder,
                f"{work}/eyes.zarr",
                *flags,
                "--window",
                "2",
            ],
            check=True,
        )
        print(f"the whole command: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
