"""
Which normalization: recording, training, window or none?
=========================================================

**Data:** real EEG that ships with the package, and planted EEG of known content.

The numbers of EEG are in µV, and networks learn best from numbers near 1. So each channel is
**normalized**: its mean is subtracted, and it is divided by its standard deviation. **The rule: if
the target changes within a recording, such as a state or an event, take** ``recording``. **If each
person has one value, such as a diagnosis or the age, take** ``training``. This is what ``auto``,
the default of ``bids-dl train``, does, unless the publication of the model says otherwise.

==============  ====================================  =========================================
choice          mean and deviation of a channel over  what it removes
==============  ====================================  =========================================
``window``      this window                           amplitude of each window
``recording``   all windows of the recording          amplitude of each person and session
``training``    all windows of the training people    the unit µV only
``none``        nothing                               nothing
==============  ====================================  =========================================

A **window** is one training example, here two seconds. The store keeps µV in all cases; it is the
stream that normalizes, so the choice can be changed without converting again.
"""

# %%
# What each one does to real EEG
# ------------------------------
# The store has a minute with eyes open and a minute with eyes closed of four people.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.models.band_power import BandPower
from bids_dl.testing import PlantedEffect, plant_store

NORMALIZATIONS = ("none", "training", "recording", "window")
folder = Path(tempfile.mkdtemp(prefix="bids_dl_scaling_"))
eyes = folder / "eyes.zarr"
bids_dl.convert(
    sample_folder(),
    eyes,
    hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    window=2,
    scheduler="synchronous",  # in this process, which is faster for eight minutes of EEG
)


def read(store, normalize):
    """Read all windows (n_windows, n_chans, n_times) as a training does."""
    option = None if normalize == "none" else normalize
    stream = bids_dl.StreamingDataset(store, normalize=option, batch_size=64)
    windows = torch.zeros(len(stream.windows), stream.n_chans, stream.n_times)
    for signals, _, rows in stream:
        windows[rows] = signals
    return windows


table = bids_dl.open_store(eyes).table
colors = dict(
    zip(sorted(table["subject"].unique()), plt.colormaps["viridis"].colors[::70], strict=True)
)
figure, all_axes = plt.subplots(2, 2, figsize=(7, 5), sharex=True, layout="constrained")
for axes, name in zip(all_axes.flat, NORMALIZATIONS, strict=True):
    amplitude = read(eyes, name).std(dim=2).mean(dim=1)
    for person, color in colors.items():
        rows = table.index[table["subject"] == person]
        axes.plot(rows, amplitude[rows], ".", color=color, markersize=4, label=f"person {person}")
    unit = "µV" if name == "none" else "deviations"
    axes.set(title=name, ylabel=f"amplitude ({unit})", ylim=(0, 1.15 * float(amplitude.max())))
for axes in all_axes[1]:
    axes.set_xlabel("window of the store")
all_axes[1, 1].legend(fontsize=8, ncols=2, loc="center")
plt.show()

# %%
# Each dot is the amplitude of one window, averaged over channels. With ``none`` and ``training``,
# people differ, for instance by their skull and the contact of the electrodes. With ``recording``,
# all recordings are at the same height, but the windows of a recording still differ. With
# ``window``, all windows are equal.
#
# Four questions
# --------------
# Which one is best depends on where the answer is. Three questions have planted answers, all of the
# same size: who judges each window of a new person alone is right in 76 % of them at best. A
# sample of people scatters around this by some points. ``recording`` can exceed it, because it
# looks at all windows of a person:
#
# - *rhythm of a person*: the alpha rhythm of some people is stronger, the rest of the spectrum is
#   not
# - *amplitude of a person*: the whole signal of some people is stronger
# - *amplitude of a moment*: the whole signal is stronger in every second block of each recording
#
# The fourth is the real question above, eyes open or closed. Everything is tested on people whom
# the model has not seen. The model is logistic regression on the log power in five bands, the
# baseline of every training.


def accuracy(windows, people, classes, sfreq):
    """Return the accuracy on windows of new people."""
    bands = BandPower(windows.shape[1], windows.shape[2], 1, sfreq)
    power = bands.features(windows).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    folds = GroupKFold(min(people.nunique(), 5))
    return (cross_val_predict(model, power, classes, groups=people, cv=folds) == classes).mean()


def normalize(windows, people, name):
    """Normalize as the stream does; each person has one recording here."""
    if name == "window":
        return (windows - windows.mean(2, keepdim=True)) / windows.std(2, keepdim=True)
    groups = people.to_numpy() if name == "recording" else np.zeros(len(people))
    result = windows.clone()
    for group in np.unique(groups):
        rows = torch.from_numpy(groups == group)
        mean, deviation = windows[rows].mean((0, 2)), windows[rows].std((0, 2))
        if name != "none":
            result[rows] = (windows[rows] - mean[:, None]) / deviation[:, None]
    return result


effect = PlantedEffect(d=2, between=1, within=1)
assert round(effect.bound_windows(), 2) == 0.76
size = {"n_persons": 80, "n_windows": 20, "n_blocks": 10, "ch_names": ("F3", "C4", "P3", "O2")}
plant_store(folder / "rhythm.zarr", effect, **size)
plant_store(folder / "same.zarr", PlantedEffect(d=0), **size)  # nothing differs between classes
plain = bids_dl.open_store(folder / "same.zarr")
same, people = read(folder / "same.zarr", "none"), plain.table["subject"]


def amplify(classes):
    """Make the windows of the second class stronger, as much as the planted rhythm is."""
    rng = np.random.default_rng(0)
    level = np.where(classes == sorted(set(classes))[1], effect.d / 2, -effect.d / 2)
    level = level + rng.standard_normal(len(level))  # windows differ
    level = level + rng.standard_normal(size["n_persons"])[people.astype(int) - 1]  # people differ
    return same * torch.from_numpy(np.exp(level / 2)).float()[:, None, None]


sex, block = plain.table["sex"], plain.table["label"]
questions = {
    "rhythm of a person": (read(folder / "rhythm.zarr", "none"), sex),
    "amplitude of a person": (amplify(sex), sex),
    "amplitude of a moment": (amplify(block), block),
}
results = {}
for question, (windows, classes) in questions.items():
    results[question] = [
        accuracy(normalize(windows, people, name), people, classes, plain.sfreq)
        for name in NORMALIZATIONS
    ]
results["real: eyes open or closed"] = [
    accuracy(read(eyes, name), table["subject"], table["label"], 128.0) for name in NORMALIZATIONS
]
print(f"{'':26}", *(f"{name:>10}" for name in NORMALIZATIONS))
for question, accuracies in results.items():
    print(f"{question:26}", *(f"{value:>10.0%}" for value in accuracies))

# %%
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
markers = zip(NORMALIZATIONS, "os^D", ("#000000", "#0072B2", "#D55E00", "#009E73"), strict=True)
for column, (name, marker, color) in enumerate(markers):
    values = [accuracies[column] for accuracies in results.values()]
    heights = np.arange(len(results)) + 0.12 * (column - 1.5)
    axes.plot(values, heights, marker, color=color, label=name)
axes.axvline(0.5, color="grey", linestyle=":")
axes.text(0.505, 3.45, "chance", color="grey", va="center")
axes.set_yticks(range(len(results)), list(results))
axes.invert_yaxis()
axes.set(xlabel="accuracy on windows of new people", xlim=(0.4, 1), ylim=(3.6, -0.4))
axes.legend(loc="upper right", fontsize=8)
plt.show()

# %%
# - ``none`` and ``training`` give the same here, because a linear model of log power does not mind
#   a factor. A network does: it learns badly from values of 50.
# - If the **amplitude of a person** is the answer, ``recording`` and ``window`` remove it, and
#   chance is left. Normalization cannot be undone by any network:
person = dict(zip(NORMALIZATIONS, results["amplitude of a person"], strict=True))
assert max(person["recording"], person["window"]) < 0.6 < person["training"]

# %%
# - If the answer is a **moment**, ``recording`` helps: it removes what differs between people and
#   is no answer. ``window`` removes the answer with it.
moment = dict(zip(NORMALIZATIONS, results["amplitude of a moment"], strict=True))
assert moment["recording"] > moment["training"] > 0.6 > moment["window"]

# %%
# - A **rhythm** survives all of them, because the other frequencies keep its scale. ``recording``
#   even helps: its divisor contains the alpha of all windows of a person, as a vote would.
# - **Eyes open or closed** is a state, and a rhythm. ``recording`` is best here, with four people
#   and thus without proof. Yet ``auto`` takes ``training`` for this store, because each of its
#   recordings has one class only, and the rule must not remove the difference of two recordings. If
#   you know that your classes are states, say so: ``--normalize recording``.
#
# .. code-block:: bash
#
#    bids-dl train eyes.zarr --folds loso --normalize recording
#
# Absolute power may carry the class, for the wrong reason
# --------------------------------------------------------
# If patients and controls were recorded with two amplifiers, on two floors, or by two people who
# prepare electrodes differently, the amplitude tells them apart. ``none`` and ``training`` then
# give a high accuracy that is no physiology. Two checks: train with ``recording`` too, and see what
# is left; and balance the site, with ``--stratify site`` or a test on another site.
#
# When the rule does not hold
# ---------------------------
# - **Pretrained weights** want the normalization that they were trained with. ``--init-from`` takes
#   it from the run, so do not give another one.
# - **Spectra in dB as input** (:doc:`/transforms`) want µV: ``none`` or ``recording``.
# - **One patient, calibrated**: ``recording`` needs the whole recording, which a device that runs
#   for the first hour does not have. Test what the device can do: ``training`` or ``window``.
# - **Strong artifacts** decide the deviation of a recording. Reject or repair them in the recipe.
#
# What this does not show: networks that normalize inside, by batch norm or layer norm, differ less.
#
# Go on with :doc:`plot_which_recipe` and the options in :doc:`/streaming`.
