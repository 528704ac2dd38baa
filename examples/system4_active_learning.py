"""System 4, active learning of a detector, on the real EEG of the package.

Usage: python system4_active_learning.py [FOLDER]

A residual network learns three people, and proposes the windows of a new person whose labels
would help it most. With intracranial recordings as BIDS (20 and more channels at 32 kHz), whose
events.tsv has the patterns in `trial_type`, the request is:

    bids-dl convert SEIZURES seizures.zarr --recipe common --event trial_type --window 1
    bids-dl train seizures.zarr --model resnet1d --folds loso --run-dir runs/detector
    bids-dl predict seizures.zarr --run-dir runs/detector --output predictions.csv

The data of the Paris Brain Institute are not public, and no accuracy is published. The network is
that of Wang et al. 2017 (arXiv:1611.06455).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import bids_dl
from bids_dl.demo import sample_folder

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
NEW_PERSON = "004"
N_PROPOSED = 6


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)
    training = bids_dl.train(
        store,
        where=["subject=001,002,003"],
        folds=3,
        model="resnet1d",
        epochs=3,
        run_dir=folder / "run",
    )
    accuracy = training.metrics["windows"]["accuracy"]["value"]
    print(f"known persons, left out in turn: {accuracy:.0%} of windows correct")
    print(f"record: {training.run_dir / 'record.html'}")

    predictions = bids_dl.predict(store, run_dir=training.run_dir)
    candidates = predictions[predictions["subject"] == NEW_PERSON]
    proposed = propose(candidates, N_PROPOSED)
    print(f"label these windows of sub-{NEW_PERSON} next:")
    print(proposed[["recording", "onset", "predicted", "entropy"]].to_string(index=False))


def propose(candidates: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the windows of highest entropy, as many of each predicted class."""
    probabilities = candidates.filter(regex="^p_").to_numpy(float).clip(1e-9)
    entropy = -(probabilities * np.log2(probabilities)).sum(axis=1)
    ranked = candidates.assign(entropy=entropy).sort_values("entropy", ascending=False)
    return ranked.groupby("predicted").head(number // probabilities.shape[1])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
