"""Train a custom network in a plain PyTorch loop, and test it on a held-out person.

Usage: python train_own_model.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

import bids_dl
from bids_dl.demo import sample_folder

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


class Power(nn.Module):
    """Network of learned filters over all channels, whose outputs are classified by log power."""

    def __init__(self, n_chans: int, n_outputs: int, n_filters: int = 16) -> None:
        super().__init__()
        self.filters = nn.Conv1d(n_chans, n_filters, kernel_size=33, bias=False)
        self.readout = nn.Sequential(nn.BatchNorm1d(n_filters), nn.Linear(n_filters, n_outputs))

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.readout(self.filters(signals).square().mean(-1).clamp_min(1e-6).log())


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)

    torch.manual_seed(0)
    training = bids_dl.StreamingDataset(
        store, split="train", normalize="recording", batch_size=16, seed=0
    )
    model = Power(training.n_chans, len(training.classes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(15):
        training.set_epoch(epoch)
        for signals, target, _ in training:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(signals), target)
            loss.backward()
            optimizer.step()
    subjects = ", ".join(training.windows["subject"].unique())
    print(f"{epoch + 1} epochs over {subjects}; loss of the last batch {loss.item():.3f}")

    model.eval()
    testing = bids_dl.StreamingDataset(store, split="test", normalize="recording", shuffle=False)
    n_correct = 0
    with torch.inference_mode():
        for signals, target, _ in testing:
            n_correct += int((model(signals).argmax(1) == target).sum())
    [subject] = testing.windows["subject"].unique()
    n_windows = len(testing.windows)
    accuracy = n_correct / n_windows
    print(f"sub-{subject}, held out: {n_correct} of {n_windows} windows correct ({accuracy:.0%})")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
