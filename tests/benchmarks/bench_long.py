"""Measure memory and CPU time of converting a long recording, and of plain MNE on all of it.

    python tests/benchmarks/bench_long.py [--hours 2] [--channels 64] [--rate 1000]
                                          [--memory 1.5GB] [--folder FOLDER]

Write a BrainVision recording (0.9 GB by default) to a temporary folder, convert it with windows
of 2 s over its whole length, then run the default recipe by hand, each in a process of its own.
The results are the peak resident memory of the largest process and the ratio of the CPU times.
Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

STEM = "sub-001/eeg/sub-001_task-rest"
HEADER = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={name}.eeg
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n_chans}
SamplingInterval={interval:g}

[Binary Infos]
BinaryFormat=INT_16

[Channel Infos]
"""
PLAIN_MNE_SCRIPT = """
import sys, numpy as np, mne
mne.set_log_level("error")
raw = mne.io.read_raw_brainvision(sys.argv[1], preload=True).filter(0.5, 45.0)
raw.set_eeg_reference("average").resample(128.0, method="polyphase")
signals = raw.get_data()[:, : raw.n_times // 256 * 256]
windows = signals.reshape(len(raw.ch_names), -1, 256).swapaxes(0, 1)
np.save(sys.argv[2], (windows * 1e6).astype("float32"))
"""
NOISE_SECONDS = 10
POLL_SECONDS = 0.05


def write_dataset(root: Path, *, hours: float, n_chans: int, sfreq: float) -> Path:
    """Write a dataset of one recording that repeats shifted noise, and return its header file."""
    stem = root / STEM
    stem.parent.mkdir(parents=True)
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "long", "BIDSVersion": "1.10.0", "HEDVersion": "8.3.0"})
    )
    (root / "task-rest_events.json").write_text(
        json.dumps({"trial_type": {"HED": {"rest": "Eyes-closed"}}})
    )
    Path(f"{stem}_events.tsv").write_text(
        f"onset\tduration\ttrial_type\n0\t{hours * 3600:g}\trest\n"
    )
    Path(f"{stem}_eeg.json").write_text(
        json.dumps({"TaskName": "rest", "SamplingFrequency": sfreq, "PowerLineFrequency": 50})
    )
    names = [f"E{i + 1}" for i in range(n_chans)]
    rows = "".join(f"{name}\tEEG\tuV\n" for name in names)
    Path(f"{stem}_channels.tsv").write_text(f"name\ttype\tunits\n{rows}")
    header = HEADER.format(name=f"{stem.name}_eeg", n_chans=n_chans, interval=1e6 / sfreq)
    channels = "".join(f"Ch{i + 1}={name},,0.1,µV\n" for i, name in enumerate(names))
    path = Path(f"{stem}_eeg.vhdr")
    path.write_text(header + channels, encoding="utf-8")
    rng = np.random.default_rng(0)
    n_times = int(NOISE_SECONDS * sfreq)
    noise = rng.integers(-2000, 2000, (n_times + 997, n_chans), dtype=np.int16)
    with path.with_suffix(".eeg").open("wb") as file:
        for i in range(round(hours * 3600 / NOISE_SECONDS)):
            file.write(np.roll(noise, 131 * i, axis=0)[:n_times].tobytes())
    return path


def measure_command(command: list[str]) -> tuple[float, float]:
    """Measure a command.

    Returns
    -------
    cpu_seconds : float
        CPU time of the command and its children.
    peak_bytes : float
        Peak resident memory of the largest of these processes.
    """
    peaks: dict[int, int] = {}
    before = os.times()
    process = subprocess.Popen(command)
    watcher = threading.Thread(target=_watch_memory, args=(process, peaks))
    watcher.start()
    if process.wait():
        sys.exit(f"failed: {command}")
    watcher.join()
    after = os.times()
    user_seconds = after.children_user - before.children_user
    system_seconds = after.children_system - before.children_system
    return user_seconds + system_seconds, max(peaks.values())


def _watch_memory(command: subprocess.Popen[bytes], peaks: dict[int, int]) -> None:
    """Record the peak memory of a process and its children, by process id, until it ends."""
    while command.poll() is None:
        try:
            parent = psutil.Process(command.pid)
            for process in [parent, *parent.children(recursive=True)]:
                peaks[process.pid] = max(peaks.get(process.pid, 0), _peak_memory(process.pid))
        except (OSError, psutil.Error):
            pass  # a process that has just ended
        time.sleep(POLL_SECONDS)


def _peak_memory(pid: int) -> int:
    """Read the peak resident memory of a process in bytes, 0 if the kernel does not state it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    return 0


def main() -> None:
    """Print memory and CPU time of both, and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--memory", default="1.5GB")
    parser.add_argument("--folder", help="for the temporary files")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(dir=args.folder) as work:
        root = Path(work) / "long"
        path = write_dataset(root, hours=args.hours, n_chans=args.channels, sfreq=args.rate)
        size = path.with_suffix(".eeg").stat().st_size / 1e9
        print(
            f"{args.channels} channels, {args.hours:g} h at {args.rate:g} Hz: {size:.2f} GB",
            flush=True,
        )
        command = [sys.executable, "-m", "bids_dl", "convert", str(root), f"{work}/long.zarr"]
        command += ["--hed", "closed=Eyes-closed", "--window", "2"]
        converted = measure_command([*command, "--jobs", "1", "--memory", args.memory])
        by_hand = measure_command(
            [sys.executable, "-c", PLAIN_MNE_SCRIPT, str(path), f"{work}/windows.npy"]
        )
    for name, (cpu, peak) in (("bids-dl convert", converted), ("by hand, whole", by_hand)):
        print(f"{name}: {cpu:.1f} s of CPU, largest process {peak / 1e9:.2f} GB")
    cpu_ratio = converted[0] / by_hand[0]
    memory_ratio = converted[1] / by_hand[1]
    print(f"ratio of CPU times {cpu_ratio:.2f}, of memory {memory_ratio:.2f}")


if __name__ == "__main__":
    main()
