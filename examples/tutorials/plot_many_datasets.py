"""
Several datasets with different electrodes as one training
===========================================================

*Planted data: synthetic EEG of three laboratories with 64, 24 and 129 electrodes, because
datasets of so many electrodes are too large to ship. The effect in it is known: more alpha (8 to
13 Hz) at the back of the head when the eyes are closed.*

Each laboratory has its own cap and its own amplifier. Can one network learn from all of them, and
does it work in a laboratory that it has never seen? The page trains on two datasets and tests on
the third, in two ways: with the electrodes that all have in common, and with all electrodes of
each. You need ``pip install ".[planted]"``, in a clone. :doc:`plot_eyes` explains the steps from a
query to a network, and the :doc:`/glossary` the words.
"""

# %%
# Three laboratories
# ------------------
# Three people each, at 256 or 128 samples per second. ``make_dataset`` writes folders in BIDS.

import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

import bids_dl
from bids_dl.errors import BidsDlError
from bids_dl.models.spatial_attention import SpatialAttentionNet
from bids_dl.testing import PlantedEffect, make_dataset

CAP_24 = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2 Oz PO7 PO8 AF3 AF4"
CAP_129 = "brainproducts-RNP-BA-128"
NAMES_129 = mne.channels.make_standard_montage(CAP_129).ch_names[:129]
LABS = {
    "lab64": {"template": "biosemi64", "ch_names": (), "sfreq": 256},
    "lab24": {"template": "easycap-M1", "ch_names": CAP_24.split(), "sfreq": 128},
    "lab129": {"template": CAP_129, "ch_names": NAMES_129, "sfreq": 128},
}
BACK = ("O1", "O2", "Oz", "PO7", "PO8")  # electrodes with the effect

folder = Path(tempfile.mkdtemp(prefix="many-"))  # everything that this page writes
effect = PlantedEffect(unit="block", d=2.5, between=0.3, within=0.7, electrodes=BACK)
datasets = {}
for seed, (name, lab) in enumerate(LABS.items()):
    size = {"n_subjects": 3, "n_blocks": 4, "block_duration": 10, "format": "brainvision"}
    datasets[name] = make_dataset(folder / name, effect=effect, seed=seed, **size, **lab).root

# %%
# One store for each dataset
# --------------------------
# A *query* in HED, the vocabulary of events in BIDS, means the same in every dataset. So one
# request fits all three. A *recipe* is a list of preprocessing steps. The recipe here keeps the
# channels and the rate of each dataset; only the length of the windows, 2 s, is equal.
#
# .. code-block:: bash
#
#    bids-dl convert lab64 lab64.zarr --hed open=Eyes-open --hed closed=Eyes-closed --window 2 \
#        --set resample.sfreq=256
#    bids-dl convert lab24 lab24.zarr --hed open=Eyes-open --hed closed=Eyes-closed --window 2

request = {
    "hed": {"open": "Eyes-open", "closed": "Eyes-closed"},
    "window": 2,
    "scheduler": "synchronous",  # in this process, which is enough for so little data
}
stores = {}
for name, dataset in datasets.items():
    rate = {"resample.sfreq": LABS[name]["sfreq"]}
    outcome = bids_dl.convert(dataset, folder / f"{name}.zarr", set=rate, **request)
    stores[name] = bids_dl.open_store(outcome.url)
for name, store in stores.items():
    n_windows, n_chans, n_times = store.shape
    print(f"{name}: {n_windows} windows, {n_chans} channels, {store.sfreq:g} Hz, {n_times} samples")

# %%
# Networks usually demand equal channels: joining these stores as they are is refused.

urls = [folder / f"{name}.zarr" for name in LABS]
try:
    bids_dl.StreamingDataset(urls)
except BidsDlError as error:
    print(textwrap.fill(str(error).replace(f"{folder}/", ""), 72))

# %%
# First way: the channels that all have
# -------------------------------------
# The recipe ``common`` keeps the channels that all recordings of the request have, under one name
# each, and resamples to 128 Hz. One command takes the three datasets, and the result is a store
# like any other: every model and ``bids-dl train`` accept it.
#
# .. code-block:: bash
#
#    bids-dl convert lab64 lab24 lab129 common.zarr --recipe common \
#        --hed open=Eyes-open --hed closed=Eyes-closed --window 2

outcome = bids_dl.convert(
    list(datasets.values()), folder / "common.zarr", recipe="common", **request
)
common = bids_dl.open_store(outcome.url)
print(common.table.groupby(["dataset", "label"]).size().unstack())
print(textwrap.fill(f"{len(common.channels)} channels: {' '.join(common.channels)}", 72))

# %%
# Common channels are few if one cap is small. The recipe ``to-10-20`` interpolates missing
# channels of the 10-20 system instead (:doc:`/recipes`).

# %%
# Second way: every montage as it is
# ----------------------------------
# ``montage="any"`` makes one *stream* of the three stores, which delivers the windows in batches.
# All windows of a batch have room for the largest montage, ``mask`` says which channels are real,
# and ``positions`` where they are on the head. ``sfreq=128`` resamples while streaming, and
# ``weights`` make the datasets equally frequent, whatever their size.

stream = bids_dl.StreamingDataset(
    urls, montage="any", sfreq=128, weights=[1, 1, 1], normalize="recording", batch_size=24
)
signals, target, index, positions, mask = next(iter(stream))
print(f"signals {tuple(signals.shape)}, positions {tuple(positions.shape)}")
counts = pd.Series(mask.sum(dim=1)).value_counts().sort_index()
for n_chans, n_windows in counts.items():
    print(f"{n_windows} windows with {n_chans} channels")

# %%
# Where the electrodes are, seen from above: orange in all three caps, blue in some of them.

figure, panels = plt.subplots(1, 3, figsize=(6.2, 3), sharey=True, layout="constrained")
for axes, (name, store) in zip(panels, stores.items(), strict=True):
    points = 100 * store.read("channel_position")  # cm: right, front, up
    shared = np.isin(store.channels, common.channels)
    axes.scatter(*points[~shared, :2].T, s=12, color="#1b6ca8")
    axes.scatter(*points[shared, :2].T, s=18, color="#d95f02")
    axes.set(title=f"{name}: {len(store.channels)}", xlabel="right (cm)", aspect="equal")
panels[0].set_ylabel("front (cm)")
plt.show()

# %%
# Leave one dataset out
# ---------------------
# Both ways get the same network, ``spatial-attention``, whose weights depend on the positions and
# not on the number of channels (:doc:`/models`). It learns from two laboratories and is tested on
# all people of the third. No person and no amplifier of the test is in the training.


def test_on(left_out: str, urls: list[Path]) -> float:
    """Train on the other datasets of these stores, and return the accuracy on the one left out."""
    options = {"montage": "any", "sfreq": 128, "normalize": "recording", "batch_size": 16}
    others = [name for name in LABS if name != left_out]
    training = bids_dl.StreamingDataset(
        [url for url in urls if url.stem != left_out], where={"dataset": others}, **options
    )
    testing = bids_dl.StreamingDataset(
        [url for url in urls if url.stem in (left_out, "common")],
        where={"dataset": left_out},
        **options,
    )
    torch.manual_seed(0)
    model = SpatialAttentionNet(training.n_chans, training.n_times, 2, training.sfreq)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(12):
        training.set_epoch(epoch)
        for signals, target, _, positions, mask in training:
            optimizer.zero_grad()
            cross_entropy(model(signals, positions, mask), target).backward()
            optimizer.step()
    model.eval()
    n_correct = 0
    with torch.inference_mode():
        for signals, target, _, positions, mask in testing:
            n_correct += int((model(signals, positions, mask).argmax(dim=1) == target).sum())
    return n_correct / len(testing.windows)


results = pd.DataFrame(
    {
        "common channels": [test_on(name, [folder / "common.zarr"]) for name in LABS],
        "all channels": [test_on(name, urls) for name in LABS],
    },
    index=list(LABS),
)
n_tested = len(common.table) // len(LABS)
print(results.round(2))
print(f"chance: 0.50; {n_tested} windows of three people in each test")

axes = results.plot.bar(
    figsize=(6, 3.2), color=["#d95f02", "#1b6ca8"], rot=0, ylim=(0, 1), ylabel="accuracy"
)
axes.axhline(0.5, color="black", linestyle="--", linewidth=1, label="chance")
axes.set_xlabel("dataset that was left out")
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
plt.tight_layout()
plt.show()
assert results.to_numpy().mean() > 0.6

# %%
# All channels are not clearly better here. They need not be: the planted effect is at electrodes
# that all caps have. So begin with common channels: they need no special network, and ``bids-dl
# train`` tests and records everything. All channels are for caps that share too few, and for many
# datasets.
#
# What this does not show
# -----------------------
# - Three people in each laboratory: differences between the bars are a matter of some windows. They
#   also depend on epochs, learning rate, batch size and the number of windows, which can move a bar
#   by as much as the bars differ. Choose such settings on a validation split, never by the test.
# - The planted effect is the same in the three laboratories. Real ones also differ in task,
#   reference, people and noise, and a network that works in one may fail in the next. Only a test
#   on a dataset that is left out tells.
# - ``normalize="recording"`` removes the differences in amplitude between amplifiers. It also
#   removes differences between people, which may be what you look for (:doc:`/training`).
#
# Go on with :doc:`/streaming` (weights, cache, resuming), :doc:`/recipes` and
# ``examples/many_datasets.py``.
