"""Measure a training, the planning of its folds and the writing of its record.

    python bench_training.py eyes.zarr [--model shallow-fbcsp] [--epochs 30]
    python bench_training.py --plan 1000000

The first trains with one thread and leaves one person out. It prints windows per second of CPU time
of the training loop, the share of its wall time spent waiting for batches, and the CPU time from
the last tested fold to the end: metrics, intervals, baselines, figures and the page. The second
plans the folds of a table of many windows. CPU time depends little on other work on the machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.training import TrainingEvent, train
from bids_dl.training.folds.planning import plan_folds

WINDOWS_PER_PERSON = 1000
BLOCK_WINDOWS = 50
WINDOW_SECONDS = 2.0


def measure_training(store: str, model: str, epochs: int) -> None:
    """Train with one thread, and print speed and cost of the record."""
    times: list[float] = []

    def on_event(event: TrainingEvent) -> None:
        if event.kind in ("started", "tested"):
            times.append(time.process_time())

    config = TrainConfig(model=model, folds="loso", epochs=epochs, threads=1, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        result = train(store, config, run_dir=Path(folder) / "run", on_event=on_event)
        end = time.process_time()
        cost = json.loads((result.run_dir / "cost.json").read_text())
    n_windows = cost["windows_per_second"] * cost["train_seconds"]
    trained = times[-1] - times[0]
    print(f"{model}: {n_windows:.0f} windows in {trained:.1f} s of CPU, test included")
    print(f"{n_windows / trained:.0f} windows per CPU-second")
    print(f"{cost['windows_per_second']:.0f} per second of wall time")
    print(f"{cost['waiting_share']:.0%} of the wall time waiting for batches")
    print(f"record: {end - times[-1]:.1f} s of CPU")


def measure_planning(n_windows: int) -> None:
    """Plan the folds of a table, and print the CPU time."""
    number = np.arange(n_windows)
    person = number // WINDOWS_PER_PERSON
    subject = np.char.mod("%05d", person).astype(object)
    table = pd.DataFrame(
        {
            "label": np.where(number // BLOCK_WINDOWS % 2 == 0, "rest", "move"),
            "dataset": "ds1",
            "subject": subject,
            "recording": subject,
            "split": np.array(["train", "validation", "test"], object)[person % 3],
            "block": number % WINDOWS_PER_PERSON // BLOCK_WINDOWS,
            "onset": number % WINDOWS_PER_PERSON * WINDOW_SECONDS,
        }
    )
    classes = number // BLOCK_WINDOWS % 2
    for folds in (None, 10, "loso", "time"):
        start = time.process_time()
        plan = plan_folds(
            table,
            TrainConfig(folds=folds),
            known=np.ones(n_windows, bool),
            classes_of=classes,
            window_seconds=WINDOW_SECONDS,
            store_name="store",
        )
        seconds = time.process_time() - start
        print(f"folds {folds}: {len(plan.folds)} folds in {seconds:.1f} s of CPU")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", nargs="?")
    parser.add_argument("--model", default="shallow-fbcsp")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--plan", type=int, metavar="WINDOWS")
    options = parser.parse_args()
    if options.plan:
        measure_planning(options.plan)
    if options.store:
        measure_training(options.store, options.model, options.epochs)


if __name__ == "__main__":
    main()
