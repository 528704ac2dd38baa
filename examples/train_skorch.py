"""Train with skorch, as braindecode does (pip install skorch).

Usage: python train_skorch.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.models import build

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


class ShuffleEachEpoch(Callback):
    """Callback that shuffles the windows anew for each epoch."""

    def on_epoch_begin(
        self, net: NeuralNetClassifier, dataset_train: bids_dl.StreamingDataset, **_: object
    ) -> None:
        dataset_train.set_epoch(len(net.history) - 1)


def to_pair(batch: bids_dl.stream.Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the signals and the target of a batch, which skorch expects."""
    return batch.signals, batch.target


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)
    torch.manual_seed(0)
    training = bids_dl.StreamingDataset(
        store, split="train", normalize="recording", batch_size=16, seed=0, transform=to_pair
    )
    testing = bids_dl.StreamingDataset(
        store, split="test", normalize="recording", shuffle=False, transform=to_pair
    )
    n_outputs = len(training.classes)
    net = NeuralNetClassifier(
        build(
            "shallow-fbcsp",
            n_chans=training.n_chans,
            n_times=training.n_times,
            n_outputs=n_outputs,
            sfreq=training.sfreq,
        ),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=1e-3,
        max_epochs=10,
        train_split=None,  # because the splits of the store separate persons
        iterator_train__batch_size=None,  # because the stream makes the batches
        iterator_valid__batch_size=None,
        classes=range(n_outputs),
        callbacks=[ShuffleEachEpoch()],
        verbose=0,
    )
    net.fit(training, y=None)
    correct = net.predict(testing) == torch.cat([target for _, target in testing]).numpy()
    print(f"held-out person: {correct.mean():.0%} of {len(correct)} windows correct")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
