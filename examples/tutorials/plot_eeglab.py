"""
From EEGLAB and back
====================

*Real EEG that ships with the package, saved as datasets of EEGLAB.*

You clean EEG in EEGLAB, and want to train a network on exactly these samples, then see its
predictions as events in EEGLAB. The plug-in does all of it by menus, and :doc:`/eeglab` explains
them. This page shows the same as commands and in Python: what happens behind the menus, for a
script, a cluster, or a colleague without MATLAB. The picture at the end shows the predictions above
the signal. No EEGLAB is needed here. Words are explained in the :doc:`/glossary`.
"""

# %%
# Your words and ours
# -------------------
#
# ========================================  =======================================================
# in EEGLAB                                 here
# ========================================  =======================================================
# dataset (``.set``), STUDY                 *recording*; *dataset* is the whole BIDS folder
# event, its ``type``                       *event*; a *label* is the class that a query gives it
# epoch                                     *window*; an *epoch* is one pass of a training
# ``pop_select``                            recipe step ``pick`` or ``drop``
# ``pop_resample``                          ``resample``
# ``pop_eegfiltnew``                        ``filter`` with ``transition: eeglab``, the same filter
# ``clean_drifts``, ``clean_channels``      ``drifts``, ``bad_channels``
# ``clean_asr``                             ``asr``
# ``pop_reref``                             ``reference``
# ``pop_runica``, ICLabel, ``pop_subcomp``  ``ica``
# ``pop_interp``                            ``interpolate``
# ``pop_epoch``, ``pop_rmbase``             ``--tmin``, ``--tmax``; ``baseline``
# ``pop_eegthresh``                         ``reject``
# latency in samples, from 1                *onset* in seconds, from 0
# ========================================  =======================================================
#
# A *recipe* is a list of such steps in a text file. ``bids-dl recipes`` lists those that exist.
#
# A BIDS folder of .set files
# ---------------------------
# With your own data, the plug-in writes this folder (Tools > Deep-learning stores > Current
# dataset(s) or STUDY to a store), or EEGLAB's BIDS tools do. Here we make it. A recipe stands for
# your cleaning, and each recording is exported as a continuous dataset of EEGLAB.
import json
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.eeglab.install import zip_plugin

folder = Path(tempfile.mkdtemp(prefix="eeglab-"))  # everything that this page writes
queries = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
(folder / "cleaning.yaml").write_text(
    """
    name: cleaning
    description: What the author of this page does in EEGLAB.
    steps:
      - pick: eeg
      - filter: {low: 1.0, high: 40.0, transition: eeglab}  # pop_eegfiltnew
      - reference: average                                  # pop_reref
      - resample: 128                                       # pop_resample
    """,
    encoding="utf-8",
)
whole = folder / "whole.zarr"
bids_dl.convert(
    sample_folder(),
    whole,
    hed=queries,
    window=60,  # one window is the whole recording
    recipe=folder / "cleaning.yaml",
    scheduler="synchronous",
)

bids = folder / "bids"
bids.mkdir()
for name in ("dataset_description.json", "participants.tsv", "task-motion_events.json"):
    shutil.copy(sample_folder() / name, bids)
for path in bids_dl.open_store(whole).table["recording"]:
    stem = bids / path
    stem.parent.mkdir(parents=True, exist_ok=True)
    bids_dl.export(whole, f"{stem}_eeg.set", recording=path)
    for suffix in ("events.tsv", "eeg.json"):
        shutil.copy(sample_folder() / f"{path}_{suffix}", stem.parent)
for file in sorted(bids.rglob("sub-001*")):
    print(file.relative_to(bids))

# %%
# Convert, without cleaning twice
# -------------------------------
# The recipe ``as-is`` takes the samples as they are in the files. A *store* is what a network
# learns from: here windows of two seconds, each with its label, and each person in one split.
eyes = folder / "eyes.zarr"
outcome = bids_dl.convert(
    bids, eyes, hed=queries, window=2, recipe="as-is", scheduler="synchronous"
)
print(f"{outcome.n_windows} windows of {outcome.n_recordings} recordings")
assert not outcome.failures

# %%
# .. code-block:: bash
#
#    bids-dl convert bids eyes.zarr --recipe as-is --window 2 \
#        --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed
#
# In the menu, this is *BIDS folders to a store*:
#
# .. image:: /pictures/eeglab-convert.png
#    :alt: The window of the plug-in with a folder, two classes, and the result of the button Count
#    :width: 100%
#
# Are the samples those of EEGLAB? We read one ``.set`` file with MNE and compare.
store = bids_dl.open_store(eyes)
first = store.table["recording"].iloc[0]
raw = mne.io.read_raw_eeglab(bids / f"{first}_eeg.set", verbose="error")
windows = store[(store.table["recording"] == first).to_numpy()].signals
expected = raw.get_data()[:, : windows.shape[0] * windows.shape[2]] * 1e6
difference = np.abs(np.concatenate(list(windows), axis=1) - expected).max()
print(f"largest difference: {difference:.6f} µV")
assert difference < 1e-4

# %%
# Windows back to EEGLAB
# ----------------------
# ``export`` writes windows as an epoched dataset, with the label as the type of the event, and
# everything else that is known as its fields. Open it in EEGLAB with *File > Load existing
# dataset*, or read it in MNE as here. In the menu, this is *Windows of a store as epochs*.
file = bids_dl.export(eyes, folder / "windows.set", split="test")
epochs = mne.read_epochs_eeglab(file, verbose="error")
counts = {label: len(epochs[label]) for label in epochs.event_id}
print(f"{len(epochs)} epochs of the test person: {counts}")

# %%
# .. code-block:: bash
#
#    bids-dl export eyes.zarr windows.set --split test
#
# A network, and its predictions as events
# ----------------------------------------
# The model is a linear one on band power, which takes a second. It is tested on each person by a
# model of the other three. Chance is 50 %; :doc:`plot_eyes` trains a network and reads the result.
training = bids_dl.train(
    eyes, model="band-power", folds="loso", epochs=10, lr=0.01, run_dir=folder / "run", threads=1
)
table = bids_dl.predict(eyes, run_dir=folder / "run", output=folder / "predictions.csv")
accuracy = (table["predicted"] == table["label"]).mean()
print(f"{accuracy:.0%} of the windows of new people are right, with four people")
assert not table["seen"].any()
assert accuracy > 0.8

# %%
# Two ways lead back. The epochs get fields: ``predicted``, the probability of each class, and
# ``seen``, which is 1 if the model was trained on this person and the prediction proves nothing.
# Or the windows become events on the clock of their recording, as in ``events.tsv``:
bids_dl.export(eyes, folder / "predicted.set", predictions=folder / "predictions.csv")
events_file = folder / "predicted_events.tsv"
bids_dl.export(
    eyes,
    predictions=folder / "predictions.csv",
    recording_events=events_file,
    recording="sub-002_task-motion_run-2",
)
events = pd.read_csv(events_file, sep="\t", dtype={"subject": str})
print(events[["onset", "duration", "label", "predicted", "p_eyes_closed"]].head(3).to_string())

# %%
# .. code-block:: bash
#
#    bids-dl train eyes.zarr --model band-power --folds loso --run-dir runs/eyes
#    bids-dl predict eyes.zarr --run-dir runs/eyes --output predictions.csv
#    bids-dl export eyes.zarr predicted.set --predictions predictions.csv
#    bids-dl export eyes.zarr --recording-events predicted_events.tsv \
#        --predictions predictions.csv --recording sub-002_task-motion_run-2
#
# In the menu, this is *Predictions of a network into events*. In EEGLAB, each window is then an
# event such as ``pred_eyes_closed`` above the signals.
path = events["recording"].iloc[0]
raw = mne.io.read_raw_eeglab(bids / f"{path}_eeg.set", verbose="error")
signal = raw.get_data(picks=["O1"])[0] * 1e6
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.plot(raw.times, signal, color="#333333", linewidth=0.5)
for label, color in (("eyes_closed", "#0072B2"), ("eyes_open", "#E69F00")):
    rows = events[events["predicted"] == label]
    for number, onset in enumerate(rows["onset"]):
        name = f"predicted {label}" if number == 0 else None
        axes.axvspan(onset, onset + 2, color=color, alpha=0.3, linewidth=0, label=name)
axes.set(xlabel="time (s)", ylabel="O1 (µV)", xlim=(0, 60))
axes.set_title(f"person {events['subject'].iloc[0]}, eyes closed all the time", fontsize=10)
axes.legend(loc="upper right", ncols=2, fontsize=8)
plt.show()

# %%
# Where the alpha rhythm pauses, the model says "open". It knows two seconds at a time.
#
# The installed plug-in
# ---------------------
# The plug-in is copied into EEGLAB once. It calls these commands, and its functions
# (``pop_bidsdl_convert`` and others) stand in EEGLAB's history.
#
# .. code-block:: bash
#
#    python -m bids_dl eeglab install "/home/me/eeglab"
#
# .. image:: /pictures/eeglab-menu.png
#    :alt: The menu File of EEGLAB with the items of the plug-in
#    :width: 100%
#
# What a plug-in consists of can be seen without EEGLAB:
archive = zip_plugin(folder / "plugin.zip")
shutil.unpack_archive(archive, folder / "plugin")
functions = sorted(file.stem for file in (folder / "plugin").rglob("pop_*.m"))
print(json.dumps(functions, indent=1))

# %%
# What this does not show
# -----------------------
# - EEGLAB itself. The plug-in is tested in EEGLAB 2024.2 with GNU Octave; nobody has tried it in
#   MATLAB yet. The files above are read by MNE.
# - Cuts. EEGLAB marks where data were removed by events of the type ``boundary``. Windows over a
#   cut are left out and counted.
#
# Go on with :doc:`/eeglab`, which has every window of the menu, and :doc:`/recipes` for the steps.
