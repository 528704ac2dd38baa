"""
Which preprocessing recipe?
===========================

**Data:** real EEG that ships with the package. The last part needs ``pip install ".[clean]"``.

A **recipe** is the list of steps between the recording and the **store** from which a network
learns. **The rule: begin with** ``default``. **Take another one if your data or your question asks
for it, never because it gave the higher accuracy on the test people.** Cleaning by ASR or ICA is
worth its time if artifacts could carry the answer, or if you look at the signals yourself.

========================================  ====================================================
your case                                 recipe
========================================  ====================================================
EEG, nothing special                      ``default``: 0.5 to 45 Hz, average reference, 128 Hz
EEGLAB or another program has cleaned it  ``as-is``: nothing
recordings have different channels        ``common``: ``default`` on the channels of all
other montages are to be joined           ``to-10-20``: ``default`` on 19 channels
eyes or muscles could carry the answer    ``eeglab``: bad channels, ASR, ICA with ICLabel
a published study is repeated             its own: ``truong2021``, ``chambon2018``, ``hms2024``
intracranial EEG with dropouts            ``deepsync``
========================================  ====================================================

This page measures on the same recordings what changes in the spectrum and in the accuracy, and what
each recipe costs.
"""

# %%
# Three recipes on the same eight minutes
# ---------------------------------------
# Four people had their eyes open for a minute, and closed for another one. A **window** is one
# training example of two seconds.
import json
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.models.band_power import BandPower

folder = Path(tempfile.mkdtemp(prefix="bids_dl_recipe_"))
CLASSES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


def convert(recipe, classes=CLASSES, **options):
    """Convert with a recipe, and return the store and the seconds of computation."""
    start = time.process_time()
    outcome = bids_dl.convert(
        sample_folder(),
        folder / f"{recipe}.zarr",
        hed=classes,
        window=2,
        recipe=recipe,
        scheduler="synchronous",  # in this process, so that its time can be measured
        **options,
    )
    assert not outcome.failures
    return bids_dl.open_store(outcome.url), time.process_time() - start


OPEN = {"eyes_open": "Eyes-open"}
convert("default", OPEN, subject="001", run="1", split=1)  # imports, which are not measured
stores = {}
seconds = {}
for recipe in ("as-is", "to-10-20", "default"):
    stores[recipe], seconds[recipe] = convert(recipe, overwrite=True)

# %%
# The accuracy is that of the baseline of every training: logistic regression on the log power of
# each channel in five bands, tested on the person who was left out. Chance is 50 %.


def person_accuracies(store):
    """Return the accuracy of each person who was left out."""
    bands = BandPower(store.shape[1], store.shape[2], 1, store.sfreq)
    power = bands.features(torch.from_numpy(store.read("signals"))).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    labels, people = store.table["label"], store.table["subject"]
    predicted = cross_val_predict(model, power, labels, groups=people, cv=LeaveOneGroupOut())
    return (predicted == labels).groupby(people).mean()


accuracies = {recipe: person_accuracies(store) for recipe, store in stores.items()}
for recipe, store in stores.items():
    people = ", ".join(f"{value:.0%}" for value in accuracies[recipe])
    print(
        f"{recipe:9} {store.shape[1]} channels at {store.sfreq:g} Hz, {store.nbytes / 1e6:.1f} MB, "
        f"{seconds[recipe] / 8:.2f} s per recording, accuracy {accuracies[recipe].mean():.0%} "
        f"({people})"
    )

# %%
# A store keeps the spectrum of each recording before and after its recipe.
STYLES = {"as-is": ("#000000", "-"), "to-10-20": ("#D55E00", "--"), "default": ("#0072B2", "-")}
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for recipe, (color, line) in STYLES.items():
    store = stores[recipe]
    frequency = store.read("frequency")
    shown = (frequency > 0) & (frequency < store.sfreq / 2)
    spectrum = np.median(store.read("recording_spectrum_after"), axis=0)
    axes.loglog(frequency[shown], spectrum[shown], line, color=color, label=recipe)
axes.axvspan(8, 13, color="#009E73", alpha=0.15)
axes.text(8.2, 1.3e-2, "alpha", color="#00664b")
axes.set(xlabel="frequency (Hz)", ylabel="power (µV²/Hz), median of 8 recordings", ylim=(1e-2, 1e3))
axes.legend()
plt.show()

# %%
# - ``default`` removes what is below 0.5 Hz and above 45 Hz, with the power line at 60 Hz. The
#   average reference removes what all electrodes share; in between, the shape of the spectrum and
#   its alpha rhythm stay.
# - ``to-10-20`` is almost the same, on 19 electrodes: fewer numbers, and a montage that most other
#   datasets have too.
# - The filtered recipes are some points better than ``as-is``, because slow drifts and the power
#   line disturb the power of the outer bands. The difference of ``default`` and ``to-10-20`` is
#   none that four people could show: one person more or less right moves the mean further.
assert abs(accuracies["default"].mean() - accuracies["to-10-20"].mean()) < 0.05

# %%
# When ICA and ASR are worth it
# -----------------------------
# The recipe ``eeglab`` does what many people do by hand: it finds bad channels, reconstructs bursts
# (**ASR**), and removes independent components (**ICA**) that ICLabel takes for eyes or muscles.
# One recording shows what it does, and what it costs.
cleaned, seconds["eeglab"] = convert("eeglab", OPEN, subject="001", run="1", split=1)
raw = stores["as-is"]
recording = raw.table["recording"] == cleaned.table["recording"].iloc[0]
before = raw[recording.to_numpy()].signals
after = cleaned.read("signals")
print(f"{seconds['eeglab']:.1f} s, with the first import of its packages")

# %%
# The report of the conversion says what each step did (``bids-dl report`` shows all of it):
report = json.loads((folder / "eeglab.zarr" / "recordings.json").read_text(encoding="utf-8"))
for step in next(iter(report.values()))["steps"]:
    if step["step"] in ("bad_channels", "asr", "ica") and step["notes"]:
        print(f"{step['step']:12} {step['share']:4.0%} of samples: {step['notes'][0]}")

# %%
# Ten seconds above the left eye, before and after. The large slow waves are blinks.
channel = raw.channels.index("Fp1")
first = np.argmax(np.ptp(before[:, channel], axis=1).reshape(-1, 5).sum(axis=1)) * 5
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
times = np.arange(5 * raw.shape[2]) / raw.sfreq + first * 2
for signals, color, label in ((before, "#999999", "as-is"), (after, "#0072B2", "eeglab")):
    trace = signals[first : first + 5, channel].reshape(-1)
    axes.plot(times, trace - np.median(trace), color=color, linewidth=0.9, label=label)
axes.set(xlabel="time (s)", ylabel="Fp1 (µV)", xlim=(times[0], times[-1]))
axes.legend(loc="upper right")
plt.show()
assert np.ptp(after[:, channel], axis=1).max() < np.ptp(before[:, channel], axis=1).max() / 2

# %%
# Blinks tell open from closed eyes very well, so a network without this step may learn blinks
# instead of the alpha rhythm. Whether that is wrong depends on your claim: a drowsiness detector
# may use blinks, a paper about the visual cortex may not. Two cheap checks come before the
# expensive recipe: train without the frontal channels (``--set`` on the step ``drop`` of your own
# recipe), and look at what the network uses (:doc:`/explaining`).
#
# .. code-block:: bash
#
#    bids-dl convert ds004362 eyes.zarr --recipe eeglab \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed --window 2
#    bids-dl report eyes.zarr
#
# When the rule does not hold
# ---------------------------
# - **Slow potentials** (below 0.5 Hz), gamma (above 45 Hz) and fast details (above 64 Hz) are not
#   in ``default``. Change it: ``--set filter.low=0.1``, ``--set resample.sfreq=256``.
# - **Few electrodes, or one hemisphere**: an average reference of a few channels mixes them. Set
#   the reference to what your laboratory uses, ``--set reference.channels=Cz``.
# - **A comparison with published numbers** needs the recipe of the publication, even if it is
#   worse.
# - **Anything that looks at the label or at other people** is no recipe. All steps here see one
#   recording, so they cannot leak between train and test.
#
# Choosing the best of ten recipes by the test people makes the test a part of the training. Choose
# by what the data need, or on the validation people, and test once.
#
# What this does not show: ICA decomposes best with more electrodes and more minutes than these, and
# the accuracy of a task with weak effects may gain more by cleaning than this easy one.
#
# Go on with :doc:`/recipes`, which has all steps, and :doc:`plot_int16_or_float32`.
