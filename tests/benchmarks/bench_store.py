"""What writing a store costs, what int16 gains, and what a chunk's size does: ratios, each measured in one run.

    python tests/benchmarks/bench_store.py [MEGABYTES] [ROUNDS]

Windows are real EEG (the sample, repeated). CPU time of this process; rounds are interleaved after a warm-up, medians count.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
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
from bids_dl.store.chunks import ChunkReader
from bids_dl.store.quantization import MagnitudeHistogram, Quantizer, choose_resolution

PIECE = 1000  # windows handed over at a time, as staging does


def real_windows(folder: Path, megabytes: int) -> tuple[np.ndarray, list[float]]:
    """Windows (n_windows, 24, 256) of the sample, repeated to a size, and the deviation of each channel of each recording."""
    hed = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
    bids_dl.convert(
        str(sample_folder()), str(folder / "eyes.zarr"), hed=hed, window=2, stride=2, jobs=1
    )
    store = open_store(str(folder / "eyes.zarr"))
    windows = store.read("signals")
    return np.concatenate([windows] * max(1, megabytes * 10**6 // windows.nbytes)), store.read(
        "recording_std"
    ).ravel().tolist()


def cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def raced(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, run in turn; the first round warms up."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, work in contestants.items():
            found[name].append(cpu(work))
    return {name: median(times[1:]) for name, times in found.items()}


def pieces(windows: np.ndarray) -> Iterator[np.ndarray]:
    return (windows[i : i + PIECE] for i in range(0, len(windows), PIECE))


def ours(
    folder: Path,
    windows: np.ndarray,
    step: float | None = None,
    chunk_bytes: int = StoreConfig().chunk_bytes,
) -> None:
    """A store of nothing but its signals."""
    shutil.rmtree(folder, ignore_errors=True)
    draft = writer.StoreWriter.create(Location(str(folder)), "a plan")
    blocks = pieces(windows) if step is None else map(Quantizer(step), pieces(windows))
    writer.write_signals(
        draft,
        windows.shape,
        blocks,
        StoreConfig(chunk_bytes=chunk_bytes),
        resolution=step,
        on_progress=lambda _: None,
    )
    writer.finish(draft, {"sfreq": 128.0, "classes": {}}, ["signals"], {})


def plain_file(path: Path, windows: np.ndarray) -> None:
    """The least that could be done: the bytes in one file, with one CRC32C for each half megabyte, and the disk told to keep them."""
    checksums = [
        google_crc32c.value(windows[i : i + 20].tobytes()) for i in range(0, len(windows), 20)
    ]
    with path.open("wb") as file:
        for piece in pieces(windows):
            piece.tofile(file)
        np.array(checksums, "<u4").tofile(file)
        file.flush()
        os.fsync(file.fileno())


def plain_zarr(path: Path, windows: np.ndarray) -> None:
    """The same array by zarr-python alone, a shard at a time."""
    shutil.rmtree(path, ignore_errors=True)
    shape = windows.shape[1:]
    shard = 20 * (96_000_000 // (20 * windows[0].nbytes))
    shard = min(shard, 20 * -(-len(windows) // 20))
    array = zarr.create_array(
        path,
        shape=windows.shape,
        chunks=(20, *shape),
        shards=(shard, *shape),
        dtype="float32",
        compressors=[zarr.codecs.Crc32cCodec()],
    )
    for i in range(0, len(windows), shard):
        array[i : i + shard] = windows[i : i + shard]


def read_all(folder: Path) -> None:
    """Every window once, chunks shuffled, each into memory of its own batch."""
    store = open_store(str(folder))
    reader = ChunkReader(store.location, store.metadata("signals"))
    rows = list(np.empty((reader.windows_per_chunk, *reader.shape[1:]), np.float32))
    for chunk in np.random.default_rng(0).permutation(reader.n_chunks).tolist():
        reader.read([chunk], [rows])


def nbytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    megabytes, rounds = (
        int(given) for given in [*sys.argv[1:3], *("400", "5")[len(sys.argv[1:3]) :]]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        windows, deviations = real_windows(folder, megabytes)
        magnitudes = MagnitudeHistogram.empty()
        step = choose_resolution(_counted(magnitudes, windows), deviations)
        a, b = folder / "a.zarr", folder / "b.zarr"
        times = raced(
            {
                "store, float32": lambda: ours(a, windows),
                "store, int16": lambda: ours(b, windows, step),
                "tofile and CRC32C": lambda: plain_file(folder / "plain", windows),
                "zarr-python alone": lambda: plain_zarr(folder / "plain.zarr", windows),
                "SHA-256 alone": lambda: hashlib.sha256(
                    windows.reshape(-1).view(np.uint8).data
                ).digest(),
                "read float32": lambda: read_all(a),
                "read int16": lambda: read_all(b),
                "count magnitudes": lambda: _counted(MagnitudeHistogram.empty(), windows),
                "round to int16": lambda: [Quantizer(step)(piece) for piece in pieces(windows)],
            },
            rounds,
        )
        size = windows.nbytes / 1e6
        print(
            f"{size:.0f} MB, {len(windows)} windows {windows.shape[1:]}, {rounds} rounds; int16 in steps of {step:g} uV"
        )
        for what, seconds in times.items():
            ratio = seconds / times["store, float32"]
            print(
                f"{what:20} {seconds:6.2f} s of CPU, {size / seconds:6.0f} MB/s, {ratio:5.2f} times that of the store in float32"
            )
        print(
            f"bytes: float32 {nbytes(a) / 1e6:.1f} MB, int16 {nbytes(b) / 1e6:.1f} MB, {nbytes(a) / nbytes(b):.2f} times fewer"
        )
        sizes = {
            chunk: folder / f"{chunk}.zarr"
            for chunk in (30_000, 125_000, 500_000, 2_000_000, 8_000_000)
        }
        for chunk, place in sizes.items():
            ours(place, windows, chunk_bytes=chunk)
        times = raced(
            {str(chunk): lambda place=place: read_all(place) for chunk, place in sizes.items()},
            rounds,
        )
        for chunk, seconds in times.items():
            print(
                f"chunks of {int(chunk) / 1e6:5.3f} MB: read at {size / seconds:6.0f} MB/s, {times['500000'] / seconds:.2f} of 0.5 MB"
            )


def _counted(magnitudes: MagnitudeHistogram, windows: np.ndarray) -> MagnitudeHistogram:
    for piece in pieces(windows):
        magnitudes.add(piece)
    return magnitudes


if __name__ == "__main__":
    main()
