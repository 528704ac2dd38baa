"""Train with Lightning, which has checkpoints, several GPUs and loggers (pip install lightning).

Usage: python train_lightning.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader

import bids_dl
from bids_dl.demo import sample_folder

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


class Classifier(lightning.LightningModule):
    """Network of learned filters over all channels, whose outputs are classified by log power."""

    def __init__(self, n_chans: int, n_outputs: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(n_chans, 16, kernel_size=33, bias=False)
        self.readout = nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, n_outputs))

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.readout(self.filters(signals).square().mean(-1).clamp_min(1e-6).log())

    def training_step(self, batch: bids_dl.stream.Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(self(batch.signals), batch.target)

    def test_step(self, batch: bids_dl.stream.Batch) -> None:
        correct = (self(batch.signals).argmax(1) == batch.target).float()
        self.log("accuracy", correct.mean(), batch_size=len(correct))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=3e-3)

    def on_train_epoch_start(self) -> None:
        # shuffles the windows anew for each epoch
        self.trainer.train_dataloader.dataset.set_epoch(self.current_epoch)


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)
    lightning.seed_everything(0, verbose=False)
    training = bids_dl.StreamingDataset(
        store, split="train", normalize="recording", batch_size=16, seed=0
    )
    testing = bids_dl.StreamingDataset(store, split="test", normalize="recording", shuffle=False)
    trainer = lightning.Trainer(
        max_epochs=15,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    model = Classifier(training.n_chans, len(training.classes))
    # batch_size=None, because the stream makes the batches; it knows its rank
    trainer.fit(model, DataLoader(training, batch_size=None))
    [metrics] = trainer.test(model, DataLoader(testing, batch_size=None), verbose=False)
    n_windows = len(testing.windows)
    print(f"held-out person: {metrics['accuracy']:.0%} of {n_windows} windows correct")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
