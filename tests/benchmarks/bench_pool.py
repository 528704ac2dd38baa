"""Measure memory and CPU time of converting recordings of 32 kHz to pools of 1 kHz windows.

    python tests/benchmarks/bench_pool.py [--minutes 1 2 4] [--channels 20] [--rate 32000]
                                          [--folder FOLDER]

Write a BrainVision recording of each length, and convert it as a whole to int16 windows of 2 s by
two recipes: one that resamples first, and one that filters at the rate of the recording. The
memory is that of the largest process. The start of the command is that of a recording of 10 s, and
is subtracted from the CPU times. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench_long import measure_command, write_dataset

RECIPES = {
    "resample-first": """
name: resample-first
steps:
  - pick: {types: [eeg, seeg, ecog]}
  - resample: {sfreq: 1000}
  - filter: {low: 0.5, high: 300}
""",
    "filter-first": """
name: filter-first
steps:
  - pick: {types: [eeg, seeg, ecog]}
  - filter: {low: 0.5, high: 300}
  - resample: {sfreq: 1000}
""",
}
START_SECONDS = 10  # of the recording that shows the cost of the start; one block of its noise


def convert(root: Path, store: Path, recipe: Path) -> tuple[float, float]:
    """Convert a dataset, and return CPU time in s and peak memory in bytes."""
    command = [sys.executable, "-m", "bids_dl", "convert", str(root), str(store), "--whole"]
    command += ["--window", "2", "--dtype", "int16", "--split", "1", "--jobs", "1", "--quiet"]
    return measure_command([*command, "--recipe", str(recipe)])


def count_bytes(store: Path) -> int:
    """Return the bytes of all files of a store."""
    return sum(file.stat().st_size for file in store.rglob("*") if file.is_file())


def main() -> None:
    """Print memory, speed and size for each recipe and length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 2.0, 4.0])
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--rate", type=float, default=32000.0)
    parser.add_argument("--folder", help="for the temporary files")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    start: dict[str, float] = {}
    for minutes in [START_SECONDS / 60, *args.minutes]:
        with tempfile.TemporaryDirectory(dir=args.folder) as work:
            root = Path(work) / "long"
            write_dataset(root, hours=minutes / 60, n_chans=args.channels, sfreq=args.rate)
            for name, text in RECIPES.items():
                recipe = Path(work) / f"{name}.yaml"
                recipe.write_text(text)
                store = Path(work) / f"{name}.zarr"
                cpu, peak = convert(root, store, recipe)
                seconds = 60 * minutes
                if name not in start:
                    start[name] = cpu
                    print(f"{name}: start and {seconds:.0f} s in {cpu:.1f} s of CPU", flush=True)
                    continue
                speed = (seconds - START_SECONDS) / (cpu - start[name])
                size = count_bytes(store) * 3600 / seconds
                print(
                    f"{name}, {minutes:g} min: largest process {peak / 1e6:.0f} MB, "
                    f"{speed:.1f} times real time per core, {size / 1e6:.0f} MB per hour",
                    flush=True,
                )


if __name__ == "__main__":
    main()
