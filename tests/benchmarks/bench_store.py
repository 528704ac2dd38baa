"""Measure what writing a store costs, what int16 gains and what the size of a chunk changes.

    python tests/benchmarks/bench_store.py [MEGABYTES] [ROUNDS]

Windows are real EEG (the sample, repeated). Times are CPU seconds of this process, medians over
rounds that are interleaved after a warm-up, so that their ratios hold on a busy machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import google_crc32c
import numpy as np
import zarr

import bids_dl
from bids_dl.config.stages import StoreConfig
from bids_dl.demo import sample_folder
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import make_column
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.quantization import MagnitudeHistogram, Quantizer, choose_resolution
from bids_dl.store.signals.window_copies import Destination

BATCH_WINDOWS = 1000  # written at a time, as from staging
CHUNK_WINDOWS = 20  # near half a megabyte
SHARD_BYTES = 96_000_000
CHUNK_BYTES = (30_000, 125_000, 500_000, 2_000_000, 8_000_000)


def read_real_windows(folder: Path, megabytes: int) -> tuple[np.ndarray, list[float]]:
    """Return windows of the sample, repeated to a size, and the deviations of its channels.

    The windows are (n_windows, 24, 256). There is one deviation per channel and recording, in µV.
    """
    hed = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
    url = str(folder / "eyes.zarr")
    bids_dl.convert(str(sample_folder()), url, hed=hed, window=2, stride=2, jobs=1)
    store = open_store(url)
    windows = store.read("signals")
    repeats = max(1, megabytes * 10**6 // windows.nbytes)
    return np.concatenate([windows] * repeats), store.read("recording_std").ravel().tolist()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Measure the CPU time of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(contestants: dict[str, Callable[[], object]], n_rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each contestant, run in turn after one warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(n_rounds + 1):
        for name, work in contestants.items():
            times[name].append(cpu_seconds(work))
    return {name: median(seconds[1:]) for name, seconds in times.items()}


def batches_of(windows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the windows in batches."""
    return (windows[i : i + BATCH_WINDOWS] for i in range(0, len(windows), BATCH_WINDOWS))


def write_store(
    folder: Path,
    windows: np.ndarray,
    resolution: float | None = None,
    chunk_bytes: int = StoreConfig().chunk_bytes,
) -> None:
    """Write a store of signals and one column."""
    shutil.rmtree(folder, ignore_errors=True)
    store = writer.StoreWriter.create(Location(str(folder)), "a plan")
    batches = batches_of(windows)
    writer.write_signals(
        store,
        windows.shape,
        batches if resolution is None else map(Quantizer(resolution), batches),
        StoreConfig(chunk_bytes=chunk_bytes),
        resolution=resolution,
        on_progress=lambda _: None,
    )
    labels = make_column("label", writer.text_array(["eeg"] * len(windows)))
    writer.write_column(store, labels)
    attributes = {"sfreq": 128.0, "classes": {"label": ["eeg"]}}
    writer.finish(store, attributes, ["signals", "label"], {})


def write_plain_file(path: Path, windows: np.ndarray) -> None:
    """Write the bytes to one file with a CRC32C per half megabyte, and flush it: the minimum."""
    starts = range(0, len(windows), CHUNK_WINDOWS)
    chunks = (windows[start : start + CHUNK_WINDOWS] for start in starts)
    checksums = [google_crc32c.value(chunk.tobytes()) for chunk in chunks]
    with path.open("wb") as file:
        for batch in batches_of(windows):
            batch.tofile(file)
        np.array(checksums, "<u4").tofile(file)
        file.flush()
        os.fsync(file.fileno())


def write_plain_zarr(path: Path, windows: np.ndarray) -> None:
    """Write the same array by zarr-python alone, a shard at a time."""
    shutil.rmtree(path, ignore_errors=True)
    shape = windows.shape[1:]
    chunks_per_shard = SHARD_BYTES // (CHUNK_WINDOWS * windows[0].nbytes)
    n_chunks = -(-len(windows) // CHUNK_WINDOWS)
    shard = CHUNK_WINDOWS * min(chunks_per_shard, n_chunks)
    array = zarr.create_array(
        path,
        shape=windows.shape,
        chunks=(CHUNK_WINDOWS, *shape),
        shards=(shard, *shape),
        dtype="float32",
        compressors=[zarr.codecs.Crc32cCodec()],
    )
    for i in range(0, len(windows), shard):
        array[i : i + shard] = windows[i : i + shard]


def read_all(folder: Path) -> None:
    """Read every window once, chunks shuffled, into one batch."""
    store = open_store(str(folder))
    reader = ChunkReader(store.location, store.metadata("signals"))
    size = reader.windows_per_chunk
    batch = np.empty((size, *reader.shape[1:]), np.float32)
    for chunk in np.random.default_rng(0).permutation(reader.n_chunks).tolist():
        rows = np.arange(min(size, reader.shape[0] - chunk * size))
        reader.read([chunk], [[Destination(rows, rows, batch)]])


def count_magnitudes(windows: np.ndarray) -> MagnitudeHistogram:
    """Count the samples by magnitude."""
    histogram = MagnitudeHistogram.empty()
    for batch in batches_of(windows):
        histogram.add(batch)
    return histogram


def quantize(windows: np.ndarray, resolution: float) -> None:
    """Quantize all windows."""
    for batch in batches_of(windows):
        Quantizer(resolution)(batch)


def file_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure_dtypes(folder: Path, windows: np.ndarray, resolution: float, n_rounds: int) -> None:
    """Print the cost of writing and reading stores of both types, and of parts of the work."""
    float32 = folder / "float32.zarr"
    int16 = folder / "int16.zarr"
    times = compare(
        {
            "store, float32": lambda: write_store(float32, windows),
            "store, int16": lambda: write_store(int16, windows, resolution),
            "tofile and CRC32C": lambda: write_plain_file(folder / "plain", windows),
            "zarr-python alone": lambda: write_plain_zarr(folder / "plain.zarr", windows),
            "SHA-256 alone": lambda: hashlib.sha256(windows.reshape(-1).view(np.uint8)).digest(),
            "read float32": lambda: read_all(float32),
            "read int16": lambda: read_all(int16),
            "count magnitudes": lambda: count_magnitudes(windows),
            "quantize": lambda: quantize(windows, resolution),
        },
        n_rounds,
    )
    megabytes = windows.nbytes / 1e6
    for name, seconds in times.items():
        print(
            f"{name:20} {seconds:6.2f} s of CPU, {megabytes / seconds:6.0f} MB/s, "
            f"{seconds / times['store, float32']:5.2f} times writing the float32 store"
        )
    large = file_bytes(float32)
    small = file_bytes(int16)
    print(
        f"bytes: float32 {large / 1e6:.1f} MB, int16 {small / 1e6:.1f} MB, "
        f"{large / small:.2f} times fewer"
    )


def measure_chunk_sizes(folder: Path, windows: np.ndarray, n_rounds: int) -> None:
    """Print the reading speed of stores with chunks of several sizes."""
    contestants = {}
    for chunk_bytes in CHUNK_BYTES:
        path = folder / f"{chunk_bytes}.zarr"
        write_store(path, windows, chunk_bytes=chunk_bytes)
        contestants[str(chunk_bytes)] = lambda path=path: read_all(path)
    times = compare(contestants, n_rounds)
    for chunk_bytes, seconds in times.items():
        print(
            f"chunks of {int(chunk_bytes) / 1e6:5.3f} MB: "
            f"read at {windows.nbytes / 1e6 / seconds:6.0f} MB/s, "
            f"{times['500000'] / seconds:.2f} of 0.5 MB"
        )


def main() -> None:
    """Run all measurements in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=int, default=400)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        windows, deviations = read_real_windows(folder, arguments.megabytes)
        resolution = choose_resolution(count_magnitudes(windows), deviations)
        print(
            f"{windows.nbytes / 1e6:.0f} MB, {len(windows)} windows {windows.shape[1:]}, "
            f"{arguments.rounds} rounds; int16 with a resolution of {resolution:g} uV"
        )
        measure_dtypes(folder, windows, resolution, arguments.rounds)
        measure_chunk_sizes(folder, windows, arguments.rounds)


if __name__ == "__main__":
    main()
