"""Measure streaming from a server that answers late, by bids_dl and by litdata.

    python bench_stream_remote.py w1.npy local=w1/bids_dl http=http://127.0.0.1:9030/w1/bids_dl \\
        s3=s3://w1/bids_dl litdata=s3://w1/litdata --endpoint http://127.0.0.1:9030 --imported

Start the server before, with whatever delays its answers; nginx with the folder of the stores as
its root serves http:// and is sufficient to read s3://. Every measurement is a process of its own
with empty caches. Rounds are interleaved, and a sequential read of the reference is timed before
and after each, so that ratios hold on a busy machine. litdata reads the stores whose name begins
with litdata (in an environment that has it), bids_dl all others, with the column --target. A path
is the same store read from disk. With --imported, the clock starts after the imports.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

BATCH_SIZE = 64
REFERENCE_SECONDS = 0.4  # of each sequential read
MODULES = ("bids_dl.stream", "aiohttp", "s3fs", "botocore.auth")  # that bids_dl imports


def stream_bids_dl(url: str, endpoint: str, target: str) -> Iterator[int]:
    """Yield the number of windows of each batch of an epoch."""
    from bids_dl import StreamingDataset

    options = {}
    if url.startswith("s3://"):
        options = {"key": "any", "secret": "any", "client_kwargs": {"endpoint_url": endpoint}}
    stream = StreamingDataset(url, target=target, batch_size=BATCH_SIZE, storage_options=options)
    for batch in stream:
        batch.signals[0, 0].sum()
        yield len(batch.signals)


def stream_litdata(url: str, endpoint: str, _target: str) -> Iterator[int]:
    """Yield the number of windows of each batch of an epoch."""
    from litdata import StreamingDataLoader, StreamingDataset
    from litdata.streaming import downloader

    # litdata does not allow http by itself
    getattr(downloader, "_OBSTORE_CLIENT_OPTIONS", {})["allow_http"] = "true"
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "endpoint_url": endpoint}
    with tempfile.TemporaryDirectory() as folder:
        windows = StreamingDataset(
            url,
            cache_dir=folder,
            shuffle=True,
            drop_last=True,
            max_cache_size="50GB",
            storage_options=keys,
        )
        loader = StreamingDataLoader(windows, batch_size=BATCH_SIZE, num_workers=0, drop_last=True)
        for batch in loader:
            batch["x"][0, 0].sum()
            yield len(batch["x"])


def sequential_rate(windows: np.ndarray) -> float:
    """Return the windows per second of batches copied one after the other from a memory map."""
    n_windows = 0
    start = time.perf_counter()
    elapsed = 0.0
    while elapsed < REFERENCE_SECONDS:
        position = n_windows % (len(windows) - BATCH_SIZE)
        n_windows += len(np.array(windows[position : position + BATCH_SIZE]))
        elapsed = time.perf_counter() - start
    return n_windows / elapsed


def measure(arguments: argparse.Namespace, name: str, url: str) -> None:
    """Stream one epoch and print its speed, absolute and relative to the reference."""
    import torch

    torch.set_num_threads(1)
    if arguments.imported:
        for module in ("litdata",) if name.startswith("litdata") else MODULES:
            importlib.import_module(module)
    windows = np.load(arguments.reference, mmap_mode="r")
    stream = stream_litdata if name.startswith("litdata") else stream_bids_dl
    sequential_rate(windows)  # warm-up
    rate_before = sequential_rate(windows)
    start = time.perf_counter()
    batches = stream(url, arguments.endpoint, arguments.target)
    first_count = next(batches)
    first = time.perf_counter()
    first_cpu = time.process_time()
    count = sum(batches)
    end = time.perf_counter()
    cpu = time.process_time() - first_cpu
    reference_rate = (rate_before + sequential_rate(windows)) / 2
    rate = count / (end - first)
    rate_from_start = (first_count + count) / (end - start)
    print(
        f"{name:16s} first batch {first - start:5.2f} s, then {rate:7.0f} windows/s "
        f"(x{rate / reference_rate:.4f} of the reference, {count / cpu:7.0f} a core-second); "
        f"from the start {rate_from_start:7.0f} (x{rate_from_start / reference_rate:.4f})",
        flush=True,
    )


def main() -> None:
    """Measure each store in a process of its own, round after round."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("reference")
    parser.add_argument("stores", nargs="+", metavar="NAME=URL")
    parser.add_argument("--endpoint", default="", help="of S3")
    parser.add_argument("--target", default="y")
    parser.add_argument("--imported", action="store_true", help="import before the clock starts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        name, _, url = arguments.stores[0].partition("=")
        measure(arguments, name, url)
        return
    options = ["--once", "--endpoint", arguments.endpoint, "--target", arguments.target]
    if arguments.imported:
        options.append("--imported")
    for _ in range(arguments.rounds):
        for store in arguments.stores:
            command = [sys.executable, "-W", "ignore", __file__, arguments.reference, store]
            subprocess.run([*command, *options], check=False)


if __name__ == "__main__":
    main()
