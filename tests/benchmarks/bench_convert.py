"""Race whole conversions of a folder of EEG recordings against the same work by hand.

    python tests/benchmarks/bench_convert.py BIDS_FOLDER [--rounds 7] [--copies 160] [--jobs 1 2]

Recordings must be EDF with HED events Eyes-open and Eyes-closed, as those of the sample; other
queries are given with ``--hed``. Event-locked windows of 2 s are cut after the default recipe. Each
contestant is a process of its own, and all take turns. CPU is that of the process and all that it
started, imports included. With ``--copies``, subjects are first copied under other names, until
there are that many recordings. The loop by hand cuts windows at all events of the tables. With
``--braindecode PYTHON``, the interpreter of an environment that can import it, braindecode takes
part; it needs a channels.tsv with the names of the EDF files. The ratio of a round is that to MNE
in that round.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bids_dl.demo import sample_folder

DEFAULT_QUERIES = ("eyes_open=Eyes-open", "eyes_closed=Eyes-closed")
TMIN, TMAX = 0.0, 2.0

BY_MNE = """
import csv, sys
from pathlib import Path
import mne
import numpy as np

mne.set_log_level("error")
for number, edf in enumerate(sorted(Path(sys.argv[1]).rglob("*_eeg.edf"))):
    raw = mne.io.read_raw_edf(edf, preload=True).pick("eeg").filter(0.5, 45.0)
    raw.set_eeg_reference("average").resample(128.0, method="polyphase")
    signal = raw.get_data() * 1e6
    with Path(str(edf).replace("_eeg.edf", "_events.tsv")).open() as file:
        starts = [round(float(row["onset"]) * 128) for row in csv.DictReader(file, delimiter="\\t")]
    windows = [signal[:, i : i + 256] for i in starts if 0 <= i <= signal.shape[1] - 256]
    if windows:
        np.save(Path(sys.argv[2]) / f"{number}.npy", np.stack(windows).astype("float32"))
"""

BY_BRAINDECODE = """
import sys, warnings

warnings.filterwarnings("ignore")
import mne
from braindecode.datasets import BIDSDataset
from braindecode.preprocessing import Preprocessor, create_windows_from_events, preprocess

mne.set_log_level("error")
data, out, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
recordings = BIDSDataset(data, datatypes="eeg", extensions=".edf", preload=False)
steps = [
    Preprocessor("pick", picks="eeg"),
    Preprocessor("filter", l_freq=0.5, h_freq=45.0),
    Preprocessor("set_eeg_reference", ref_channels="average"),
    Preprocessor("resample", sfreq=128.0, method="polyphase"),
]
preprocess(recordings, steps, n_jobs=jobs)
windows = create_windows_from_events(
    recordings, trial_start_offset_samples=0, trial_stop_offset_samples=256,
    window_size_samples=256, window_stride_samples=256, preload=True, drop_last_window=False,
    n_jobs=jobs, on_missing="ignore", use_mne_epochs=True,
)
windows.save(out, overwrite=True)
"""


def copy_recordings(source: Path, dest: Path, n_recordings: int) -> None:
    """Copy subjects under other names, until there are that many recordings."""
    dest.mkdir()
    for file in source.iterdir():
        if file.is_file() and file.name != "participants.tsv":
            shutil.copy(file, dest)
    n_copied = 0
    for number, folder in enumerate(itertools.cycle(sorted(source.glob("sub-*")))):
        if n_copied >= n_recordings:
            return
        name = f"sub-c{number:05d}"
        for file in filter(Path.is_file, folder.rglob("*")):
            relative = str(file.relative_to(folder)).replace(folder.name, name)
            target = dest / name / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
            n_copied += file.name.endswith("_eeg.edf")


def commands(
    folder: Path, queries: list[str], jobs: list[int], braindecode: str | None
) -> dict[str, list[str]]:
    """Return the command of each contestant, to which the folder of its output is appended."""
    contestants = {"MNE by hand": [sys.executable, "-c", BY_MNE, str(folder), "OUT"]}
    for n_jobs in jobs:
        convert = [sys.executable, "-m", "bids_dl", "convert", str(folder), "OUT/x.zarr"]
        for query in queries:
            convert += ["--hed", query]
        window = ["--tmin", str(TMIN), "--tmax", str(TMAX), "--jobs", str(n_jobs)]
        contestants[f"bids-dl --jobs {n_jobs}"] = [*convert, *window]
        if braindecode:
            loop = [braindecode, "-c", BY_BRAINDECODE, str(folder), "OUT", str(n_jobs)]
            contestants[f"braindecode n_jobs={n_jobs}"] = loop
    return contestants


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command and return the CPU time of all its processes, and the wall time, in s."""
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryFile("w+") as log:
        own = [part.replace("OUT", out, 1) if part.startswith("OUT") else part for part in command]
        start = time.perf_counter()
        process = subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        log.seek(0)
        if process.returncode:
            sys.exit(f"{command[:4]}: status {process.returncode}\n{log.read()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, wall


def main() -> None:
    """Print CPU and wall time of each contestant, and their ratios to MNE by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=sample_folder())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--hed", nargs="+", default=list(DEFAULT_QUERIES))
    parser.add_argument("--braindecode", metavar="PYTHON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = given.folder
        if given.copies:
            folder = Path(work) / "copies"
            copy_recordings(given.folder, folder, given.copies)
        contestants = commands(folder, given.hed, given.jobs, given.braindecode)
        rounds: list[dict[str, tuple[float, float]]] = []
        for _ in range(given.rounds):
            rounds.append({name: measure(command) for name, command in contestants.items()})
            print(f"load {os.getloadavg()[0]:.1f}", rounds[-1], flush=True)
    for name in contestants:
        cpu, wall = (median(row[name][i] for row in rounds) for i in range(2))
        ratios = [median(row[name][i] / row["MNE by hand"][i] for row in rounds) for i in range(2)]
        print(
            f"{name}: {cpu:.2f} s of CPU, {ratios[0]:.2f} times MNE by hand; "
            f"{wall:.2f} s, {ratios[1]:.2f} times"
        )


if __name__ == "__main__":
    main()
