"""System 3, votes of experts on harmful brain activity, on planted votes: images to a record.

Usage: python system3_votes.py [FOLDER]

layout_hms.py lays out the data of the HMS competition (Kaggle 2024) as BIDS, with one row of
events.tsv for each segment and the columns `seizure_vote` to `other_vote`. Segments overlap, so
that `--overlap each` is needed. The published request is then:

    python layout_hms.py hms-harmful-brain-activity-classification HMS
    bids-dl convert HMS hms.zarr --recipe hms2024 --event trial_type --window 50 --overlap each
    bids-dl train hms.zarr --target '*_vote' --model timm/tf_efficientnetv2_b2 --weights FILE \
        --model-option step=0.5 --augment time_mask=0.5 --augment frequency_mask=0.5 \
        --warmup 3 --schedule cosine --batch-size 64 --epochs 50

The public result is a Kullback-Leibler divergence of 0.57 for EfficientNetV2-B2, 0.85 for
ResNet50v2 (timm/resnetv2_50) and 0.92 for the backbone of YOLOv8-L (c2f).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.testing import PlantedEffect, make_dataset

VOTES = ("votes_seizure", "votes_lpd", "votes_other")


def main(folder: Path) -> None:
    effect = PlantedEffect(kind="shares", columns=VOTES, n_votes=10, d=4)
    dataset = make_dataset(
        folder / "bids", n_subjects=6, sfreq=100, n_blocks=2, block_duration=40, effect=effect
    )
    outcome = bids_dl.convert(
        dataset.root,
        folder / "votes.zarr",
        hed={"open": "Eyes-open", "closed": "Eyes-closed"},
        window=2,
        split=(0.67, 0, 0.33),
        jobs=1,
    )
    training = bids_dl.train(
        outcome.url,
        target="votes_*",
        model="c2f",
        model_options={"size": "small"},
        lr=0.003,
        warmup=1,
        schedule="cosine",
        batch_size=8,
        epochs=6,
        run_dir=folder / "run",
    )
    divergence = training.metrics["windows"]["kl"]["value"]
    mean = training.metrics["baselines"]["training_mean"]["windows"]["kl"]
    print(f"new persons: divergence {divergence:.2f}, {mean:.2f} of the mean of the training votes")
    print(f"no model can be below {effect.kl_floor():.2f} with ten votes")
    print(f"record: {training.run_dir / 'record.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
