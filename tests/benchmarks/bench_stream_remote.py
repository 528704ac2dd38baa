"""Stream stores from a server that answers late, litdata's among them: bench_stream_remote.py REFERENCE.npy [NAME=URL ...] [--rounds 3].

    python bench_stream_remote.py w1.npy http=http://127.0.0.1:9030/w1/bids_dl s3=s3://w1/bids_dl litdata=s3://w1/litdata --endpoint http://127.0.0.1:9030

The server (nginx, with the folder of the stores as its root, will do for http:// and for reading s3://) and what delays its answers are
started before. Every measurement is a process of its own that begins with nothing kept; rounds are interleaved, and a sequential read of
REFERENCE.npy is timed before and after each, so ratios hold on a noisy machine. A name that begins with litdata is read by litdata (in an
environment that has it); another one by bids_dl, windows of column --target.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np

BATCH_SIZE = 64


def by_bids_dl(url: str, endpoint: str, target: str) -> Callable[[], Iterator[int]]:
    from bids_dl import StreamingDataset

    options = (
        {"key": "any", "secret": "any", "client_kwargs": {"endpoint_url": endpoint}}
        if url.startswith("s3://")
        else {}
    )

    def loop():
        for batch in StreamingDataset(
            url, target=target, batch_size=BATCH_SIZE, storage_options=options
        ):
            batch.signals[0, 0].sum()
            yield len(batch.signals)

    return loop


def by_litdata(url: str, endpoint: str, _target: str) -> Callable[[], Iterator[int]]:
    from litdata import StreamingDataLoader, StreamingDataset
    from litdata.streaming import downloader

    getattr(downloader, "_OBSTORE_CLIENT_OPTIONS", {})["allow_http"] = (
        "true"  # which it does not by itself
    )
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "endpoint_url": endpoint}

    def loop():
        with tempfile.TemporaryDirectory() as folder:
            windows = StreamingDataset(
                url,
                cache_dir=folder,
                shuffle=True,
                drop_last=True,
                max_cache_size="50GB",
                storage_options=keys,
            )
            for batch in StreamingDataLoader(
                windows, batch_size=BATCH_SIZE, num_workers=0, drop_last=True
            ):
                batch["x"][0, 0].sum()
                yield len(batch["x"])

    return loop


def sequential(windows: np.ndarray, seconds: float = 0.4) -> float:
    """Windows per second of batches copied from a memory map one after the other."""
    seen, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        seen += len(np.array(windows[seen % (len(windows) - BATCH_SIZE) :][:BATCH_SIZE]))
    return seen / took


def measure(reference: str, name: str, url: str, endpoint: str, target: str) -> None:
    import torch

    torch.set_num_threads(1)
    windows = np.load(reference, mmap_mode="r")
    make = (by_litdata if name.startswith("litdata") else by_bids_dl)(url, endpoint, target)
    sequential(windows)
    before = sequential(windows)
    start = time.perf_counter()
    loop = make()
    first_count = next(loop)
    first, cpu = time.perf_counter(), time.process_time()
    count = sum(loop)
    end, cpu = time.perf_counter(), time.process_time() - cpu
    rate, ratio = count / (end - first), 2 / (before + sequential(windows))
    whole = (first_count + count) / (end - start)
    print(
        f"{name:16s} first batch {first - start:5.2f} s, then {rate:7.0f} windows/s (x{rate * ratio:.4f} of the reference, "
        f"{count / cpu:7.0f} a core-second); from the start {whole:7.0f} (x{whole * ratio:.4f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("reference")
    parser.add_argument("stores", nargs="+", metavar="NAME=URL")
    parser.add_argument("--endpoint", default="", help="of S3")
    parser.add_argument("--target", default="y")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        measure(given.reference, *given.stores[0].split("=", 1), given.endpoint, given.target)
        return
    for _ in range(given.rounds):
        for store in given.stores:
            command = [
                sys.executable,
                "-W",
                "ignore",
                __file__,
                given.reference,
                store,
                "--once",
                "--endpoint",
                given.endpoint,
            ]
            subprocess.run([*command, "--target", given.target], check=False)


if __name__ == "__main__":
    main()
