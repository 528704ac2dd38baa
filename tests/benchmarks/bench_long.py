"""Memory and CPU time of converting a long recording, beside the same MNE calls on the whole of it.

    python tests/benchmarks/bench_long.py [--hours 2] [--channels 64] [--rate 1000] [--memory 1.5GB] [--folder FOLDER]

Writes a BrainVision recording (0.9 GB by default) to a temporary folder, converts it with windows of 2 s over its whole length, and then
does what the default recipe does by hand, each as a process of its own. What counts: peak resident memory of the largest process, and the
ratio of the CPU times. Linux only.
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
BY_HAND = """
import sys, numpy as np, mne
mne.set_log_level("error")
raw = mne.io.read_raw_brainvision(sys.argv[1], preload=True).filter(0.5, 45.0)
raw.set_eeg_reference("average").resample(128.0, method="polyphase")
windows = raw.get_data()[:, : raw.n_times // 256 * 256].reshape(len(raw.ch_names), -1, 256).swapaxes(0, 1)
np.save(sys.argv[2], (windows * 1e6).astype("float32"))
"""


def write_dataset(root: Path, *, hours: float, n_chans: int, sfreq: float) -> Path:
    """A dataset of one recording, 10 s of noise at a time; the header file."""
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
    noise = rng.integers(-2000, 2000, (int(10 * sfreq) + 997, n_chans), dtype=np.int16)
    with path.with_suffix(".eeg").open("wb") as file:
        for i in range(round(hours * 360)):
            file.write(np.roll(noise, 131 * i, axis=0)[: int(10 * sfreq)].tobytes())
    return path


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds of a command and its children, and peak resident bytes of the largest of these processes."""
    peaks: dict[int, int] = {}
    before = os.times()
    running = subprocess.Popen(command)
    watch = threading.Thread(target=_watch, args=(running, peaks))
    watch.start()
    if running.wait():
        sys.exit(f"failed: {command}")
    watch.join()
    after = os.times()
    return (
        after.children_user - before.children_user + after.children_system - before.children_system,
        max(peaks.values()),
    )


def _watch(running: subprocess.Popen[bytes], peaks: dict[int, int]) -> None:
    while running.poll() is None:
        try:
            top = psutil.Process(running.pid)
            for process in [top, *top.children(recursive=True)]:
                status = Path(f"/proc/{process.pid}/status").read_text()
                high = next(
                    (line for line in status.splitlines() if line.startswith("VmHWM")),
                    "VmHWM: 0 kB",
                )
                peaks[process.pid] = max(peaks.get(process.pid, 0), 1024 * int(high.split()[1]))
        except (OSError, psutil.Error):
            pass  # one that has just ended
        time.sleep(0.05)


def main() -> None:
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
        flags = [
            "--hed",
            "closed=Eyes-closed",
            "--window",
            "2",
            "--jobs",
            "1",
            "--memory",
            args.memory,
        ]
        ours = measured(
            [sys.executable, "-m", "bids_dl.cli", "convert", str(root), f"{work}/long.zarr", *flags]
        )
        theirs = measured([sys.executable, "-c", BY_HAND, str(path), f"{work}/windows.npy"])
    for name, (cpu, peak) in (("bids-dl convert", ours), ("by hand, whole", theirs)):
        print(f"{name}: {cpu:.1f} s of CPU, largest process {peak / 1e9:.2f} GB")
    print(f"ratio of CPU times {ours[0] / theirs[0]:.2f}, of memory {ours[1] / theirs[1]:.2f}")


if __name__ == "__main__":
    main()
