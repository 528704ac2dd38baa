"""System 5, seizure prediction from power images, on planted data (pip install timm torchvision).

Usage: python system5_seizure_prediction.py [FOLDER]

layout_melbourne.py lays out the data of Melbourne, AES and NIH (Kaggle 2016) as BIDS, with
`preictal` or `interictal` in `trial_type`. Its sessions never divide an hour. The published request
is then:

    python layout_melbourne.py melbourne-university-seizure-prediction MELBOURNE
    bids-dl convert MELBOURNE seizures.zarr --recipe deepsync --event trial_type --window 600
    bids-dl train seizures.zarr --model timm/inception_resnet_v2 --weights FILE --freeze middle \
        --model-option image=power --folds session --optimizer adam

DeepSync (Neuromatch Academy) reports 66 % of the windows of patient 1, and 100 % of 24 windows
that it has learnt. Here a small network of timm begins with random weights.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.testing import PlantedEffect, make_dataset


def main(folder: Path) -> None:
    effect = PlantedEffect(unit="block", d=4, between=0.5, within=0.5, window=5)
    dataset = make_dataset(
        folder / "bids",
        n_subjects=4,
        sfreq=400,
        template="easycap-M1",
        ch_names=("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4"),
        n_blocks=4,
        block_duration=20,
        effect=effect,
    )
    outcome = bids_dl.convert(
        dataset.root,
        folder / "seizures.zarr",
        recipe="deepsync",
        set={"pick.types": ["eeg"]},  # because the planted channels are no electrodes in the brain
        hed={"interictal": "Eyes-open", "preictal": "Eyes-closed"},
        window=5,
        split=1,
        jobs=1,
    )
    training = bids_dl.train(
        outcome.url,
        model="timm/test_efficientnet",
        model_options={"image": "power", "high": 50.0, "height": 75, "width": 75},
        folds=2,
        optimizer="adam",
        lr=0.002,
        batch_size=16,
        epochs=12,
        run_dir=folder / "run",
    )
    accuracy = training.metrics["windows"]["accuracy"]["value"]
    print(f"new persons: {accuracy:.0%} of windows correct")
    print(f"record: {training.run_dir / 'record.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
