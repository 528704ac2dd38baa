"""Measure streaming from an imitated hub: by hf://, and by the plain https resolve address.

    python tests/benchmarks/bench_hub.py eyes.zarr --delay 0.1 --rounds 5

The hub runs on loopback in a process of its own and waits before each answer. Every measurement is
a process of its own with empty caches: it opens the store, streams one epoch, then a second one.
Rounds are interleaved, so that ratios hold on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

BATCH_SIZE = 16
SIDES = ("hf", "https")


def serve(store: Path, delay: float) -> None:
    """Serve a store until standard input ends. Print the address, then the counts when asked."""
    from hub_server import HubServer

    with HubServer() as hub:
        files = [path for path in store.rglob("*") if path.is_file()]
        content = {f"eyes.zarr/{path.relative_to(store)}": path.read_bytes() for path in files}
        commit = hub.add_repository("lab/eyes").put(content)
        hub.delay = delay
        print(json.dumps({"url": hub.url, "commit": commit}), flush=True)
        for _ in sys.stdin:
            counts = {
                "resolves": len(hub.log.lines("/resolve/")),
                "requests": len(hub.log.requests),
                "bytes": sum(request.n_bytes for request in hub.log.requests),
                "most_at_once": hub.log.most_at_once,
            }
            hub.log.clear()
            print(json.dumps(counts), flush=True)


def measure(url: str) -> None:
    """Print the seconds of opening, of the first epoch, and of the second."""
    from bids_dl import StreamingDataset

    times = [time.perf_counter()]
    stream = StreamingDataset(url, batch_size=BATCH_SIZE)
    times.append(time.perf_counter())
    for _ in range(2):
        for batch in stream:
            batch.signals[0, 0].sum()
        times.append(time.perf_counter())
    seconds = [after - before for before, after in pairwise(times)]
    print(json.dumps(dict(zip(("open", "first", "second"), seconds, strict=True))))


@contextmanager
def running_hub(store: Path, delay: float) -> Iterator[subprocess.Popen[str]]:
    """Serve a store in a process of its own inside the context."""
    command = [sys.executable, __file__, str(store), "--serve", "--delay", str(delay)]
    hub = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield hub
    finally:
        hub.kill()
        hub.wait()


def ask(hub: subprocess.Popen[str]) -> dict[str, int]:
    """Return the counts of the hub since the last time."""
    assert hub.stdin is not None
    assert hub.stdout is not None
    hub.stdin.write("\n")
    hub.stdin.flush()
    counts: dict[str, int] = json.loads(hub.stdout.readline())
    return counts


def compare(store: Path, delay: float, rounds: int) -> None:
    """Print the median of each side, and the ratio of hf:// to https."""
    with running_hub(store, delay) as hub:
        assert hub.stdout is not None
        address = json.loads(hub.stdout.readline())
        environment = os.environ | {"HF_ENDPOINT": address["url"]}
        base = f"{address['url']}/datasets/lab/eyes/resolve/{address['commit']}/eyes.zarr"
        urls = {"hf": "hf://datasets/lab/eyes/eyes.zarr", "https": base}
        results: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(rounds):
            for side in SIDES:
                command = [sys.executable, __file__, urls[side], "--measure"]
                out = subprocess.run(command, env=environment, check=True, capture_output=True)
                results[side].append(json.loads(out.stdout) | ask(hub))
    medians = {}
    for side in SIDES:
        keys = results[side][0]
        medians[side] = {k: statistics.median(item[k] for item in results[side]) for k in keys}
        print(side, {key: round(value, 3) for key, value in medians[side].items()})
    ratios = {key: round(medians["hf"][key] / medians["https"][key], 2) for key in medians["hf"]}
    print("hf / https", ratios)


def main() -> None:
    """Serve, measure, or compare, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", help="store on disk")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds before each answer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(Path(arguments.store), arguments.delay)
    elif arguments.measure:
        measure(arguments.store)
    else:
        compare(Path(arguments.store), arguments.delay, arguments.rounds)


if __name__ == "__main__":
    main()
