"""
How long should windows be?
===========================

**Data:** real EEG that ships with the package.

A **window** is one training example: all channels over some seconds. **The rule: take windows that
hold at least two or three periods of the slowest rhythm that you ask about, and join them by votes.
Two seconds are a good start for ongoing EEG, 30 s for sleep stages, and the length of the response
for events. Overlap does no harm, as long as the split is by people, but it fills the disk.**

This page measures lengths from half a second to eight seconds, and what overlap does to a split
that is not by people.
"""

# %%
# Five lengths of the same recordings
# -----------------------------------
# A window of T seconds tells frequencies apart that are 1/T Hz apart. Longer windows resolve more,
# but there are fewer of them, and each one is wrong or right as a whole.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.models.band_power import BandPower

folder = Path(tempfile.mkdtemp(prefix="bids_dl_window_"))
UNIT = 8  # seconds that vote together below


def read(window, stride):
    """Convert windows of a length and a distance, both in s; return their table and band power."""
    outcome = bids_dl.convert(
        sample_folder(),
        folder / f"eyes-{window}-{stride}.zarr",
        hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
        window=window,
        stride=stride,
        scheduler="synchronous",
    )
    store = bids_dl.open_store(outcome.url)
    bands = BandPower(store.shape[1], store.shape[2], 1, store.sfreq)
    return store.table, bands.features(torch.from_numpy(store.read("signals"))).numpy()


PENALTIES = (0.001, 0.01, 0.1, 1.0)


def accuracies(table, power, penalties=PENALTIES):
    """Return the accuracy of windows of new people, and that of votes over the same 8 s.

    The penalty of the model is chosen on the training people of each fold.
    """
    is_open = (table["label"] == "eyes_open").to_numpy()
    people = table["subject"].to_numpy()
    odds = np.zeros(len(table))
    for train, test in LeaveOneGroupOut().split(power, groups=people):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        inner = list(LeaveOneGroupOut().split(power[train], groups=people[train]))
        choices = {"logisticregression__C": penalties}
        search = GridSearchCV(model, choices, cv=inner, scoring="neg_log_loss")
        odds[test] = search.fit(power[train], is_open[train]).decision_function(power[test])
    unit = table["recording"] + (table["onset"] // UNIT).astype(str)
    votes = pd.DataFrame({"odds": odds, "is_open": is_open, "unit": unit})
    votes = votes[table["onset"] < 56].groupby("unit").mean()  # seven whole units of a recording
    return ((odds > 0) == is_open).mean(), ((votes.odds > 0) == votes.is_open).mean()


lengths = (0.5, 1, 2, 4, 8)
results, fixed = [], []
for seconds in lengths:
    table, power = read(seconds, seconds)
    results.append(accuracies(table, power))
    fixed.append(accuracies(table, power, penalties=(0.01,))[0])
    print(
        f"{seconds:>3} s: {len(table):4} windows, frequencies {1 / seconds:5.3f} Hz apart, "
        f"{results[-1][0]:.0%} of windows and {results[-1][1]:.0%} of votes are right"
    )

# %%
# The test is on the person who was left out. The model is logistic regression on the log power of
# each channel in five bands, as in the baseline of every training. The grey line is the accuracy of
# a vote over eight seconds: sixteen windows of half a second, or one of eight. All of its points
# have seen the same EEG.
windows, votes = np.array(results).T
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(lengths, windows, "o-", color="#0072B2", label="one window")
axes.plot(lengths, votes, "s--", color="#666666", label="vote over 8 s")
axes.plot(lengths, fixed, "^:", color="#D55E00", label="one window, same penalty for all")
axes.axhline(0.5, color="grey", linestyle=":")
axes.text(0.5, 0.51, "chance", color="grey")
axes.set_xscale("log", base=2)
axes.set_xticks(lengths, [f"{seconds:g}" for seconds in lengths])
axes.set(xlabel="length of a window (s)", ylabel="accuracy on new people", ylim=(0.45, 1.02))
axes.legend(loc="lower right")
plt.show()

# %%
# - **A longer window is right more often**: it holds more periods of the alpha rhythm.
# - **A vote of windows of one or two seconds is as good as one long window** that holds the same
#   EEG. So a long window gains nothing that a vote would not, and it answers later. Differences of
#   a few points are none that four people could show.
# - **Fewer windows need another model.** With the same penalty for all lengths, long windows seem
#   to be bad: they are too few for a penalty that suits many short ones. A comparison of lengths
#   has to choose the settings for each one, on the training people.
assert windows[4] > windows[0]
assert votes[1:3].min() >= votes[4]
assert fixed[3] < windows[3] - 0.05

# %%
# Overlap
# -------
# ``--stride 0.5`` begins a window each half second. Two-second windows then share three quarters of
# their samples with the next one. This gives four times as many windows, but no more EEG:
dense_table, dense_power = read(2, 0.5)
dense = accuracies(dense_table, dense_power)
print(f"stride 2.0 s: {windows[2]:.0%} of windows, {votes[2]:.0%} of votes are right")
print(f"stride 0.5 s: {dense[0]:.0%} of windows, {dense[1]:.0%} of votes are right")
assert abs(dense[0] - windows[2]) < 0.05

# %%
# It does no harm, because a person is on one side of the split. It does a lot of harm otherwise.
# Here is a class that means nothing: each ten seconds of a recording are called A or B by drawing
# lots. Nobody can know it, so an honest test finds 50 %.
nearest = make_pipeline(StandardScaler(), KNeighborsClassifier(1))
sparse_table, sparse_power = read(2, 2)
found = {}
for name, table, power in (
    ("no overlap", sparse_table, sparse_power),
    ("overlap", dense_table, dense_power),
):
    part = table["recording"] + (table["onset"] // 10).astype(str)
    names = part.unique()
    random_windows = list(KFold(5, shuffle=True, random_state=0).split(power))
    new_people = list(LeaveOneGroupOut().split(power, groups=table["subject"]))
    for split, folds in (("random windows", random_windows), ("new people", new_people)):
        scores = []
        for seed in range(10):
            drawn = np.random.default_rng(seed).permutation(len(names)) % 2
            classes = part.map(dict(zip(names, drawn, strict=True)))
            scores.append(cross_val_score(nearest, power, classes, cv=folds).mean())
        found[f"{split}, {name}"] = np.mean(scores)
        print(
            f"{split + ', ' + name:27} {found[f'{split}, {name}']:.0%} of a class without meaning"
        )

# %%
# With overlap and windows at random, almost every window is "predicted", since it was nearly in the
# training: the model looks up its neighbour. Without overlap the leak is smaller, but still there,
# because EEG changes slowly. By people, nothing is found, with or without overlap.
assert found["random windows, overlap"] > 0.85
assert 0.55 < found["random windows, no overlap"] < 0.75
assert abs(found["new people, overlap"] - 0.5) < 0.06

# %%
# With the command line
# ---------------------
#
# .. code-block:: bash
#
#    bids-dl convert ds004362 eyes.zarr --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed \
#        --window 2 --stride 0.5
#    bids-dl train eyes.zarr --folds loso
#
# ``--folds time`` leaves a gap (``--gap``) of signal between both sides, so that no window of the
# test shares a sample with the training.
#
# When the rule does not hold
# ---------------------------
# - **Sleep** is scored in epochs of 30 s by definition: ``--window 30``.
# - **Events** have their own time: ``--tmin -0.2 --tmax 0.8`` takes one window around each event.
# - **Published networks** are made for a length. ``bids-dl models NAME`` says for which.
# - **Networks that learn time courses**, such as seizures that build up, need windows that hold
#   them.
# - **Slow rhythms**: a window of two seconds holds one period of 0.5 Hz, which is not enough to
#   measure it.
#
# What this does not show: four people and one easy question. Repeat it with your data; it is a loop
# over ``window``.
#
# Go on with :doc:`plot_which_split`, and :doc:`/selecting-with-hed` for windows around events.
