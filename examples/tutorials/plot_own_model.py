"""
Your own network
================

*Real EEG that ships with the package: four people, eyes open and closed.*

You have a network in PyTorch, and a store. This page trains the network in two ways: with
``bids_dl.train``, which brings folds, metrics, a baseline and a record, and in a loop of your own,
which leaves everything to you. In the end both stand beside a linear model. You need the package
only. :doc:`plot_eyes` makes the same store and explains it; the :doc:`/glossary` explains the
words.
"""

# %%
# The contract
# ------------
# A network is any ``torch.nn.Module`` that takes a batch ``(batch, n_chans, n_times)`` in float32
# and returns ``(batch, n_outputs)``: one number for each class, larger for the more probable class
# (*logits*, without a softmax). Its class is called with those of ``n_chans``, ``n_times``,
# ``n_outputs``, ``sfreq``, ``ch_names`` and ``positions`` that it has parameters for, so the same
# file fits any store. Its other parameters become options.
#
# The network stands in a file of its own, because ``bids_dl predict`` has to find it again
# by its name. This one learns filters in time over all channels, and classifies by the log power of
# what they let through. Save it as ``networks.py``:

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch

import bids_dl
from bids_dl.demo import sample_folder

NETWORK = '''
"""Networks of this study."""

import torch


class PowerNet(torch.nn.Module):
    """Log power after learned filters, with a linear layer on top."""

    def __init__(
        self, n_chans: int, n_outputs: int, sfreq: float, *, n_filters: int = 8
    ) -> None:
        super().__init__()
        kernel = round(sfreq / 4) | 1  # a quarter of a second at any rate, an odd number
        self.filters = torch.nn.Conv1d(n_chans, n_filters, kernel, bias=False)
        self.norm = torch.nn.BatchNorm1d(n_filters)
        self.dense = torch.nn.Linear(n_filters, n_outputs)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        power = self.filters(signals).square().mean(dim=2)
        return self.dense(self.norm(power.clamp(min=1e-6).log()))
'''
folder = Path(tempfile.mkdtemp(prefix="network-"))  # everything that this page writes
(folder / "networks.py").write_text(NETWORK, encoding="utf-8")
sys.path.insert(0, str(folder))  # on the command line: work in the folder of networks.py
from networks import PowerNet  # noqa: E402

# %%
# Before any training, check the shapes with noise. This takes a second and finds most mistakes.

network = PowerNet(n_chans=24, n_outputs=2, sfreq=128.0)
logits = network(torch.randn(5, 24, 256))
n_weights = sum(weights.numel() for weights in network.parameters())
print(f"5 windows give logits {tuple(logits.shape)}; {n_weights:,} weights")
assert logits.shape == (5, 2)

# %%
# The store
# ---------

queries = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
outcome = bids_dl.convert(
    sample_folder(), folder / "eyes.zarr", hed=queries, window=2, scheduler="synchronous"
)
print(str(outcome).replace(f"{folder}/", ""))

# %%
# Way 1: bids_dl.train
# --------------------
# The name is ``MODULE:CLASS``. ``loso`` trains four networks, each tested on the person that it has
# not seen. Nothing else changes: the metrics, the record and ``predict`` are those of every model.
#
# .. code-block:: bash
#
#    bids-dl train eyes.zarr --model networks:PowerNet --model-option n_filters=4 \
#        --folds loso --epochs 15 --lr 0.01 --run-dir run

run = bids_dl.train(
    outcome.url,
    model="networks:PowerNet",
    model_options={"n_filters": 4},
    folds="loso",
    epochs=15,
    lr=0.01,
    device="cpu",
    run_dir=folder / "run",
)
metrics = run.metrics
trained = {person["subject"]: person["accuracy"] for person in metrics["persons"]}
linear = {
    person["subject"]: person["accuracy"]
    for person in metrics["baselines"]["band_power"]["persons"]
}
print(f"right: {metrics['windows']['accuracy']['value']:.2f} of the windows of new people")
print(f"scaled by: {metrics['normalize']['value']}, because {metrics['normalize']['reason']}")

# %%
# The last line is a decision that a loop of your own has to make itself: EEG is in µV, and networks
# learn better from numbers near 1. With one class in each recording, scaling each recording by
# itself could remove the difference between the classes, so all windows are scaled by the training
# people.
#
# Way 2: a loop of your own
# -------------------------
# ``StreamingDataset`` gives batches of windows with their classes. ``where`` takes people by the
# columns of the store. Three people train, and the fourth is the test; then the next one is.
# ``set_epoch`` gives each pass over the data another order.


def train_and_test(subject: str, n_epochs: int = 15) -> float:
    """Train on all other people, and return the accuracy on the windows of one."""
    torch.manual_seed(0)
    others = [other for other in trained if other != subject]
    training = bids_dl.StreamingDataset(
        outcome.url, where={"subject": others}, batch_size=64, seed=0
    )
    # mean and standard deviation of each channel over the training windows only
    windows = torch.cat([signals for signals, _, _ in training])
    mean = windows.mean(dim=(0, 2), keepdim=True)
    scale = windows.std(dim=(0, 2), keepdim=True)

    network = PowerNet(training.n_chans, len(training.classes), training.sfreq, n_filters=4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for epoch in range(n_epochs):
        training.set_epoch(epoch)
        for signals, target, _ in training:
            loss = torch.nn.functional.cross_entropy(network((signals - mean) / scale), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    network.eval()
    testing = bids_dl.StreamingDataset(outcome.url, where={"subject": subject}, shuffle=False)
    n_right = 0
    with torch.inference_mode():
        for signals, target, _ in testing:
            n_right += int((network((signals - mean) / scale).argmax(1) == target).sum())
    return n_right / len(testing.windows)


own_loop = {subject: train_and_test(subject) for subject in trained}

# %%
# Beside the baseline
# -------------------
# *Band-power* is a linear model of the power in five bands of each channel, trained and tested on
# the same people. It is in the record of every training.

accuracies = pd.DataFrame(
    {"bids_dl.train": trained, "own loop": own_loop, "band-power": linear}
).rename(index=lambda subject: f"sub-{subject}")
accuracies.loc["mean"] = accuracies.mean()
print(accuracies.round(2))

axes = accuracies.plot.bar(
    figsize=(7, 3.4), rot=0, ylim=(0, 1), ylabel="accuracy", color=["#1b6ca8", "#d95f02", "#7f7f7f"]
)
axes.axhline(0.5, color="black", linestyle="--", linewidth=1, label="chance")
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
plt.tight_layout()
plt.show()

found = metrics["windows"]["accuracy"]
print(f"bids_dl.train: {found['low']:.2f} to {found['high']:.2f} (95 % interval over people)")
assert found["low"] > 0.5  # better than chance

# %%
# The two ways differ in details, such as the order of the batches, so their numbers differ a
# little.
#
# Use the networks
# ----------------
# ``predict`` finds ``networks.py`` by the name in the run folder. Each person is predicted only by
# the network that has not seen the person.
#
# .. code-block:: bash
#
#    bids-dl predict eyes.zarr --run-dir run --output predictions.csv

predictions = bids_dl.predict(outcome.url, run_dir=run.run_dir)
print(predictions[["subject", "label", "predicted", "seen"]].head(3))
assert not predictions["seen"].any()

# %%
# What this does not show
# -----------------------
# - **That one network is better than another.** Four people are too few; ``bids-dl compare`` tests
#   runs in pairs, and needs six people or more.
# - **That your own loop is worth it.** It has no interval, no baseline and no record unless you
#   write them. Use it for what ``bids_dl.train`` cannot do, such as several losses at once.
#
# Go on with
# ----------
# - :doc:`/models`: all models, options, pretrained weights, and a short name for your own by an
#   entry point
# - :doc:`/training`: splits, scaling, intervals and transfer
# - :doc:`/streaming`: many processes, resuming in the middle of an epoch
