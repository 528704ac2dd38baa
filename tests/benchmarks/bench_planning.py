"""Compare the CPU time of planning with that of reading each recording by mne-bids.

    python tests/benchmarks/bench_planning.py [BIDS_FOLDER] [--recordings N ...] [--rounds N]

Without a folder, BrainVision recordings of 12 s are written to a temporary one. Prints, per
recording, the best CPU time of a header and of an open signal, each beside its peer in the same
round; then the CPU time and the peak of memory of ``bids-dl events --json`` with 237 windows a
recording, beside a loop over mne-bids that lists as many windows, each in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import mne
from mne_bids import BIDSPath, find_matching_paths, read_raw_bids

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Recording
from bids_dl.testing import make_dataset

WINDOW, STRIDE = 0.2, 0.05  # s: 237 windows of a recording of 12 s
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)
"""
LOOP = """
import json, sys, warnings
import mne
from mne_bids import find_matching_paths, read_raw_bids
warnings.simplefilter("ignore")
window, stride = float(sys.argv[2]), float(sys.argv[3])
rows = []
for path in find_matching_paths(sys.argv[1], suffixes="eeg", extensions=".vhdr"):
    raw = read_raw_bids(path, verbose="error")
    events = mne.make_fixed_length_events(raw, duration=stride)
    stop = raw.n_times - round(window * raw.info["sfreq"])
    for sample, _, _ in events:
        if sample <= stop:
            onset = float(sample / raw.info["sfreq"])
            rows.append({"recording": path.basename, "onset": onset, "label": "rest"})
json.dump({"windows": rows}, sys.stdout, indent=1)
"""


def cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU time of a call in s."""
    start = time.process_time()
    function()
    return time.process_time() - start


def compare_reading(folder: Path, rounds: int) -> None:
    """Print the CPU time of a header and of an open signal in ms, with those of the peers."""
    dataset = source.open_dataset(str(folder))
    recordings = source.find_recordings(dataset, SourceConfig())[:20]
    best: dict[str, float] = {}
    extension = Path(str(recordings[0].signal)).suffix
    path_of = {path.fpath.name: path for path in find_matching_paths(folder, extensions=extension)}
    for recording in recordings:
        path = path_of[Path(str(recording.signal)).name]
        calls = {
            "header, bids_dl": lambda item=recording: source.read_header(dataset, item),
            "open signal, bids_dl": lambda item=recording: open_signal(dataset, item),
            "open signal, mne-bids": lambda path=path: read_with_mne_bids(path),
            "open signal, MNE alone": lambda path=path: read_with_mne(path),
        }
        for name, call in calls.items():
            fastest = min(cpu_seconds(call) for _ in range(rounds))
            best[name] = best.get(name, 0.0) + fastest
    for name, seconds in best.items():
        print(f"{name}: {1e3 * seconds / len(recordings):.1f} ms a recording")


def open_signal(dataset: source.Dataset, recording: Recording) -> None:
    with source.open_raw(dataset, recording):
        pass


def read_with_mne(path: BIDSPath) -> None:
    mne.io.read_raw(path.fpath, verbose="error")


def read_with_mne_bids(path: BIDSPath) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_raw_bids(path, on_ch_mismatch="rename", verbose="error")


def compare_plans(folder: Path, n_recordings: int) -> None:
    """Print CPU time and memory of listing windows."""
    events = (
        *(sys.executable, "-m", "bids_dl.cli", "events", folder, "--whole", "--json"),
        *("--window", WINDOW, "--stride", STRIDE),
    )
    loop = (sys.executable, "-c", LOOP, folder, WINDOW, STRIDE)
    for name, command in (("bids-dl events --json", events), ("a loop over mne-bids", loop)):
        arguments = [sys.executable, "-c", MEASURE, *map(str, command)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        seconds, megabytes = map(float, done.stdout.split())
        print(f"{n_recordings} recordings, {name}: {seconds:.1f} s, peak {megabytes:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--recordings", type=int, nargs="*", default=[250, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.folder:
        compare_reading(Path(args.folder), args.rounds)
        return
    for n_recordings in args.recordings:
        with tempfile.TemporaryDirectory() as folder:
            make_dataset(
                folder, n_subjects=n_recordings, n_blocks=3, block_duration=4, format="brainvision"
            )
            if n_recordings == args.recordings[0]:
                compare_reading(Path(folder), args.rounds)
            compare_plans(Path(folder), n_recordings)


if __name__ == "__main__":
    main()
