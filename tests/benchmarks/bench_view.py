"""Measure CPU and wall time of pages of a recording at 32 kHz, and the memory of many pages.

    python tests/benchmarks/bench_view.py [--minutes 10] [--rate 32000] [--width 1540]
                                          [--pages 1000] [--folder FOLDER]

Write a BrainVision recording of 20 contacts of two shafts (0.8 GB by default), and compute pages
of it in several montages, with several filters. Each page is another part of the recording. The
files are in the cache of the system. Then compute many pages, and print the resident memory.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from long_recordings import LongRecording, write_long_recording

from bids_dl import source
from bids_dl.annotate.viewing import (
    RecordingKey,
    SourceRecording,
    SourceSignals,
    ViewRequest,
    compute_view,
    encode_view,
)
from bids_dl.config.stages import SourceConfig

N_REPEATS = 15
CASES: tuple[tuple[float, dict[str, Any]], ...] = (
    (10.0, {}),
    (10.0, {"montage": "neighbours"}),
    (10.0, {"montage": "average"}),
    (10.0, {"low": 1.0, "high": 70.0}),
    (10.0, {"montage": "neighbours", "low": 1.0, "high": 70.0}),
    (10.0, {"montage": "neighbours", "low": 1.0, "high": 70.0, "notch": 50.0}),
    (10.0, {"montage": "average", "low": 1.0, "high": 70.0, "notch": 50.0}),
    (10.0, {"montage": "neighbours", "low": 1.0, "high": 250.0}),
    (10.0, {"montage": "neighbours", "low": 0.16, "high": 70.0}),
    (10.0, {"montage": "neighbours", "low": 1.0}),
    (10.0, {"montage": "neighbours", "low": 70.0, "notch": 50.0}),
    (1.0, {"montage": "neighbours", "low": 1.0, "high": 70.0}),
    (30.0, {"montage": "neighbours", "low": 1.0, "high": 70.0}),
    (60.0, {"montage": "neighbours", "low": 1.0, "high": 70.0}),
    (120.0, {"montage": "neighbours", "low": 1.0}),
)


def measure_pages(
    signals: SourceSignals, key: RecordingKey, requests: list[ViewRequest]
) -> tuple[list[float], list[float], int]:
    """Return CPU and wall times in ms of each page, and the bytes of the last."""
    cpu: list[float] = []
    wall: list[float] = []
    n_bytes = 0
    for request in requests:
        before = time.process_time(), time.perf_counter()
        n_bytes = len(encode_view(compute_view(signals, key, request)))
        cpu.append(1e3 * (time.process_time() - before[0]))
        wall.append(1e3 * (time.perf_counter() - before[1]))
    return cpu, wall, n_bytes


def print_case(
    signals: SourceSignals, key: RecordingKey, width: int, duration: float, options: dict[str, Any]
) -> None:
    """Print the times of one kind of page."""
    seconds = signals.header(key).seconds
    starts = [(seconds - duration) * i / N_REPEATS for i in range(N_REPEATS)]
    requests = [ViewRequest(start, duration, width, **options) for start in starts]
    cpu, wall, n_bytes = measure_pages(signals, key, requests)
    words = " ".join(f"{name} {value}" for name, value in options.items()) or "as recorded"
    print(
        f"{duration:g} s, {words}: CPU {median(cpu):.0f} ms (least {min(cpu):.0f}), "
        f"wall {median(wall):.0f} ms (least {min(wall):.0f}), {n_bytes / 1e3:.0f} kB",
        flush=True,
    )


def print_memory(signals: SourceSignals, key: RecordingKey, width: int, n_pages: int) -> None:
    """Print the resident memory after a tenth of the pages and after all."""
    process = psutil.Process()
    seconds = signals.header(key).seconds
    for number in range(1, n_pages + 1):
        options = CASES[number % 11][1]
        start = (seconds - 10) * (number * 0.618 % 1)
        encode_view(compute_view(signals, key, ViewRequest(start, 10.0, width, **options)))
        if number in {n_pages // 10, n_pages}:
            gc.collect()
            print(f"{number} pages: {process.memory_info().rss / 1e6:.0f} MB resident", flush=True)


def main() -> None:
    """Write the recording, and print times and memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=32_000.0)
    parser.add_argument("--width", type=int, default=1540)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--folder", help="for the temporary files")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as work:
        content = LongRecording(seconds=60 * args.minutes, sfreq=args.rate)
        root = write_long_recording(Path(work) / "long", content)
        dataset = source.open_dataset(str(root))
        [recording] = source.find_recordings(dataset, SourceConfig())
        key = (recording.dataset, recording.path)
        with SourceSignals({key: SourceRecording(dataset, recording)}) as signals:
            before = time.perf_counter()
            signals.header(key)
            print(f"opened in {1e3 * (time.perf_counter() - before):.0f} ms", flush=True)
            for duration, options in CASES:
                print_case(signals, key, args.width, duration, options)
            if args.pages:
                print_memory(signals, key, args.width, args.pages)


if __name__ == "__main__":
    main()
