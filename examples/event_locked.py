"""Average event-locked windows of a synthetic dataset (pip install edfio).

Usage: python event_locked.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.testing import make_dataset


def main(folder: Path) -> None:
    dataset = make_dataset(folder / "synthetic", n_subjects=3, n_blocks=4, sfreq=160)
    outcome = bids_dl.convert(
        dataset.root,
        folder / "impulses.zarr",
        hed={"impulse": "Label/Impulse"},
        tmin=-0.25,
        tmax=0.75,
        split=1,  # all persons are in `train`
        jobs=1,
    )
    store = bids_dl.open_store(outcome.url)
    times = store.read("time")
    print(
        f"{outcome.n_windows} windows of {store.shape[2]} samples, "
        f"{times[0]:.3f} to {times[-1]:.3f} s from the event"
    )

    average = store.read("signals").mean(axis=0)  # (n_chans, n_times), µV
    channel = store.channels.index("Fp1")  # the channel with the impulses of the dataset
    peak = average[channel].argmax()
    print(
        f"the average at Fp1 peaks {times[peak]:+.4f} s from the event, "
        f"at {average[channel, peak]:.0f} µV"
    )
    print(store.table[["subject", "onset", "event_onset", "row"]].head(3).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
