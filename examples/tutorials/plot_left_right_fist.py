"""
Left or right fist: windows around events
=========================================

*Real EEG that ships with the package: three people who imagine opening and closing their left or
right fist, 15 times each.*

An imagined movement changes the rhythm over the hand area of the brain: its power falls
(event-related desynchronization, ERD), and in the textbook it falls more on the opposite side
(`Pfurtscheller and Lopes da Silva 1999 <https://doi.org/10.1016/S1388-2457(99)00141-8>`_). Is that
so in this EEG, and can a network tell left from right? This page cuts windows around events, draws
the ERD, and tests the network in two ways that answer different questions. 45 trials of three
people are few, and the page shows what that means for a result. You need the package only.
:doc:`plot_eyes` explains the steps from a query to a network, and the :doc:`/glossary` the words.
"""

# %%
# Name both classes by HED
# ------------------------
# The events of the left fist are annotated with these tags, and some more:
#
# .. code-block:: text
#
#    (Close, Hand, (To-left-of, Torso)), (Open, Hand, (To-left-of, Torso)), Imagined-action
#
# In a query, ``[Hand && To-left-of]`` means both tags in one group of brackets. ``AND`` adds a tag
# that may stand anywhere in the event, so real movements do not match.
#
# ``tmin`` and ``tmax`` ask for *event-locked* windows: from 2 s before each event to 4 s after it.
# The event is at the same sample of every window.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import signal, stats

import bids_dl
from bids_dl.demo import sample_folder

dataset = sample_folder()
folder = Path(tempfile.mkdtemp(prefix="fists-"))  # everything that this page writes
queries = {
    "left": "Imagined-action AND [Hand && To-left-of]",
    "right": "Imagined-action AND [Hand && To-right-of]",
}
survey = bids_dl.events(dataset, hed=queries, tmin=-2, tmax=4)
print(survey)
found = pd.DataFrame({"recording": [event.recording for event in survey.events]})
found["label"] = [event.label for event in survey.events]
print(pd.crosstab(found["recording"].str.split("/").str[1], found["label"]))

# %%
# The command line needs quotes, because a shell reads ``&`` and brackets itself:
#
# .. code-block:: bash
#
#    bids-dl events bids_dl/sample/ds004362 --tmin -2 --tmax 4 \
#        --hed 'left=Imagined-action AND [Hand && To-left-of]' \
#        --hed 'right=Imagined-action AND [Hand && To-right-of]'

outcome = bids_dl.convert(
    dataset, folder / "erd.zarr", hed=queries, tmin=-2, tmax=4, scheduler="synchronous"
)
store = bids_dl.open_store(outcome.url)
times = store.read("time")  # s from the event
print(f"{outcome.n_windows} windows from {times[0]:.2f} to {times[-1]:.2f} s")

# %%
# Draw the desynchronization
# --------------------------
# C3 lies over the hand area of the left half of the brain, C4 over that of the right half. The
# power at 8 to 13 Hz (mu) is divided by its mean before the event, from -1.75 to -0.25 s. Below
# 0 dB, the rhythm is weaker than before the event. Each line is the mean over the three people.

COLORS = {"left": "#d95f02", "right": "#1b6ca8"}
SUBJECTS = store.table["subject"].unique()
before = (times >= -1.75) & (times <= -0.25)
during = (times >= 0.5) & (times <= 3.5)
band = signal.butter(4, [8, 13], btype="bandpass", fs=store.sfreq, output="sos")
mu = np.abs(signal.hilbert(signal.sosfiltfilt(band, store.read("signals")))) ** 2


def erd(subject: str, label: str, channel: str) -> np.ndarray:
    """Return the power of a person, one label and one channel over time, in dB of that before."""
    rows = (store.table["subject"] == subject) & (store.table["label"] == label)
    course = mu[rows.to_numpy(), store.channels.index(channel)].mean(axis=0)
    smooth = np.convolve(course, np.ones(64) / 64, mode="same")  # over 0.5 s
    return 10 * np.log10(smooth / course[before].mean())


figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for axes, channel in zip(panels, ("C3", "C4"), strict=True):
    for label, color in COLORS.items():
        course = np.mean([erd(subject, label, channel) for subject in SUBJECTS], axis=0)
        inside = (times > -1.7) & (times < 3.7)  # without the edges of filter and mean
        axes.plot(times[inside], course[inside], color=color, label=f"{label} fist")
    axes.axvline(0, color="black", linewidth=1)
    axes.axhline(0, color="black", linewidth=1, linestyle=":")
    axes.set(title=channel, xlabel="time from the event (s)")
panels[0].set_ylabel("power at 8 to 13 Hz (dB)")
panels[0].legend(fontsize="small")
plt.show()

means = {
    (channel, label): np.mean([erd(subject, label, channel)[during] for subject in SUBJECTS])
    for channel in ("C3", "C4")
    for label in COLORS
}
assert max(means.values()) < 0

# %%
# On average, the rhythm falls on both sides for both fists. The textbook expects more on the
# opposite side, so the difference C3 - C4 should be lower for the right fist than for the left one.
# A mean over three people hides who shows this, so here is each of them.

rows = []
for subject in SUBJECTS:
    sides = {
        label: (erd(subject, label, "C3") - erd(subject, label, "C4"))[during].mean()
        for label in COLORS
    }
    rows.append(
        {"subject": f"sub-{subject}", **sides, "right - left": sides["right"] - sides["left"]}
    )
lateralization = pd.DataFrame(rows).set_index("subject")
print("ERD at C3 minus ERD at C4, in dB")
print(lateralization.round(1))

axes = lateralization[["left", "right"]].plot.bar(color=COLORS, figsize=(5.5, 3.2), rot=0)
axes.axhline(0, color="black", linewidth=1)
axes.set(xlabel="", ylabel="ERD, C3 - C4 (dB)")
axes.legend(title="fist", fontsize="small")
plt.tight_layout()
plt.show()

as_expected = lateralization["right - left"] < 0
print(f"as in the textbook in {as_expected.sum()} of {len(as_expected)} people")
print(store.table.groupby("subject")["Handedness"].first().to_string())
assert as_expected.to_list() == [True, True, False]

# %%
# One person does the opposite. That person is also the only left-handed one, but one person cannot
# explain anything: it may be chance, with 7 or 8 trials of each fist.
#
# Two questions, two tests
# ------------------------
# For the network, the windows go from 0.5 to 3.5 s after the event: the rest before it says
# nothing about the fist. Two ways to divide training and test answer two questions.
#
# - ``time``: the last quarter of each recording is the test. *Does it work later for the same
#   people?*
# - ``loso``: each person in turn is the test. *Does it work for people it has not seen?*
#
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 fists.zarr --tmin 0.5 --tmax 3.5 --hed ... --hed ...
#    bids-dl train fists.zarr --folds time --epochs 10 --run-dir time
#    bids-dl train fists.zarr --folds loso --epochs 10 --run-dir loso

fists = bids_dl.convert(
    dataset, folder / "fists.zarr", hed=queries, tmin=0.5, tmax=3.5, scheduler="synchronous"
)
QUESTIONS = {"time": "later in the same recording", "loso": "people not seen"}
rows = []
for folds, question in QUESTIONS.items():
    run = bids_dl.train(
        fists.url,
        model="shallow-fbcsp",
        folds=folds,
        epochs=10,
        device="cpu",
        run_dir=folder / folds,
    )
    metrics = run.metrics
    network = metrics["windows"]["accuracy"]
    linear = metrics["baselines"]["band_power"]["windows"]["accuracy"]
    n_tested = metrics["windows"]["n"]
    rows.append(
        {
            "question": question,
            "tested": n_tested,
            "network": network["value"],
            "low": network["low"],
            "high": network["high"],
            "band-power": linear["value"],
            # the accuracy that guessing exceeds in at most 5 % of tries
            "limit": stats.binom.ppf(0.95, n_tested, 0.5) / n_tested,
        }
    )
results = pd.DataFrame(rows).set_index("question")
print(results.round(2).to_string())

# %%
# Read each row from left to right. ``low`` to ``high`` is the 95 % interval over people,
# ``band-power`` the linear model on the same windows, and ``limit`` the accuracy that guessing left
# or right exceeds in at most 5 % of tries. It is far above 0.5, because so few windows are tested.
#
# No accuracy is above its limit, so this EEG does not show that left and right can be told apart.
# The intervals do not say more: three people may agree by chance, and then the interval is narrow,
# or a single value.

assert (results[["network", "band-power"]].max(axis=1) <= results["limit"]).all()

figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
places = np.arange(len(results))
errors = np.abs(results[["low", "high"]].sub(results["network"], axis=0).to_numpy().T)
axes.errorbar(
    results["network"], places, xerr=errors, fmt="o", color="#1b6ca8", capsize=4, label="network"
)
axes.plot(results["band-power"], places - 0.12, "s", color="#7f7f7f", label="band-power")
axes.plot(results["limit"], places, "k|", markersize=16, label="5 % of guesses exceed")
axes.axvline(0.5, color="black", linestyle="--", linewidth=1)
axes.set(xlim=(0, 1), ylim=(-0.5, 1.5), xlabel="accuracy (dashed: chance)")
axes.set_yticks(places, results.index)
axes.legend(loc="lower center", bbox_to_anchor=(0.35, 1), ncols=3, frameon=False)
plt.show()

# %%
# What this does not show
# -----------------------
# - **That left and right can or cannot be told apart in general.** Three people with 15 trials each
#   are too few to say so. The next three people may differ more than the interval says.
# - **That one test is better than the other.** They answer different questions, with different
#   numbers of windows.
# - **That the network failed or works.** Decoders of imagined movement usually learn from
#   hundreds of trials of a person, in frequencies that were chosen for this person.
#
# Take more data before you take a larger network. The dataset has 109 people, and the same queries
# find them: ``bids-dl convert openneuro:ds004362 fists.zarr --hed ...``.
#
# Go on with
# ----------
# - :doc:`/selecting-with-hed`: brackets, ``AND`` and more pitfalls of queries
# - :doc:`/training`: which split answers which question
# - :doc:`plot_own_recipe`: other filters, other references
