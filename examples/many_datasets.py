"""Train one network on planted datasets of 64, 24 and 129 channels, at 256 and 128 Hz.

Usage: python many_datasets.py [FOLDER]

The stream resamples windows to 128 Hz, and delivers the positions of their channels, by which the
model spatial-attention weights them. None of its parameters belongs to a channel.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import mne
import torch
from torch.nn.functional import cross_entropy

import bids_dl
from bids_dl.models.spatial_attention import SpatialAttentionNet
from bids_dl.testing import PlantedEffect, make_dataset

CAP = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2 Oz PO7 PO8 AF3 AF4"
BACK = ("O1", "O2", "Oz", "PO7", "PO8")  # electrodes with more alpha if the eyes are closed
CAP_129 = "brainproducts-RNP-BA-128"
NAMES_129 = mne.channels.make_standard_montage(CAP_129).ch_names[:129]
DATASETS = {
    "biosemi64": {"template": "biosemi64", "ch_names": (), "sfreq": 256},
    "cap24": {"template": "easycap-M1", "ch_names": CAP.split(), "sfreq": 128},
    "cap129": {"template": CAP_129, "ch_names": NAMES_129, "sfreq": 128},
}


def convert_dataset(folder: Path, name: str, seed: int) -> str:
    """Write a dataset of six persons with a montage, and convert it at its own rate."""
    montage = DATASETS[name]
    effect = PlantedEffect(unit="block", d=6, between=0.5, within=0.5, electrodes=BACK)
    size = {"n_subjects": 6, "n_blocks": 4, "block_duration": 10, "format": "brainvision"}
    dataset = make_dataset(folder / name, effect=effect, seed=seed, **size, **montage)
    outcome = bids_dl.convert(
        dataset.root,
        folder / f"{name}.zarr",
        set={"resample.sfreq": montage["sfreq"]},
        hed={"open": "Eyes-open", "closed": "Eyes-closed"},
        window=2,
        split=(0.67, 0, 0.33),
        jobs=1,
    )
    return outcome.url


def main(folder: Path) -> None:
    urls = [convert_dataset(folder, name, seed) for seed, name in enumerate(DATASETS)]
    options = {"montage": "any", "sfreq": 128, "normalize": "recording", "batch_size": 24}
    training = bids_dl.StreamingDataset(urls, split="train", weights=[1, 1, 1], **options)
    testing = bids_dl.StreamingDataset(urls, split="test", shuffle=False, **options)
    torch.manual_seed(0)
    model = SpatialAttentionNet(training.n_chans, training.n_times, 2, training.sfreq)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(20):
        training.set_epoch(epoch)
        for signals, target, _, positions, mask in training:
            optimizer.zero_grad()
            cross_entropy(model(signals, positions, mask), target).backward()
            optimizer.step()

    model.eval()
    table = testing.windows.assign(correct=False)
    with torch.inference_mode():
        for signals, target, index, positions, mask in testing:
            is_correct = model(signals, positions, mask).argmax(dim=1) == target
            table.loc[index.numpy(), "correct"] = is_correct.numpy()
    for url, correct in table.groupby("store", sort=False)["correct"]:
        print(f"{Path(url).stem}: {correct.mean():.0%} of {len(correct)} windows of new persons")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
