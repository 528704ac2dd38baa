"""System 2, sleep staging, on planted nights: five stages with a rhythm each, to a record.

Usage: python system2_sleep.py [FOLDER]

layout_sleep_edf.py lays out Sleep-EDF as BIDS, with the stage in `trial_type`. The published
request is then:

    python layout_sleep_edf.py sleep-cassette SLEEP-EDF
    bids-dl convert SLEEP-EDF sleep.zarr --recipe chambon2018 --event trial_type --window 30
    bids-dl train sleep.zarr --model chambon2018 --optimizer adam --lr 0.001 --weight-decay 0 \
        --batch-size 128 --epochs 10 --patience 5 --class-weights inverse

The tutorial of MNE and PyTorch reports a balanced accuracy of 0.761 and a kappa of 0.693 on ten
people. The network is that of Chambon et al. 2018 (doi:10.1109/TNSRE.2018.2813138).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.testing import make_dataset

STAGES = ("W", "N1", "N2", "N3", "R")


def main(folder: Path) -> None:
    dataset = make_dataset(
        folder / "bids",
        events="sleep",
        n_subjects=6,
        n_blocks=20,
        block_duration=30,
        sfreq=100,
        ch_names=("Fpz", "Cz", "Pz", "Oz"),
    )
    outcome = bids_dl.convert(
        dataset.root,
        folder / "sleep.zarr",
        recipe="chambon2018",
        hed={stage: f"Label/Stage-{stage}" for stage in STAGES},
        window=30,
        split=(0.7, 0, 0.3),
        jobs=1,
    )
    training = bids_dl.train(
        outcome.url,
        model="chambon2018",
        optimizer="adam",
        lr=0.001,
        batch_size=8,
        epochs=12,
        class_weights="inverse",
        run_dir=folder / "run",
    )
    windows = training.metrics["windows"]
    for name in ("balanced_accuracy", "kappa"):
        print(f"new nights: {name} {windows[name]['value']:.2f}")
    print(f"record with hypnograms: {training.run_dir / 'record.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
