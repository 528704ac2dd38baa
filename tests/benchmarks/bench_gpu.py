"""Measure how long a GPU waits for the stream, with a tiny and with a large model.

    python bench_gpu.py STORE [--int16 STORE] [--device cuda] [--steps 200] [--batch-size 64]

Each model trains on one constant batch that stays on the device, then on the stream through
`to_device`. The share of waiting is the time that the stream adds to a step. Without a GPU, the
same runs on the CPU, where the models are slower and hardly wait.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import nn

from bids_dl import StreamingDataset
from bids_dl.stream import to_device

WARM_UP_STEPS = 20
ROUNDS = 3  # of constant batch and stream in turns


class Result(NamedTuple):
    """Speed of a model on a stream.

    Attributes
    ----------
    windows_per_second
        Windows of the stream.
    waiting_share
        Share of the time that the same steps on a constant batch do not take.
    """

    windows_per_second: float
    waiting_share: float


def tiny_model(n_chans: int, n_times: int) -> nn.Module:
    """Return a linear classifier, whose step takes a fraction of a millisecond."""
    return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, 2))


def large_model(n_chans: int, n_times: int) -> nn.Module:
    """Return a convolutional network of 8 layers with 256 channels."""
    layers: list[nn.Module] = [nn.Conv1d(n_chans, 256, 7, padding=3)]
    for _ in range(7):
        layers += [nn.GELU(), nn.Conv1d(256, 256, 7, padding=3)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(256, 2))


MODELS = {"tiny": tiny_model, "large": large_model}


def seconds_of_steps(
    model: nn.Module, batches: Iterable[torch.Tensor], n_steps: int, device: torch.device
) -> tuple[float, int]:
    """Train on some batches. Return the seconds of all steps but the first, and their windows."""
    optimizer = torch.optim.AdamW(model.parameters())
    start = 0.0
    n_windows = 0
    for step, signals in enumerate(itertools.islice(batches, WARM_UP_STEPS + n_steps)):
        if step == WARM_UP_STEPS:
            _wait_for(device)
            start = time.perf_counter()
        loss = nn.functional.cross_entropy(
            model(signals), torch.zeros(len(signals), dtype=torch.int64, device=device)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= WARM_UP_STEPS:
            n_windows += len(signals)
    _wait_for(device)
    return time.perf_counter() - start, n_windows


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def stream_signals(stream: StreamingDataset, device: torch.device) -> Iterator[torch.Tensor]:
    """Yield signals of endless epochs on a device."""
    for epoch in itertools.count():
        stream.set_epoch(epoch)
        for signals, *_ in to_device(stream, device):
            yield signals


def measure(stream: StreamingDataset, name: str, device: torch.device, n_steps: int) -> Result:
    """Measure one model, constant batch and stream in turns; medians of rounds."""
    torch.manual_seed(0)
    model = MODELS[name](stream.n_chans, stream.n_times).to(device)
    batches = stream_signals(stream, device)
    constant = next(batches)
    speeds = []
    shares = []
    for _ in range(ROUNDS):
        alone, _ = seconds_of_steps(model, itertools.repeat(constant), n_steps, device)
        streamed, n_windows = seconds_of_steps(model, batches, n_steps, device)
        speeds.append(n_windows / streamed)
        shares.append(max(0.0, 1 - alone / streamed))
    batches.close()
    return Result(statistics.median(speeds), statistics.median(shares))


def main() -> None:
    """Print windows per second and the share of waiting of each store, option and model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--int16", help="the same windows in int16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    device = torch.device(options.device)
    print(torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU")
    stores = {"float32": options.store, "int16": options.int16}
    for dtype, normalize in itertools.product(stores, (None, "window")):
        if stores[dtype] is None:
            continue
        stream = StreamingDataset(
            stores[dtype], normalize=normalize, batch_size=options.batch_size, drop_last=True
        )
        for name in MODELS:
            result = measure(stream, name, device, options.steps)
            print(
                f"{dtype}, normalize={normalize}, {name} model: "
                f"{result.windows_per_second:.0f} windows/s, {result.waiting_share:.1%} waiting"
            )


if __name__ == "__main__":
    main()
