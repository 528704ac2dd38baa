"""
Eyes open and closed: from a question to a trained network
==========================================================

*Real EEG that ships with the package: four people, one minute with eyes open and one with eyes
closed.*

Can a network tell from two seconds of EEG whether a person it has never seen has the eyes closed?
This page answers the question in five steps: select, convert, look, train, and compare with what
guessing and a simple linear model reach. You need the package only (``pip install .`` in a clone).
Words such as *store*, *window* and *split* are in the :doc:`/glossary`.
"""

# %%
# Select by annotations
# ---------------------
# The dataset is a folder in BIDS. Its events are annotated with HED tags, which say what happened
# in words that are the same in every dataset. A *query* names the tags to look for, and a *label*
# names the class that the matching EEG gets. Here are two of each. A *window* is one training
# example: the minute of each recording becomes windows of 2 s.
#
# ``bids_dl.events`` is a dry run. It reads text files and headers, no signal, and writes nothing
# but the picture.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd

import bids_dl
from bids_dl.demo import sample_folder

dataset = sample_folder()
folder = Path(tempfile.mkdtemp(prefix="eyes-"))  # everything that this page writes
queries = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}

survey = bids_dl.events(dataset, hed=queries, window=2, plot=folder / "selection.png")
print(survey)

# %%
# The recordings that do not match are imagined movements, which have other tags. The command line
# does the same and prints a table:
#
# .. code-block:: bash
#
#    bids-dl events bids_dl/sample/ds004362 --hed eyes_open=Eyes-open \
#        --hed eyes_closed=Eyes-closed --window 2 --plot selection.png
#
# The picture shows the first recording that matches: the signal as recorded, below it the *block*,
# which is the part that the event selects, and its windows. The word in the block is the rule that
# ended it: no later event follows, so the block ends with the recording.

figure, axes = plt.subplots(figsize=(9, 5.2), layout="constrained")
axes.imshow(plt.imread(folder / "selection.png"))
axes.axis("off")
plt.show()

# %%
# Convert
# -------
# ``convert`` preprocesses the selected EEG with a *recipe* (the default: 0.5 to 45 Hz, average
# reference, 128 Hz; see :doc:`/recipes`) and writes all windows into one *store*, a folder that
# networks are trained from. It uses all cores. ``scheduler="synchronous"`` keeps it in this
# process, which is enough for so little data. On the command line, replace ``events`` by
# ``convert`` and name the store: ``bids-dl convert bids_dl/sample/ds004362 eyes.zarr --hed ...``.

outcome = bids_dl.convert(
    dataset, folder / "eyes.zarr", hed=queries, window=2, scheduler="synchronous"
)
print(str(outcome).replace(f"{folder}/", ""))

# %%
# The warning is worth reading: the dataset does not state the types of its channels, so they were
# taken to be EEG by their names. Nothing is guessed silently.
#
# The store has the windows in µV and a table with one row for each of them:

store = bids_dl.open_store(outcome.url)
print(str(store).replace(f"{folder}/", ""))
print(store.table[["subject", "run", "label", "onset", "end_rule", "Age"]].iloc[[0, 1, -1]])

# %%
# Look at the signal before you train
# -----------------------------------
# With closed eyes, a rhythm of about 10 Hz appears at the back of the head (`Berger 1929
# <https://doi.org/10.1007/BF01797193>`_). If the selection and the recipe are right, it must be in
# the store. The *spectra*, power by frequency, are those of O1 and O2, the electrodes at the
# back, for each person.

COLORS = {"eyes_open": "#d95f02", "eyes_closed": "#1b6ca8"}
SUBJECTS = store.table["subject"].unique()
signals = store.read("signals")  # (n_windows, n_chans, n_times) in µV
frequencies = np.fft.rfftfreq(store.shape[2], 1 / store.sfreq)
taper = np.hanning(store.shape[2])
power = np.abs(np.fft.rfft(signals * taper)) ** 2 * 2 / (store.sfreq * (taper**2).sum())  # µV²/Hz


def mean_power(subject: str, label: str) -> np.ndarray:
    """Return the mean spectrum (n_chans, n_freqs) of a person with one label, in µV²/Hz."""
    rows = (store.table["subject"] == subject) & (store.table["label"] == label)
    return power[rows.to_numpy()].mean(axis=0)


back = [store.channels.index(name) for name in ("O1", "O2")]
shown = (frequencies >= 2) & (frequencies <= 40)
# sphinx_gallery_thumbnail_number = 2
figure, panels = plt.subplots(2, 2, figsize=(7, 5), sharex=True, sharey=True, layout="constrained")
for axes, subject in zip(panels.flat, SUBJECTS, strict=True):
    for label, color in COLORS.items():
        spectrum = mean_power(subject, label)[back].mean(axis=0)
        axes.semilogy(frequencies[shown], spectrum[shown], color=color, label=label)
    axes.axvspan(8, 13, color="0.9", zorder=0)
    axes.set_title(f"sub-{subject}")
figure.supxlabel("frequency (Hz)")
figure.supylabel("power at O1 and O2 (µV²/Hz)")
panels[0, 0].legend(fontsize="small")
plt.show()

# %%
# The peak in the grey band (8 to 13 Hz) belongs to the closed eyes, in each of the four people. Its
# place is the next question. The map shows the same band over the head: how much more power there
# is with closed eyes, in dB, as the mean over people.

alpha = (frequencies >= 8) & (frequencies <= 13)
ratios = [
    mean_power(subject, "eyes_closed")[:, alpha].mean(axis=1)
    / mean_power(subject, "eyes_open")[:, alpha].mean(axis=1)
    for subject in SUBJECTS
]
gain = 10 * np.log10(ratios).mean(axis=0)  # (n_chans,) in dB
channels = mne.create_info(list(store.channels), store.sfreq, "eeg")
places = dict(zip(store.channels, store.read("channel_position"), strict=True))  # in m
channels.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
figure, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
image, _ = mne.viz.plot_topomap(gain, channels, axes=axes, cmap="viridis", show=False)
figure.colorbar(image, ax=axes, label="alpha, closed over open (dB)")
plt.show()

print(f"largest at {store.channels[gain.argmax()]}: {gain.max():.1f} dB")
assert store.channels[gain.argmax()] in ("O1", "O2")
assert min(ratio[back].min() for ratio in ratios) > 2  # in each of the four people

# %%
# The second, smaller maximum at the front is no proof of a second source: the average reference
# subtracts a part of the strong rhythm at the back from every channel.

# %%
# Stream
# ------
# PyTorch gets the windows in *batches*. ``split="train"`` gives the people that ``convert`` set
# aside for training: a *split* divides people, so that nobody is on two sides. ``bids_dl.train``
# below streams by itself; your own loop would look like this.

stream = bids_dl.StreamingDataset(outcome.url, split="train", batch_size=32, seed=0)
batch, target, rows = next(iter(stream))
print(f"{len(stream)} batches of {tuple(batch.shape)}, classes {stream.classes}")
print(f"the first batch has {np.bincount(target.numpy())} windows of the two classes")

# %%
# Train and test on people that the network has not seen
# ------------------------------------------------------
# Leave-one-subject-out (``loso``) trains four networks. Each learns from three people and is tested
# on the fourth. The network is shallow-fbcsp, a small one for EEG (:doc:`/models`). Fewer *epochs*
# (passes over the data) than the default keep this page fast.
#
# .. code-block:: bash
#
#    bids-dl train eyes.zarr --model shallow-fbcsp --folds loso --epochs 8 --run-dir run

training = bids_dl.train(
    outcome.url,
    model="shallow-fbcsp",
    folds="loso",
    epochs=8,
    device="cpu",
    run_dir=folder / "run",
)
metrics = training.metrics
baseline = metrics["baselines"]["band_power"]

# %%
# An accuracy means nothing alone. Beside it stand chance, and *band-power*, a linear model of the
# power in five bands, tested on the same people.

accuracies = pd.DataFrame(
    {
        "network": [person["accuracy"] for person in metrics["persons"]],
        "band-power": [person["accuracy"] for person in baseline["persons"]],
    },
    index=[f"sub-{person['subject']}" for person in metrics["persons"]],
)
print(accuracies.round(2))
for name, result in (("network", metrics), ("band-power", baseline)):
    found = result["windows"]["accuracy"]
    print(f"{name}: {found['value']:.2f} of windows ({found['low']:.2f} to {found['high']:.2f})")
print(f"chance: {metrics['baselines']['chance']['windows']:.2f}")

axes = accuracies.plot.bar(
    figsize=(6, 3.4), color=["#1b6ca8", "#7f7f7f"], rot=0, ylim=(0, 1), ylabel="accuracy"
)
axes.axhline(0.5, color="black", linestyle="--", linewidth=1, label="chance")
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
plt.tight_layout()
plt.show()

# %%
# Two seconds are little. The windows of one block can *vote* on its class: the majority wins, and
# each person casts two votes here, one for each recording.

votes = metrics["votes"]
limit = metrics["baselines"]["chance"]["votes_limit"]
print(f"{votes['accuracy']['value']:.2f} of {votes['n']} votes by {metrics['vote_by']} are right;")
print(f"guessing exceeds {limit:.2f} in at most 5 % of tries")
assert metrics["windows"]["accuracy"]["low"] > metrics["baselines"]["chance"]["windows"]

# %%
# What this does not show
# -----------------------
# - **That the network is better than the linear model.** Compare the two intervals above. Four
#   people cannot decide between the two, and ``bids-dl compare`` says so with a paired test.
# - **What holds for people in general.** The intervals are over people, and with four of them they
#   are coarse.
# - **What the network uses.** Each recording has one class, so anything that differs between two
#   recordings could help. ``bids-dl explain eyes.zarr --run-dir run`` asks the network, with
#   controls (:doc:`/explaining`).
#
# Go on with
# ----------
# - ``run/record.html`` in the folder of this page: all numbers and figures of the training
# - :doc:`/selecting-with-hed` for more queries, :doc:`/training` for splits and intervals
# - :doc:`plot_left_right_fist`, windows around events
