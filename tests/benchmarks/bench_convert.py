"""Measure the CPU time of staging recordings, relative to the same MNE calls written by hand.

    python tests/benchmarks/bench_convert.py [BIDS_FOLDER] [ROUNDS]

Both run in this process, interleaved, after one warm-up round. The result is the ratio of the
medians. The rest of a conversion (imports, worker processes, packing) is printed as the time of a
whole `bids-dl convert` command.
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
from bids_dl.pipeline.processing.process import run_task
from bids_dl.pipeline.processing.task import make_task
from bids_dl.pipeline.staging import Staging
from bids_dl.planning.plan import Plan, make_plan
from bids_dl.remote.location import Location

QUERIES = ["eyes_open=Eyes-open", "eyes_closed=Eyes-closed"]
DEFAULT_ROUNDS = 5


def run_in_plain_mne(edf: Path) -> None:
    """Run the default recipe in plain MNE."""
    raw = mne.io.read_raw_edf(edf, preload=True, verbose="error")
    raw.filter(0.5, 45.0, verbose="error")
    raw.set_eeg_reference("average", verbose="error")
    raw.resample(128.0, method="polyphase", verbose="error")
    raw.get_data().astype("float32")


def stage_recordings(plan: Plan) -> None:
    """Stage all recordings of a plan in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        staging = Staging(Location(folder))
        for recording in plan.recordings:
            failure = run_task(make_task(plan, recording, staging))
            if failure:
                sys.exit(f"{failure.recording}: {failure.stage}: {failure.reason}")


def measure_cpu_seconds(work: Callable[[], object]) -> float:
    """Measure the CPU time of a call in s."""
    start = time.process_time()
    work()
    return time.process_time() - start


def time_command(folder: Path) -> float:
    """Measure the wall time of a whole `bids-dl convert` command in s."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "bids_dl", "convert", str(folder), f"{work}/eyes.zarr"]
        for query in QUERIES:
            command += ["--hed", query]
        start = time.perf_counter()
        subprocess.run([*command, "--window", "2"], check=True)
        return time.perf_counter() - start


def main() -> None:
    """Print the ratio of the CPU times, and the time of the command."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else sample_folder()
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_ROUNDS
    plan = make_plan([str(folder)], parsing.parse_request({"hed": QUERIES, "window": 2.0}))
    files = [folder / str(recording.signal) for recording in plan.recordings]

    def run_all_in_plain_mne() -> None:
        for file in files:
            run_in_plain_mne(file)

    staged, by_hand = [], []
    for _ in range(n_rounds + 1):
        staged.append(measure_cpu_seconds(lambda: stage_recordings(plan)))
        by_hand.append(measure_cpu_seconds(run_all_in_plain_mne))
    staged_seconds = median(staged[1:])
    by_hand_seconds = median(by_hand[1:])
    print(
        f"{len(files)} recordings: staged {staged_seconds:.2f} s of CPU, "
        f"by hand {by_hand_seconds:.2f} s, ratio {staged_seconds / by_hand_seconds:.2f}"
    )
    print(f"the whole command: {time_command(folder):.1f} s")


if __name__ == "__main__":
    main()
