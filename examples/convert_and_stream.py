"""Convert the real EEG of the package, then stream one epoch of it.

Usage: python convert_and_stream.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import bids_dl
from bids_dl.demo import sample_folder


def main(folder: Path) -> None:
    outcome = bids_dl.convert(
        sample_folder(),
        folder / "eyes.zarr",
        hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
        window=2,
    )
    print(
        f"{outcome.url}: {outcome.n_windows} windows of {outcome.n_recordings} recordings, "
        f"{len(outcome.failures)} failed"
    )

    stream = bids_dl.StreamingDataset(outcome.url, split="train", batch_size=32, seed=0)
    n_windows: Counter[str] = Counter()
    for signals, target, index in stream:
        n_persons = stream.windows.loc[index.numpy(), "subject"].nunique()
        n_windows.update(stream.classes[code] for code in target.tolist())
        print(
            f"batch {tuple(signals.shape)} of {n_persons} persons, "
            f"standard deviation {signals.std():.1f} µV"
        )
    print(f"one epoch: {len(stream)} batches, {n_windows.total()} windows: {dict(n_windows)}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
