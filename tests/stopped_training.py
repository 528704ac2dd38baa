"""Trainings that are stopped after a step, and comparison of their run folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bids_dl.training import TrainingEvent


class Stop(BaseException):
    """A stop that nothing in the package expects."""


def stop_at(step: int) -> Callable[[TrainingEvent], None]:
    """Return a callback that stops the training after a number of steps."""
    done = 0

    def on_event(event: TrainingEvent) -> None:
        nonlocal done
        done += event.kind == "progress"
        if event.kind == "progress" and done == step:
            raise Stop

    return on_event


def assert_same_run(first: Path, second: Path) -> None:
    """Compare weights and tables of two runs, byte by byte."""
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        if name.endswith((".safetensors", ".csv")) or name == "metrics.json":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
