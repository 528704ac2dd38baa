"""Measure streaming from disk, beside a shuffled gather from a memory map and other libraries.

    python tests/benchmarks/bench_stream.py [--windows 40000] [--shape 24 256] [--rounds 5]
    python tests/benchmarks/bench_stream.py --shape 129 1000 --windows 4000
    python tests/benchmarks/bench_stream.py --opening --windows 4000000

A store of synthetic EEG of 100 recordings is written to a temporary folder, as float32 and as
int16, and the same windows as one .npy file. Every measurement is a process of its own, and all
take turns. Each streams one epoch, whose time does not count, and then whole epochs for --seconds.
CPU is that of the process, imports excluded. The ratio of a round is that to the gather in that
round. litdata and mosaicml-streaming take part if they can be imported.

With --opening, a store of many small windows is opened instead: chunks hold 20 windows, and a pool
160 chunks, as with windows of 25 kB. Its first batch is timed after it.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

BATCH_SIZE = 64
N_RECORDINGS = 100
SFREQ = 128.0  # Hz
RESOLUTION = 0.125  # µV of one integer
SPARSE_SHARE = 0.02  # of the windows, selected at random
SMALL_WINDOW = (2, 8)  # of a store that is only opened
SMALL_CHUNK = 20 * 4 * 2 * 8  # bytes
POOL_CHUNKS = 160
IMPORT = "import bids_dl.stream"
BLOCK_WINDOWS = 1000  # written at once

GATHER = "gather from a memory map"
STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "float32": ("float32.zarr", {}),
    "float32, normalized": ("float32.zarr", {"normalize": "recording"}),
    "float32, 2 % at random": ("float32.zarr", {"where": "sparse"}),
    "int16": ("int16.zarr", {}),
    "int16, normalized": ("int16.zarr", {"normalize": "recording"}),
    "int16, 2 % at random": ("int16.zarr", {"where": "sparse"}),
}
PEERS = {"litdata": "litdata", "mosaicml-streaming": "streaming"}  # module by name


def make_recording(rng: np.random.Generator, n_windows: int, shape: tuple[int, int]) -> np.ndarray:
    """Return windows (n_windows, n_chans, n_times) of noise in µV that compresses as EEG does.

    Channels mix sources of pink noise, band-limited as by filters, and have noise of their own.
    """
    n_chans, n_times = shape
    n_samples = n_windows * n_times
    n_sources = max(4, n_chans // 3)
    freqs = np.fft.rfftfreq(n_samples, 1 / SFREQ)
    amplitude = np.maximum(freqs, 0.5) ** -0.5
    amplitude[(freqs < 0.3) | (freqs > 0.45 * SFREQ)] *= 0.1
    phases = np.exp(2j * np.pi * rng.random((n_sources, len(freqs))))
    sources = np.fft.irfft(amplitude * phases, n=n_samples, axis=1)
    sources /= sources.std(axis=1, keepdims=True)
    signal = rng.standard_normal((n_chans, n_sources)) / np.sqrt(n_sources) @ sources
    signal += 0.15 * rng.standard_normal(signal.shape)
    signal *= 20 / signal.std()
    windows = signal.reshape(n_chans, n_windows, n_times).transpose(1, 0, 2)
    return windows.astype(np.float32)


def write_windows(path: Path, n_windows: int, shape: tuple[int, int]) -> np.ndarray:
    """Write windows of all recordings to a .npy file, and return its memory map."""
    rng = np.random.default_rng(0)
    windows = np.lib.format.open_memmap(path, "w+", np.float32, (n_windows, *shape))
    for part in np.array_split(windows, N_RECORDINGS):
        part[...] = make_recording(rng, len(part), shape)
    windows.flush()
    return windows


def write_store(
    path: Path, windows: np.ndarray, resolution: float | None = None, chunk_bytes: int = 500_000
) -> None:
    """Write windows as a store with the columns and statistics of a conversion."""
    from bids_dl.config.stages import StoreConfig
    from bids_dl.remote.location import Location
    from bids_dl.store import writer
    from bids_dl.store.signals.quantization import Quantizer

    store = writer.StoreWriter.create(Location(str(path)), "benchmark")
    starts = range(0, len(windows), BLOCK_WINDOWS)
    blocks = (np.ascontiguousarray(windows[i : i + BLOCK_WINDOWS]) for i in starts)
    writer.write_signals(
        store,
        windows.shape,
        blocks if resolution is None else map(Quantizer(resolution), blocks),
        StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=96_000_000),
        resolution=resolution,
        on_progress=lambda _: None,
    )
    columns = make_columns(windows)
    writer.write_columns(store, columns)
    names = ["signals", *(column.name for column in columns)]
    writer.finish(store, {"sfreq": SFREQ, "classes": {"label": ["a", "b"]}}, names, {})


def make_columns(windows: np.ndarray) -> list[Any]:
    """Return the columns of a store of windows, and the statistics of its recordings."""
    from bids_dl.store.format import Column, make_column
    from bids_dl.store.writer import text_array

    parts = np.array_split(windows, N_RECORDINGS)
    sizes = [len(part) for part in parts]
    recording = np.repeat(np.arange(N_RECORDINGS), sizes).tolist()
    rows = range(len(windows))
    names = [f"sub-{i:03}/eeg/sub-{i:03}" for i in range(N_RECORDINGS)]
    return [
        make_column("channel", text_array([f"E{i}" for i in range(windows.shape[1])])),
        make_column("dataset", text_array(["made"] * len(windows))),
        make_column("recording", text_array([names[i] for i in recording])),
        make_column("subject", text_array([names[i][4:7] for i in recording])),
        make_column("label", text_array(["ab"[row % 2] for row in rows])),
        Column("onset", np.arange(len(windows)) * windows.shape[2] / SFREQ),
        make_column("recording_mean", np.stack([p.mean((0, 2), dtype=float) for p in parts])),
        make_column("recording_std", np.stack([p.std((0, 2), dtype=float) for p in parts])),
        make_column("recording_windows", np.array(sizes, np.int64)),
    ]


def gather_epochs(folder: Path) -> Iterator[Iterator[int]]:
    """Yield epochs of a shuffled gather from a memory map."""
    import torch

    windows = np.load(folder / "windows.npy", mmap_mode="r")

    def epoch() -> Iterator[int]:
        order = np.random.default_rng().permutation(len(windows))
        for start in range(0, len(order), BATCH_SIZE):
            batch = torch.from_numpy(windows[order[start : start + BATCH_SIZE]])
            batch[0, 0].sum()
            yield len(batch)

    while True:
        yield epoch()


def stream_epochs(folder: Path, name: str) -> Iterator[Iterator[int]]:
    """Yield epochs of a stream."""
    from bids_dl import StreamingDataset, open_store

    store, options = STREAMS[name]
    url = str(folder / store)
    if options.get("where") == "sparse":
        where = np.random.default_rng(0).random(len(open_store(url))) < SPARSE_SHARE
        options = {"where": where}
    stream = StreamingDataset(url, batch_size=BATCH_SIZE, **options)

    def epoch() -> Iterator[int]:
        for signals, _, _ in stream:
            signals[0, 0].sum()
            yield len(signals)

    for number in itertools.count():
        stream.set_epoch(number)
        yield epoch()


def write_litdata(folder: Path) -> None:
    """Write the windows for litdata, if that was not done yet."""
    from litdata import optimize

    if not (folder / "litdata").exists():
        n_windows = len(np.load(folder / "windows.npy", mmap_mode="r"))
        inputs = [(str(folder / "windows.npy"), row) for row in range(n_windows)]
        output = str(folder / "litdata")
        optimize(sample, inputs, output, chunk_bytes="64MB", num_workers=2, verbose=False)


def sample(place: tuple[str, int]) -> dict[str, Any]:
    """Return one window as a sample of another library."""
    path, row = place
    window = np.array(np.load(path, mmap_mode="r")[row])
    return {"x": window, "y": row % 2, "index": row}


def litdata_epochs(folder: Path) -> Iterator[Iterator[int]]:
    """Yield epochs of litdata."""
    from litdata import StreamingDataLoader, StreamingDataset

    write_litdata(folder)
    windows = StreamingDataset(str(folder / "litdata"), shuffle=True, drop_last=True)
    loader = StreamingDataLoader(windows, batch_size=BATCH_SIZE, num_workers=0, drop_last=True)
    return peer_epochs(loader)


def mosaicml_epochs(folder: Path) -> Iterator[Iterator[int]]:
    """Yield epochs of mosaicml-streaming."""
    from streaming import MDSWriter, StreamingDataLoader, StreamingDataset

    output = folder / "mosaicml"
    if not output.exists():
        windows = np.load(folder / "windows.npy", mmap_mode="r")
        shape = ",".join(map(str, windows.shape[1:]))
        columns = {"x": f"ndarray:float32:{shape}", "y": "int64", "index": "int64"}
        with MDSWriter(out=str(output), columns=columns, size_limit=1 << 26) as writer:
            for row in range(len(windows)):
                made = sample((str(folder / "windows.npy"), row))
                writer.write({**made, "y": np.int64(made["y"]), "index": np.int64(row)})
    dataset = StreamingDataset(local=str(output), shuffle=True, batch_size=BATCH_SIZE)
    return peer_epochs(StreamingDataLoader(dataset, batch_size=BATCH_SIZE, num_workers=0))


def peer_epochs(loader: Any) -> Iterator[Iterator[int]]:
    """Yield epochs of a loader of another library."""

    def epoch() -> Iterator[int]:
        for batch in loader:
            batch["x"][0, 0].sum()
            yield len(batch["x"])

    while True:
        yield epoch()


def measure_epochs(folder: Path, name: str, seconds: float) -> float:
    """Return the CPU time per window in µs, after one epoch."""
    import torch

    torch.set_num_threads(1)
    others: dict[str, Callable[[Path], Iterator[Iterator[int]]]] = {
        GATHER: gather_epochs,
        "litdata": litdata_epochs,
        "mosaicml-streaming": mosaicml_epochs,
    }
    epochs = others[name](folder) if name in others else stream_epochs(folder, name)
    sum(next(epochs))
    n_windows = 0
    wall = time.perf_counter()
    cpu = time.process_time()
    while time.perf_counter() - wall < seconds:
        n_windows += sum(next(epochs))
    return 1e6 * (time.process_time() - cpu) / n_windows


def measure_import() -> float:
    """Return the CPU time of importing the stream in s, NumPy and PyTorch excluded."""
    import torch  # noqa: F401

    start = time.process_time()
    import bids_dl.stream  # noqa: F401

    return time.process_time() - start


def measure_opening(folder: Path) -> tuple[float, float]:
    """Return the CPU time in s of opening a large store, and of its first batch."""
    from bids_dl.stream import StreamingDataset

    start = time.process_time()
    pool = POOL_CHUNKS * SMALL_CHUNK
    stream = StreamingDataset(str(folder / "large.zarr"), batch_size=BATCH_SIZE, pool_bytes=pool)
    opened = time.process_time()
    next(iter(stream))
    return opened - start, time.process_time() - opened


def in_process(folder: Path, name: str, seconds: float) -> Any:
    """Measure in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--once", name, "--folder", str(folder)]
    command += ["--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_once(folder: Path, name: str, seconds: float) -> Any:
    """Measure in this process."""
    if name == IMPORT:
        return measure_import()
    if name == "opening":
        return measure_opening(folder)
    return measure_epochs(folder, name, seconds)


def race(folder: Path, n_rounds: int, seconds: float) -> None:
    """Measure all contestants in turn, and print medians and ratios."""
    names = [GATHER, *STREAMS]
    for name, module in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name} is missing")
        else:
            names.append(name)
    rounds: list[dict[str, float]] = []
    for number in range(n_rounds + 1):  # the first warms the page cache
        micros = {name: in_process(folder, name, seconds) for name in [*names, IMPORT]}
        if number:
            rounds.append(micros)
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"{f'median of {n_rounds}':26} µs of CPU  per core-s   x gather   above plain, x plain")
    for name in names:
        micros_per_window = median(row[name] for row in rounds)
        ratio = median(row[GATHER] / row[name] for row in rounds)
        plain = name.split(",")[0]
        above = ""
        if plain != name:
            above = f"{median(row[name] - row[plain] for row in rounds):+.2f} µs, "
            above += f"x{median(row[plain] / row[name] for row in rounds):.2f}"
        print(
            f"{name:26} {micros_per_window:9.2f} {1e6 / micros_per_window:11,.0f} {ratio:10.3f}   "
            f"{above}"
        )
    print(f"{IMPORT}: {median(row[IMPORT] for row in rounds):.3f} s of CPU after torch")


def time_opening(folder: Path, n_windows: int, n_rounds: int) -> None:
    """Write a store of many windows, and print the CPU time of its opening and first batch."""
    windows = np.broadcast_to(np.float32(0), (n_windows, *SMALL_WINDOW))
    write_store(folder / "large.zarr", windows, chunk_bytes=SMALL_CHUNK)
    times: list[tuple[float, float]] = []
    for number in range(n_rounds + 1):
        opening, first_batch = in_process(folder, "opening", 0)
        if number:
            times.append((opening, first_batch))
            print(f"load {os.getloadavg()[0]:.1f}: {opening:.2f} s, {first_batch:.2f} s")
    opening, first_batch = (median(column) for column in zip(*times, strict=True))
    print(f"{n_windows:,} windows: opening {opening:.2f}, first batch {first_batch:.2f} s of CPU")


def main() -> None:
    """Write the stores, and measure them round after round."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=40_000)
    parser.add_argument("--shape", type=int, nargs=2, default=(24, 256))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--opening", action="store_true", help="open a large store only")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--once", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(measure_once(arguments.folder, arguments.once, arguments.seconds)))
        return
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        if arguments.opening:
            time_opening(folder, arguments.windows, arguments.rounds)
            return
        windows = write_windows(
            folder / "windows.npy", arguments.windows, (arguments.shape[0], arguments.shape[1])
        )
        write_store(folder / "float32.zarr", windows)
        write_store(folder / "int16.zarr", windows, RESOLUTION)
        race(folder, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
