"""
Data without HED: columns, a sidecar of your own, whole recordings
===================================================================

*Real EEG that ships with the package, in a copy from which its HED annotations are removed.*

Most public EEG datasets have no HED, and many have no events at all. This page selects the same
two-second windows with eyes open and closed in four ways, and shows that they are the same: by the
original HED, by a column of ``events.tsv``, by HED that you write yourself in one file beside the
data, and from whole recordings. You need the package only. :doc:`plot_eyes` explains the steps from
a query to a network, and the :doc:`/glossary` the words.
"""

# %%
# A dataset that has lost its HED
# -------------------------------
# BIDS keeps HED in sidecars: JSON files that explain the columns of ``events.tsv``. This code
# copies the sample and deletes the HED from its sidecar, so that the copy is like most datasets.

import json
import shutil
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.errors import BidsDlError

folder = Path(tempfile.mkdtemp(prefix="without-hed-"))  # everything that this page writes
dataset = folder / "no-hed"
shutil.copytree(sample_folder(), dataset)
sidecar = dataset / "task-motion_events.json"
columns = json.loads(sidecar.read_text(encoding="utf-8"))
for column in columns.values():
    column.pop("HED", None)
sidecar.write_text(json.dumps(columns), encoding="utf-8")
print("columns that the sidecar explains, without HED:", *columns)

# %%
# A query by HED now finds nothing. The message names the columns to use instead:

queries = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
try:
    bids_dl.events(dataset, hed=queries, window=2)
except BidsDlError as error:
    print("\n".join(textwrap.fill(line, 72) for line in str(error).splitlines()))

# %%
# First way: a column of events.tsv
# ---------------------------------
# Look at the column that tells the conditions apart. ``event="value"`` makes one class of each of
# its values, and ``bids_dl.events`` is a dry run that counts them and writes nothing.

print(bids_dl.events(dataset, event="value", window=2))

# %%
# The codes are those of the laboratory: its sidecar says that BASE1T0 is rest with eyes open,
# BASE2T0 rest with eyes closed, and the others are imagined movements. Name two classes by their
# codes:

by_column = bids_dl.events(
    dataset, event={"eyes_open": "value==BASE1T0", "eyes_closed": "value==BASE2T0"}, window=2
)
print(by_column)

# %%
# On the command line:
#
# .. code-block:: bash
#
#    bids-dl events no-hed --event value --window 2
#    bids-dl events no-hed --event eyes_open=value==BASE1T0 \
#        --event eyes_closed=value==BASE2T0 --window 2
#
# Several values are separated by commas (``value==TASK2T1,TASK2T2``), and ``*`` stands for any
# characters (``value==TASK*``).

# %%
# Second way: give the dataset its HED
# ------------------------------------
# A column is enough for one dataset. HED pays when a query must mean the same in several datasets
# with codes of their own. ``make_sidecar`` writes a template: each column, each value, and how
# often it occurs. It does not touch the dataset.
#
# .. code-block:: bash
#
#    bids-dl events no-hed --make-sidecar hed.json

template = folder / "hed.json"
bids_dl.make_sidecar(dataset, template)
content = json.loads(template.read_text(encoding="utf-8"))
print(pd.DataFrame(content["value"])[["Levels", "HED"]].to_string(max_colwidth=32))

# %%
# ``Levels`` repeats what the dataset says about each value. ``HED`` is yours to complete, in any
# text editor. Until then, ``(Label/value, ID/BASE1T0)`` says no more than the code. A tag is
# suggested only if a value or its description is named like one: here for *Task 2 rest*. That is
# a guess by name, and it is you who checks it. Here a program writes what an expert would type:

completed = json.loads(template.read_text(encoding="utf-8"))
completed["value"]["HED"]["BASE1T0"] = "Eyes-open, Rest"
completed["value"]["HED"]["BASE2T0"] = "Eyes-closed, Rest"
template.write_text(json.dumps(completed, indent=1), encoding="utf-8")

by_sidecar = bids_dl.events(dataset, hed=queries, hed_sidecar=template, window=2)
print(by_sidecar)

# %%
# A misspelt tag does not go unnoticed. It is a warning that names the tag, and an error with
# ``hed_strict=True``:

completed["value"]["HED"]["BASE2T0"] = "Eyes-closd, Rest"
try:
    bids_dl.events(dataset, hed="Eyes-open", hed_sidecar=completed, hed_strict=True, window=2)
except BidsDlError as error:
    print("\n".join(textwrap.fill(line, 72) for line in str(error).splitlines()))

# %%
# The command with the completed file is the one that you would use with HED in the dataset, and one
# option more. If the file is good, send it to the maintainers of the dataset.
#
# .. code-block:: bash
#
#    bids-dl events no-hed --hed-sidecar hed.json \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed --window 2

# %%
# Third way: whole recordings
# ---------------------------
# Rest, sleep or one task for each recording need no events at all. ``whole=True`` takes recordings
# from begin to end. Here the run tells the conditions apart: run 1 is eyes open, run 2 eyes closed.
# All windows have the label ``recording``, and the column ``run`` becomes the target of a training.
#
# .. code-block:: bash
#
#    bids-dl events no-hed --whole --run 1 --run 2 --window 2
#    bids-dl convert no-hed whole.zarr --whole --run 1 --run 2 --window 2
#    bids-dl train whole.zarr --target run --folds loso

by_recording = bids_dl.events(dataset, whole=True, run=["1", "2"], window=2)
print(by_recording)

# %%
# The same windows
# ----------------
# A window is a recording, an onset and a label. The table counts the windows that each way shares
# with the original HED. Whole recordings have one label only, so their windows are compared
# without.


def list_windows(survey, with_label: bool = True) -> set:
    """Return recording, onset in s and label of all windows, without the name of the dataset."""
    rows = set()
    for window in survey.planned_windows:
        recording = window.recording.split("/", 1)[1]
        rows.add((recording, window.onset, window.label if with_label else ""))
    return rows


original = bids_dl.events(sample_folder(), hed=queries, window=2)
rows = []
for name, survey, with_label in (
    ("column", by_column, True),
    ("own HED", by_sidecar, True),
    ("whole recordings", by_recording, False),
):
    found, expected = list_windows(survey, with_label), list_windows(original, with_label)
    rows.append((name, len(found), len(found & expected), len(found ^ expected)))
print(
    pd.DataFrame(rows, columns=["way", "windows", "as by HED", "different"]).to_string(index=False)
)
assert all(different == 0 for *_, different in rows)

# %%
# Does the label mean what it says?
# ---------------------------------
# A code that was misread gives a store without an error. The EEG itself is the best test: with
# closed eyes, a rhythm of about 10 Hz appears at the back of the head. ``convert`` takes the
# options of the dry run and writes the *store*, from which networks are trained.
#
# .. code-block:: bash
#
#    bids-dl convert no-hed eyes.zarr --event eyes_open=value==BASE1T0 \
#        --event eyes_closed=value==BASE2T0 --window 2

outcome = bids_dl.convert(
    dataset,
    folder / "eyes.zarr",
    event={"eyes_open": "value==BASE1T0", "eyes_closed": "value==BASE2T0"},
    window=2,
    scheduler="synchronous",  # in this process, which is enough for so little data
)
store = bids_dl.open_store(outcome.url)
back = [store.channels.index(name) for name in ("O1", "O2")]
signals = store.read("signals")[:, back]  # (n_windows, 2, n_times) in µV
taper = np.hanning(store.shape[2])
power = np.abs(np.fft.rfft(signals * taper)) ** 2 * 2 / (store.sfreq * (taper**2).sum())
frequencies = np.fft.rfftfreq(store.shape[2], 1 / store.sfreq)
shown = (frequencies >= 2) & (frequencies <= 40)
alpha = (frequencies >= 8) & (frequencies <= 13)

figure, axes = plt.subplots(figsize=(6.2, 3.4), layout="constrained")
medians = {}
for label, color in (("eyes_open", "#d95f02"), ("eyes_closed", "#1b6ca8")):
    spectrum = np.median(power[(store.table["label"] == label).to_numpy()].mean(axis=1), axis=0)
    medians[label] = spectrum[alpha].mean()
    axes.semilogy(frequencies[shown], spectrum[shown], color=color, label=label)
axes.axvspan(8, 13, color="0.9", zorder=0)
axes.set(xlabel="frequency (Hz)", ylabel="power at O1 and O2 (µV²/Hz)")
axes.set_title("Median over the windows of four people", fontsize="medium")
axes.legend()
plt.show()

ratio = medians["eyes_closed"] / medians["eyes_open"]
print(f"8 to 13 Hz: {ratio:.1f} times as much power with closed eyes")
assert ratio > 1.5

# %%
# The store remembers its selection: the queries, the row of ``events.tsv`` of each window and, with
# ``hed_sidecar``, all of the HED in your file. Whoever gets the store can repeat it.

for query in store.attributes["request"]["events"]["labels"]:
    print(query["label"], "is", query["query"])
print(store.table[["subject", "run", "row", "onset", "label", "value"]].iloc[[0, -1]])

# %%
# What this does not show
# -----------------------
# - A column knows a code, and not how long something lasts. Here each block ends with its
#   recording, because no other event follows. In other data, add ``until`` or durations
#   (:doc:`/selecting-with-hed`).
# - Two codes with the same name in two datasets may mean different things. HED prevents this,
#   columns do not.
# - The alpha rhythm tests two labels of this dataset. Yours need a test of their own.
#
# Go on with :doc:`/without-hed` (all options), :doc:`/selecting-with-hed` (queries) and
# :doc:`plot_many_datasets` (several datasets in one training).
