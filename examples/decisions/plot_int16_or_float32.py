"""
Store int16 or float32?
=======================

**Data:** real EEG that ships with the package.

A **store** keeps its samples as ``float32``, or, if you ask for it, as ``int16``: whole numbers of
a step that is a power of two in µV. **The rule: keep** ``float32`` **for a dataset that fits on
your disk. Take** ``--dtype int16`` **if the store is streamed from a bucket, or too large for the
disk: it has a third of the bytes, and an error that is far below the noise of the amplifier.**

This page measures the bytes, the error, the speed, and what a network notices.
"""

# %%
# The same recordings twice
# -------------------------
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import torch
from scipy.signal import welch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.models.band_power import BandPower

folder = Path(tempfile.mkdtemp(prefix="bids_dl_dtype_"))
stores = {}
for dtype in ("float32", "int16"):
    outcome = bids_dl.convert(
        sample_folder(),
        folder / f"{dtype}.zarr",
        hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
        window=2,
        dtype=dtype,
        scheduler="synchronous",
    )
    stores[dtype] = bids_dl.open_store(outcome.url)
    print(f"{dtype:8} {stores[dtype].nbytes / 1e6:.2f} MB")
assert stores["int16"].nbytes < 0.4 * stores["float32"].nbytes

# %%
# The same with the command line:
#
# .. code-block:: bash
#
#    bids-dl convert ds004362 eyes.zarr --dtype int16 \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed --window 2
#
# Both are read as float32 in µV, so no line of your code changes.
#
# The error beside the noise
# --------------------------
# The step is chosen from the recordings: fine enough for 1/256 of the typical deviation, and coarse
# enough that at most one sample in 100,000 exceeds the range (:doc:`/store-format`). The store
# states step and largest error in µV, and how many samples were clipped.
exact, rounded = (stores[dtype].read("signals") for dtype in ("float32", "int16"))
error = rounded - exact
for name, value in bids_dl.info(folder / "int16.zarr")["rounding"].items():
    print(f"{name}: {value}")

# %%
# How much is that? The recordings were digitized in steps, too, when they were made. That step is
# in the files, and it is much coarser than the step of the store.
file = next(sample_folder().glob("sub-001/eeg/*run-1_eeg.edf"))
published = mne.io.read_raw_edf(file, verbose="error").get_data(picks=[0]) * 1e6
step = np.diff(np.unique(published.round(6))).min()
print(f"step of the published file: {step:.2f} µV")
print(f"error of int16: {error.std():.3f} µV on average, {np.abs(error).max():.3f} µV at most")
print(f"signal after the recipe: {exact.std():.1f} µV")
assert np.abs(error).max() < step / 2

# %%
# In the spectrum, the error lies far below the EEG at all frequencies that the recipe keeps.
sfreq = stores["float32"].sfreq
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for signals, color, label in ((exact, "#0072B2", "EEG"), (error, "#D55E00", "error of int16")):
    frequency, power = welch(signals, sfreq, nperseg=256, axis=-1)
    axes.semilogy(frequency[1:], np.median(power, axis=(0, 1))[1:], color=color, label=label)
axes.axvline(45, color="grey", linestyle=":")
axes.text(44, 1e-3, "low-pass of\nthe recipe", color="#555555", ha="right")
axes.set(xlabel="frequency (Hz)", ylabel="power (µV²/Hz)", xlim=(0, sfreq / 2))
axes.legend(loc="center left")
plt.show()

# %%
# What a network notices
# ----------------------
# The baseline of every training, logistic regression on log band power, is tested on the person who
# was left out. Chance is 50 %, and there are four people.


def probabilities(store):
    """Return the probability of eyes open for each window, by models of the other people."""
    bands = BandPower(store.shape[1], store.shape[2], 1, store.sfreq)
    power = bands.features(torch.from_numpy(store.read("signals"))).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    labels, people = store.table["label"] == "eyes_open", store.table["subject"]
    folds = LeaveOneGroupOut()
    return cross_val_predict(model, power, labels, groups=people, cv=folds, method="predict_proba")[
        :, 1
    ]


is_open = stores["float32"].table["label"] == "eyes_open"
predicted = {dtype: probabilities(store) for dtype, store in stores.items()}
for dtype, values in predicted.items():
    print(f"{dtype:8} accuracy {((values > 0.5) == is_open).mean():.1%}")
difference = np.abs(predicted["int16"] - predicted["float32"]).max()
print(f"largest difference of a probability: {difference:.4f}")
assert difference < 0.01

# %%
# Speed
# -----
# An epoch is one pass over all windows. From a disk that is fast, ``int16`` takes about as long or
# somewhat longer, because a processor has to unpack it. From a network, a third of the bytes is a
# third of the wait; :doc:`/benchmarks` has both, on larger stores.


def seconds_of_epoch(store):
    """Return the time of the computation in one epoch."""
    stream = bids_dl.StreamingDataset(store.url, batch_size=32)
    start = time.process_time()
    for _ in stream:
        pass
    return time.process_time() - start


for _ in range(2):  # the first round warms up
    spent = {
        dtype: np.median([seconds_of_epoch(store) for _ in range(5)])
        for dtype, store in stores.items()
    }
print(f"int16 takes {spent['int16'] / spent['float32']:.1f} times as long as float32 to read")
megabits = 100
for dtype, store in stores.items():
    print(f"{dtype:8} at {megabits} Mbit/s: {store.nbytes * 8 / megabits / 1e6:.2f} s of transfer")

# %%
# When the rule does not hold
# ---------------------------
# - **Tiny signals beside large ones.** The whole store has one step. If one channel holds mV, such
#   as an ECG or a trigger, or recordings differ by a factor of 100, look at ``rounding`` above:
#   clipped samples are counted there, for each recording.
# - **Averages of thousands of trials**, such as brainstem responses below 0.1 µV. The error
#   averages out like noise does, but there is no reason to have it.
# - **A reference to compare with**, where bytes must equal those of another program: ``float32``.
# - **A dataset that was int16 from the beginning and is stored as-is** still gets a power of two as
#   its step, so the integers are not those of the file.
#
# The choice can be changed: convert again with the other type. The recipe, the windows and the
# splits are the same.
#
# What this does not show: networks other than a linear one. The tests of bids_dl train one on both
# types and find the same loss within 0.001.
#
# Go on with :doc:`plot_window_length`, or with a bucket in :doc:`/tutorials/plot_bucket`.
