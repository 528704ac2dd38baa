"""
Sleep staging: unequal classes, and windows that follow one another
===================================================================

*Planted nights of six people: synthetic EEG in which each stage has a rhythm of its own, because
public nights are too large to ship. Commands for the real nights of Sleep-EDF stand at the end.*

A sleep expert looks at 30 s of EEG at a time and names the stage: W (awake), N1, N2, N3 or R
(REM). Can a network do this for people it has never seen? The page ends with the picture that
experts read, a *hypnogram*: the stages over the night. On the way it shows two things in which
sleep differs from most EEG: half of the night is one stage, and each stage depends on the one
before it. You need ``pip install ".[planted]"``, in a clone. :doc:`plot_eyes` explains the steps,
and the :doc:`/glossary` the words.
"""

# %%
# Nights with a known truth
# -------------------------
# ``make_dataset`` writes a folder in BIDS. Stages follow one another as in sleep, by chance with
# fixed probabilities. In a quarter of the epochs of 30 s, the rhythm is missing: nobody can tell
# the stage from such an epoch alone, as with real epochs that are unclear.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, confusion_matrix

import bids_dl
from bids_dl.testing import make_dataset

folder = Path(tempfile.mkdtemp(prefix="sleep-"))  # everything that this page writes
dataset = make_dataset(
    folder / "nights",
    events="night",
    n_subjects=6,
    n_blocks=100,  # of 30 s
    block_duration=30,
    sfreq=100,
    ch_names=("Fpz", "Cz", "Pz", "Oz"),
    format="brainvision",
).root
rows = pd.read_csv(dataset / "sub-001/eeg/sub-001_task-sleep_run-1_events.tsv", sep="\t")
print(rows.head(4).to_string(index=False))

# %%
# This is the usual form of scored sleep: a row for each epoch, with the stage in ``trial_type``.
# Each value of this column becomes a class. A *window*, the training example, is one epoch.
#
# .. code-block:: bash
#
#    bids-dl events nights --event trial_type --window 30

survey = bids_dl.events(dataset, event="trial_type", window=30)
counts = pd.Series([window.label for window in survey.planned_windows]).value_counts()
print(pd.DataFrame({"windows": counts, "share": (counts / counts.sum()).round(2)}))

# %%
# The classes are unequal. A scorer that always says the largest class is right in as many windows
# as that class has, and useless. So read two other numbers beside the accuracy: the *balanced
# accuracy*, which is the mean over the stages of the fraction that was found (five classes: 0.2
# by chance), and Cohen's *kappa*, the agreement beyond chance (0 by chance, 1 at most), which
# experts use among themselves.
#
# With HED in the dataset, name the classes by tags instead, such as ``--hed N2=Label/Stage-N2``.
# Then the same command works on datasets whose codes differ.

# %%
# Convert and train
# -----------------
# The recipe chambon2018 computes the two derivations Fpz-Cz and Pz-Oz, keeps what is below 30 Hz
# and samples at 100 Hz. ``split`` sets two of the six people aside for the test.

outcome = bids_dl.convert(
    dataset,
    folder / "sleep.zarr",
    event="trial_type",
    window=30,
    recipe="chambon2018",
    split=(0.67, 0, 0.33),
    scheduler="synchronous",  # in this process, which is enough for so little data
)
print(f"{outcome.n_windows} windows of {outcome.n_recordings} nights")
assert not outcome.failures

# %%
# The network is that of `Chambon et al. 2018 <https://doi.org/10.1109/TNSRE.2018.2813138>`_.
# ``class_weights="inverse"`` makes a mistake in a rare stage cost more, so that the network does
# not ignore rare stages. Three *epochs* (passes over the data) keep this page fast; real nights
# need more.
#
# .. code-block:: bash
#
#    bids-dl convert nights sleep.zarr --event trial_type --window 30 \
#        --recipe chambon2018 --split 0.67,0,0.33
#    bids-dl train sleep.zarr --model chambon2018 --optimizer adam --lr 0.002 \
#        --batch-size 16 --epochs 3 --class-weights inverse --run-dir run

training = bids_dl.train(
    outcome.url,
    model="chambon2018",
    optimizer="adam",
    lr=0.002,
    batch_size=16,
    epochs=3,
    class_weights="inverse",
    device="cpu",
    run_dir=folder / "run",
)
tested = training.predictions  # one row per window of the two test people
stages = training.metrics["outputs"]
SCORES = ("accuracy", "balanced_accuracy", "kappa")
table = pd.DataFrame(
    {"network": [training.metrics["windows"][name]["value"] for name in SCORES]}, index=SCORES
)
band_power = training.metrics["baselines"]["band_power"]["windows"]
table["band-power"] = [band_power[name]["value"] for name in SCORES]
largest = training.metrics["baselines"]["largest_class"]
table[f"always {largest['class']}"] = [largest["windows"], 1 / len(stages), 0.0]
print(table.round(2))

# %%
# *band-power* is a linear model of the power in five bands, on the same people. Read the columns
# from right to left: what is reached without EEG, by a simple model, and by the network. Planted
# rhythms *are* power in a band, so the network can hardly beat the linear model here. Two test
# people are few; the page ``run/record.html`` has intervals, and says how coarse they are.

# %%
# Windows in sequence
# -------------------
# The network sees one window at a time. An expert also knows what came before: after N3 hardly
# ever comes W, and a stage lasts. A hidden Markov model uses this. It counts in the *training*
# people how often each stage follows each other one, and then finds the most probable sequence of
# a whole night (`Viterbi 1967 <https://doi.org/10.1109/TIT.1967.1054010>`_). The weights of the
# classes made the stages equally frequent for the network, so its outputs stand for the
# likelihood of each stage.

store = bids_dl.open_store(outcome.url)
trained = store.table[store.table["split"] == "train"]
steps = np.ones((len(stages), len(stages)))  # one of each, because rare steps may not be in so few
for _, night in trained.groupby("recording"):
    numbers = night.sort_values("onset")["label"].map(stages.index).to_numpy()
    np.add.at(steps, (numbers[:-1], numbers[1:]), 1)
log_steps = np.log(steps / steps.sum(axis=1, keepdims=True))


def find_sequence(log_likelihood: np.ndarray) -> list[int]:
    """Return the most probable stages of a night, given the (n_windows, n_stages) of a network."""
    best = log_likelihood[0]
    origins = []
    for row in log_likelihood[1:]:
        paths = best[:, None] + log_steps
        origins.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + row
    sequence = [int(best.argmax())]
    for origin in reversed(origins):
        sequence.append(int(origin[sequence[-1]]))
    return sequence[::-1]


tested["in sequence"] = ""
for _, night in tested.groupby("recording"):
    night = night.sort_values("onset")
    likelihood = night[[f"p_{stage}" for stage in stages]].to_numpy().clip(1e-3)
    found = [stages[number] for number in find_sequence(np.log(likelihood))]
    tested.loc[night.index, "in sequence"] = found


def score(column: str) -> list[float]:
    """Return accuracy, balanced accuracy and kappa of a column of predictions."""
    pair = (tested["label"], tested[column])
    return [np.mean(pair[0] == pair[1]), balanced_accuracy_score(*pair), cohen_kappa_score(*pair)]


table.insert(0, "in sequence", score("in sequence"))
print(table.round(2))
assert np.allclose(score("predicted"), table["network"])
assert table.loc["kappa", "in sequence"] > table.loc["kappa", "network"]

# %%
# The order of the windows repairs many of the unclear ones. ``StreamingDataset(...).recordings()``
# gives all windows of a night in order, for networks that learn sequences themselves
# (:doc:`/streaming`).

# %%
# The hypnogram of a new person
# -----------------------------
# Above the expert (here: the truth), below the network window by window and in sequence. REM is
# drawn thick, as is usual.

LEVELS = ("N3", "N2", "N1", "R", "W")  # from the bottom
night = tested[tested["subject"] == tested["subject"].iloc[0]].sort_values("onset")
minutes = night["onset"].to_numpy() / 60
figure, panels = plt.subplots(3, 1, figsize=(6.2, 5), sharex=True, layout="constrained")
for axes, (column, title, color) in zip(
    panels,
    (
        ("label", "expert", "black"),
        ("predicted", "network, window by window", "#d95f02"),
        ("in sequence", "network, in sequence", "#1b6ca8"),
    ),
    strict=True,
):
    levels = night[column].map(LEVELS.index).to_numpy()
    axes.step(minutes, levels, where="post", color=color, linewidth=1.2)
    rem = minutes[levels == LEVELS.index("R")]
    axes.hlines([LEVELS.index("R")] * len(rem), rem, rem + 0.5, color=color, linewidth=4)
    axes.set_yticks(range(len(LEVELS)), LEVELS)
    axes.set_title(title, loc="left", fontsize="medium")
panels[-1].set_xlabel("time (min)")
plt.show()

# %%
# Which stages are confused
# -------------------------
# Each row is a stage of the expert, in % of its windows. The diagonal is what was found.

figure, panels = plt.subplots(1, 2, figsize=(6.2, 3.4), sharey=True, layout="constrained")
for axes, column in zip(panels, ("predicted", "in sequence"), strict=True):
    confusion = confusion_matrix(tested["label"], tested[column], labels=stages, normalize="true")
    shares = 100 * confusion
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (i, j), share in np.ndenumerate(shares):
        color = "white" if share > 60 else "black"
        axes.text(j, i, f"{share:.0f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(stages)), stages)
    axes.set_yticks(range(len(stages)), stages)
    axes.set(xlabel="predicted stage")
    axes.set_title("window by window" if column == "predicted" else column, fontsize="medium")
panels[0].set_ylabel("stage of the expert (rows: 100 %)")
plt.show()

# %%
# With the nights of Sleep-EDF
# ----------------------------
# Sleep-EDF (`Kemp et al. 2000 <https://doi.org/10.1109/10.867928>`_) is public at PhysioNet, 7 GB.
# ``examples/layout_sleep_edf.py`` writes it as BIDS, with the stage in ``trial_type``. Then the
# commands are those of this page, with more epochs:
#
# .. code-block:: bash
#
#    python examples/layout_sleep_edf.py sleep-cassette SLEEP-EDF
#    bids-dl convert SLEEP-EDF sleep.zarr --recipe chambon2018 --event trial_type --window 30
#    bids-dl train sleep.zarr --model chambon2018 --optimizer adam --lr 0.001 \
#        --batch-size 128 --epochs 10 --patience 5 --class-weights inverse
#
# What this does not show
# -----------------------
# - Planted rhythms are not sleep. A quarter of the windows were made unclear so that the sequence
#   step has errors to correct. The numbers above say that the steps work, not how well this network
#   stages people. The published results on Sleep-EDF are in
#   ``examples/system2_sleep.py``.
# - N1 has few windows, so that its row of the matrix is a matter of some windows.
# - The planted stages come from a Markov chain, which is what the sequence model assumes. Real
#   nights gain less from it.
#
# Go on with :doc:`/training` (splits, baselines, intervals), :doc:`/models` (networks for sleep)
# and :doc:`plot_own_model`.
