"""Train by skorch, as braindecode does: python train_skorch.py [FOLDER] (needs skorch)."""

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


class NextOrder(Callback):
    """Another order in each epoch."""

    def on_epoch_begin(
        self, net: NeuralNetClassifier, dataset_train: bids_dl.StreamingDataset, **_: object
    ) -> None:
        dataset_train.set_epoch(len(net.history) - 1)


def pair(batch: bids_dl.stream.Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """What skorch takes of a batch."""
    return batch.signals, batch.target


def main(folder: Path) -> None:
    store = str(folder / "eyes.zarr")
    bids_dl.convert(
        str(sample_folder()), store, hed=QUERIES, window=2, stride=2
    )  # does nothing where the store is there
    torch.manual_seed(0)
    training = bids_dl.StreamingDataset(
        store, split="train", normalize="recording", batch_size=16, seed=0, transform=pair
    )
    testing = bids_dl.StreamingDataset(
        store, split="test", normalize="recording", shuffle=False, transform=pair
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
        train_split=None,  # people, not windows, are kept apart: by the splits of the store
        iterator_train__batch_size=None,  # the stream makes the batches
        iterator_valid__batch_size=None,
        classes=range(n_outputs),
        callbacks=[NextOrder()],
        verbose=0,
    )
    net.fit(training, y=None)
    right = net.predict(testing) == torch.cat([target for _, target in testing]).numpy()
    print(f"a person never seen: {right.mean():.0%} of {len(right)} windows right")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
