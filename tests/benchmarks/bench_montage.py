"""Measure what it costs to stream stores of several montages and rates as one.

    python tests/benchmarks/bench_montage.py [MEGABYTES] [ROUNDS]

Each of three stores (64, 24 and 129 channels, windows of 2 s) has MEGABYTES of noise. Times are CPU
seconds of this process for an epoch of all windows, medians over rounds that are interleaved after
a warm-up, so that their ratios hold on a busy machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median

import numpy as np
from scipy.signal import resample_poly

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column
from bids_dl.stream import StreamingDataset
from bids_dl.stream.mixing.resampling import make_resampler

CHANNELS = (64, 24, 129)
SECONDS = 2  # of a window
RATE = 128.0  # Hz
OTHER_RATE = 250.0  # Hz, of the store that is resampled
BATCH = 64


def write_store(path: Path, n_chans: int, sfreq: float, megabytes: int) -> str:
    """Write a store of noise with positions, and return its path."""
    n_times = round(SECONDS * sfreq)
    n_windows = megabytes * 10**6 // (4 * n_chans * n_times)
    rng = np.random.default_rng(n_chans)
    signals = rng.standard_normal((n_windows, n_chans, n_times), np.float32)
    store = writer.StoreWriter.create(Location(str(path)), "a plan")
    writer.write_signals(
        store, signals.shape, iter([signals]), StoreConfig(), on_progress=lambda _: None
    )
    columns = [
        make_column("label", writer.text_array(["rest"] * n_windows)),
        make_column("channel", writer.text_array([f"C{i}" for i in range(n_chans)])),
        make_column("channel_position", rng.standard_normal((n_chans, 3)) / 10),
        Column("row", np.arange(n_windows)),
    ]
    writer.write_columns(store, columns)
    attributes = {"sfreq": sfreq, "classes": {"label": ["rest"]}}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(path)


def compare(contestants: dict[str, Callable[[], object]], n_rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each contestant, run in turn after one warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(n_rounds + 1):
        for name, work in contestants.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    return {name: median(seconds[1:]) for name, seconds in times.items()}


def epoch_of(*streams: StreamingDataset) -> Callable[[], None]:
    """Return a function that reads an epoch of each stream."""

    def read() -> None:
        for stream in streams:
            for _batch in stream:
                pass

    return read


def stream_of(store: str | list[str], **options: object) -> StreamingDataset:
    """Return a stream with the options of this benchmark."""
    return StreamingDataset(store, target="row", batch_size=BATCH, **options)


def measure_resampling(n_rounds: int) -> None:
    """Print the cost of resampling a batch against SciPy's function."""
    signals = np.random.default_rng(0).standard_normal((BATCH, 64, 500), np.float32)
    resampler = make_resampler(500, Fraction(64, 125))
    times = compare(
        {
            "stream": lambda: resampler(signals),
            "SciPy": lambda: resample_poly(signals, 64, 125, axis=2, padtype="edge"),
        },
        n_rounds,
    )
    print(
        f"resampling (64, 64, 500) from 250 to 128 Hz: {1000 * times['stream']:.1f} ms, "
        f"{times['stream'] / times['SciPy']:.2f} of scipy.signal.resample_poly"
    )


def main() -> None:
    """Run all measurements in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=int, default=150)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [
            write_store(folder / f"{n_chans}.zarr", n_chans, RATE, arguments.megabytes)
            for n_chans in CHANNELS
        ]
        faster = write_store(folder / "faster.zarr", 64, OTHER_RATE, arguments.megabytes)
        plain = [stream_of(path) for path in paths]
        times = compare(
            {
                "each store alone": epoch_of(*plain),
                "each alone, z-scores": epoch_of(
                    *(stream_of(path, normalize="window") for path in paths)
                ),
                "any montage": epoch_of(stream_of(paths, montage="any")),
                "any montage, z-scores": epoch_of(
                    stream_of(paths, montage="any", normalize="window")
                ),
                "the store of 250 Hz alone": epoch_of(stream_of(faster)),
                "the same at 128 Hz": epoch_of(stream_of(faster, sfreq=RATE)),
            },
            arguments.rounds,
        )
        n_batches = sum(len(stream) for stream in plain)
    for what, seconds in times.items():
        print(f"{what:28} {seconds:6.2f} s of CPU")
    print(
        f"any montage: {times['any montage'] / times['each store alone']:.2f} times each alone; "
        f"z-scored {times['any montage, z-scores'] / times['each alone, z-scores']:.2f} times; "
        f"{1000 * times['any montage'] / n_batches:.1f} ms per batch of {BATCH}"
    )
    measure_resampling(arguments.rounds)


if __name__ == "__main__":
    main()
