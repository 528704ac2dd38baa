"""System 1, sex from resting EEG, on planted data: 129 channels to topographies to a record.

Usage: python system1_sex.py [FOLDER]

With the Healthy Brain Network (HBN) as BIDS, the published request is:

    bids-dl convert HBN hbn.zarr --recipe truong2021 --task RestingState \
        --hed closed=Label/now-close-your-eyes --until Label/now-open-your-eyes \
        --within 3,37 --window 2
    bids-dl train hbn.zarr --target sex --model s-vgg --optimizer adamax --lr 0.002 \
        --weight-decay 0.001 --batch-size 70 --epochs 70 --vote-by subject

Truong et al. 2021 (arXiv:2105.04762) report for s-vgg 77.1 % of windows and 81.3 % of subjects;
for s-scnn 79.0 and 83.2 %, for r-scnn 80.6 and 85.1 %, for r-vgg 83.1 and 87.0 %.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.testing import PlantedEffect, make_dataset

FRONT = ("E22", "E33", "E24", "E11", "E124", "E9")  # whose alpha is stronger in men


def main(folder: Path) -> None:
    dataset = make_dataset(
        folder / "bids",
        n_subjects=8,
        sfreq=128,
        template="GSN-HydroCel-129",
        ch_names=(),  # all of the net
        n_blocks=1,
        block_duration=20,
        format="brainvision",
        effect=PlantedEffect(d=12, between=0.5, within=0.5, band=(8, 12), electrodes=FRONT),
    )
    outcome = bids_dl.convert(
        dataset.root,
        folder / "sex.zarr",
        recipe="truong2021",
        # the planted channels are independent noise, which the criteria of correlation reject
        set={"bad_channels.correlation": None, "bad_channels.line_noise": None},
        hed={"open": "Eyes-open"},
        window=2,
        split=1,
        jobs=1,
    )
    training = bids_dl.train(
        outcome.url,
        target="sex",
        model="s-vgg",
        folds=2,
        stratify="sex",
        optimizer="adamax",
        lr=0.001,
        batch_size=10,
        epochs=15,
        vote_by="subject",
        run_dir=folder / "run",
    )
    windows = training.metrics["windows"]["accuracy"]["value"]
    votes = training.metrics["votes"]["accuracy"]["value"]
    print(f"new persons: {windows:.0%} of windows, {votes:.0%} of persons by vote")
    print(f"record: {training.run_dir / 'record.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
