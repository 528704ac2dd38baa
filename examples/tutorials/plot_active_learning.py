"""
Active learning: rare events with few answers of an expert
==========================================================

*Real EEG that ships with the package, with planted spikes: the sample has none, and only where the
truth is known can one count how many answers were saved.*

Marking rare events in days of EEG takes an expert weeks. *Active learning* turns this around: a
model chooses the windows that the expert is asked about, learns from the answers, and chooses
again. Does that need fewer answers than asking at random? The page compares both on data whose
answers are known, then shows the page on which an expert answers. You need the package only.
:doc:`plot_eyes` explains the steps from a query to a network, and the :doc:`/glossary` the words.
"""

# %%
# A pool of windows
# -----------------
# ``whole=True`` takes recordings without looking at their events. Each second becomes a *window*.
# The store of these windows is the *pool* from which questions are chosen.
#
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 pool.zarr --whole --run 1 --run 2 --window 1

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bids_dl
from bids_dl.annotate.answers import Journal, make_answer, make_item
from bids_dl.demo import sample_folder
from bids_dl.testing import plant_spikes

folder = Path(tempfile.mkdtemp(prefix="active-"))  # everything that this page writes
outcome = bids_dl.convert(
    sample_folder(),
    folder / "pool.zarr",
    whole=True,
    run=["1", "2"],
    window=1,
    scheduler="synchronous",  # in this process, which is enough for so little data
)
spikes = plant_spikes(outcome.url, folder / "spikes.zarr", share=0.05)
print(spikes.table.groupby(["subject", "label"]).size().unstack())

# %%
# ``plant_spikes`` copied the pool and added a sharp wave to 5 % of the windows, with another
# shape and place for each person. The picture shows a window with a spike and one without, of two
# people, at the electrode where the person's spikes are largest.

COLORS = {"background": "#1b6ca8", "spike": "#d95f02"}
store = bids_dl.open_store(spikes.url)
times = np.arange(store.shape[2]) / store.sfreq
figure, panels = plt.subplots(
    2, 2, figsize=(6.2, 4), sharex=True, sharey=True, layout="constrained"
)
for column, subject in zip(panels.T, ("001", "003"), strict=True):
    focus = spikes.shapes["ds004362", subject].focus
    for axes, (label, color) in zip(column, COLORS.items(), strict=True):
        rows = (store.table["subject"] == subject) & (store.table["label"] == label)
        axes.plot(times, store[rows.idxmax()].signals[focus], color=color, linewidth=1)
        axes.set_title(f"sub-{subject}, {label}", loc="left", fontsize="medium")
    column[-1].set_xlabel("time in the window (s)")
for axes in panels[:, 0]:
    axes.set_ylabel("signal (µV)")
plt.show()

# %%
# Random questions against chosen ones
# ------------------------------------
# ``simulate`` lets the known labels answer in place of the expert. For each *seed*, it holds some
# of the people out for the test. Each strategy asks ten windows of the other people at a time. A
# simple model, logistic regression on features of the windows, then learns from all answers so
# far. The strategy ``mixture`` asks partly about likely spikes and partly about unsure windows,
# and a quarter at random.
#
# .. code-block:: bash
#
#    bids-dl simulate spikes.zarr --strategy random,mixture --seeds 8 --budget 80

result = bids_dl.simulate(
    spikes.url, strategy="random,mixture", seeds=8, budget=80, output=folder / "simulation"
)
metric = result.description["metric"]["name"].replace("_", " ")
LINES = {"random": "#7f7f7f", "mixture": "#1b6ca8"}
figure, (left, right) = plt.subplots(1, 2, figsize=(6.2, 3.6), layout="constrained")
for strategy, color in LINES.items():
    curves = result.curves[result.curves["strategy"] == strategy]
    for axes, column in ((left, "value"), (right, "labels_spike")):
        of_seeds = curves.pivot(index="n_labels", columns="seed", values=column)
        axes.plot(of_seeds.index, of_seeds, color=color, linewidth=0.6, alpha=0.4)
        axes.plot(of_seeds.index, of_seeds.mean(axis=1), color=color, linewidth=2.5, label=strategy)
left.axhline(0.05, color="black", linestyle="--", linewidth=1, label="chance")
left.set(xlabel="answers", ylabel=f"{metric}, new people", ylim=(0, 1))
right.set(xlabel="answers", ylabel="spikes among the answers", ylim=(0, None))
figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()

# %%
# Thick lines are means over the seeds, thin ones single seeds. With some draws of people, neither
# strategy gets far, so that one seed alone says little. The *average precision* is 1 if all spikes
# are ranked before all other windows. A ranking at random reaches the share of spikes, 0.05. The
# table has the mean over the range of answers (``area``), how much more than random that is with
# its 95 % interval over seeds, and the number of answers that reaches what random questions reach
# at their end.

summary = result.summary.set_index("strategy")
columns = ["area", "difference", "low", "high", "labels_to_random", "labels_spike"]
print(summary[columns].round(2).T)
assert summary.loc["mixture", "low"] > 0
assert summary.loc["mixture", "labels_spike"] > summary.loc["random", "labels_spike"]

# %%
# An expert answers
# -----------------
# ``bids-dl label`` serves a page on this machine. It shows the recording around the window in
# question and waits for one key. After some answers the model learns in the background, and the
# next questions are its choice. Each answer is on the disk before the page shows it as kept.
#
# .. code-block:: bash
#
#    bids-dl label pool.zarr --labels labels --classes classes.yaml \
#        --source bids_dl/sample/ds004362
#
# ``classes.yaml`` has a line for each class, with its HED and its key:
#
# .. code-block:: yaml
#
#    spike: {hed: "Epileptiform-interictal-activity, Spike", key: 1}
#
# .. image:: /pictures/label-scalp.png
#    :alt: The page in its dark theme, with the window in question shaded
#
# The keys: 1 for a spike, 0 for background, space for unsure, backspace to undo, ``?`` for all
# keys. The opinion of the model is hidden until the answer, because readers who see it agree with
# it. Each fifth question is a random window that never trains a model; the test figures on the
# page are from those alone. Ctrl-C ends the page.

# %%
# What the answers become
# -----------------------
# Ctrl-C, or ``--export``, writes the answers as a BIDS derivative: a table with HED for each
# recording. Here a program answers in place of the expert, about forty windows of one person:

labels = folder / "labels"
journal = Journal(labels)
classes = 'spike: {hed: "Epileptiform-interictal-activity, Spike", key: 1}'
(labels / "code" / "classes.yaml").write_text(classes, encoding="utf-8")
for window in spikes.table.query("subject == '001'").head(40).itertuples():
    item = make_item(window.dataset, window.recording, window.onset, 1.0)
    journal.append(make_answer(item, window.label, annotator="expert-1"))

export = bids_dl.export_annotations(labels)
table = pd.read_csv(export.files[0], sep="\t")
print(table[["onset", "trial_type", "purpose"]].head(4).to_string(index=False))
print("HED:", *table["HED"].unique(), sep="\n  ")

# %%
# ``convert --annotations labels`` reads these tables in place of ``events.tsv``, and HED queries
# find the answers. A detector that learns from them is trained like any other network:
#
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 answers.zarr --annotations labels --window 1 \
#        --hed "spike=Spike AND purpose==train" \
#        --hed "background=Background-activity AND purpose==train"
#    bids-dl train answers.zarr --folds loso

survey = bids_dl.events(
    sample_folder(),
    annotations=labels,
    hed={"spike": "Spike", "background": "Background-activity"},
    window=1,
)
print(survey)

# %%
# What this does not show
# -----------------------
# - Planted spikes are easy: one kind of shape, and no expert disagrees. On real EEG, published
#   gains lie between none and five sixths of the answers (:doc:`/active-learning` has the
#   references). Simulate on an annotated dataset that resembles yours before an expert begins.
# - Eight seeds over four people are still four people. The interval is about the draw of people and
#   first questions in this pool, not about others.
# - For classes that are equally frequent, random questions are hard to beat.
# - A good ranking of windows is no good detector of events. Score events on recordings in which
#   all of them are marked.
#
# Go on with :doc:`/active-learning` (several experts, a new patient, days of recordings).
