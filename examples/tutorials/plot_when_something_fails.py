"""
When something fails: messages, exit statuses, and how to go on
===============================================================

*Real EEG that ships with the package, in a copy that is damaged on purpose.*

A misspelt tag, a file that was copied in part, a table with a wrong cell, a computer that goes
off in the middle, a disk that changes a byte. What does ``bids-dl`` say, what does it keep, and
what do you do? The page breaks one thing after the other and reads the messages with you. It ends
with a picture of the windows that one wrong byte affects. You need the package only.
:doc:`plot_eyes` explains the steps, and the :doc:`/glossary` the words.
"""

# %%
# A copy to break
# ---------------
# ``run`` types a command for us, prints what it says, and its *exit status*: the number by which
# a script or a cluster learns how a command ended. In a terminal, ``echo $?`` shows it after a
# command.

import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.errors import BidsDlError

folder = Path(tempfile.mkdtemp(prefix="fails-"))  # everything that this page writes
dataset = folder / "data"
shutil.copytree(sample_folder(), dataset)


def run(*arguments: str) -> int:
    """Run ``bids-dl`` in the folder, print what it prints, and return its exit status."""
    command = [sys.executable, "-m", "bids_dl", *arguments]
    result = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(textwrap.fill(f"$ bids-dl {' '.join(arguments)}", 72, subsequent_indent="    "))
    for line in result.stdout.replace(f"{folder}/", "").strip().splitlines():
        print(textwrap.fill(line, 72, subsequent_indent="    "))
    print("exit status", result.returncode)
    return result.returncode


# %%
# A wrong request: status 2
# -------------------------
# One letter of a HED tag is missing. The message has the same three parts as all messages: where it
# happened, what was found, and what to do. It suggests tags that the dataset uses.

status = run("events", "data", "--hed", "eyes_closed=Eyes-closd", "--window", "2")
assert status == 2

# %%
# With status 2, nothing was written: correct the command and run it again. In Python, the same
# message is an exception. All are subclasses of ``BidsDlError``, and ``error.exit_status`` is the
# number:

try:
    bids_dl.events(dataset, hed="Eyes-open", windw=2)
except BidsDlError as error:
    print(type(error).__name__, "-", error, "- status", error.exit_status)

# %%
# Damaged recordings: status 3
# ----------------------------
# Three people get a fault each. The EEG of sub-001 ends too early, as after an interrupted
# download. The onset in the table of sub-002 is a word. One signal file of sub-003 is missing.

signal = dataset / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf"
signal.write_bytes(signal.read_bytes()[:200_000])
table = dataset / "sub-002/eeg/sub-002_task-motion_run-1_events.tsv"
table.write_text(
    table.read_text(encoding="utf-8").replace("0.0000000000", "start"), encoding="utf-8"
)
(dataset / "sub-003/eeg/sub-003_task-motion_run-2_eeg.edf").unlink()

QUERIES = ("--hed", "eyes_open=Eyes-open", "--hed", "eyes_closed=Eyes-closed", "--window", "2")
status = run("convert", "data", "eyes.zarr", *QUERIES, "--scheduler", "synchronous")
assert status == 3

# %%
# Read it from below:
#
# - *failed* is a recording that is not in the store, with the stage and the reason. One bad
#   recording stops no other. Status 3 says that the store is finished, but without some
#   recordings.
# - The table counts the windows of each person. Compare it with what you expect, here as many of
#   both classes. sub-001 has fewer with open eyes, because its file ends early: the signal before
#   is used. sub-002 has none, because the row with the wrong onset was skipped.
# - A *warning* is something that was decided for you, and that you may want to know. Here each
#   fault that was no failure has one, with the file.
#
# To go on, repair the files, and run the same command with ``--overwrite``, because a finished
# store is never changed silently. The store keeps the list: ``bids-dl report eyes.zarr`` shows it
# as a page, and in Python it is ``outcome.failures``, each with ``recording``, ``stage`` and
# ``reason``.

# %%
# An interrupted conversion
# -------------------------
# Ctrl-C, a time limit of a cluster, no power: the recordings that were ready are kept beside the
# store (*staging*), and the same command takes them from there. Here a Ctrl-C comes after two
# recordings:

request = {
    "hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    "window": 2,
    "subject": ["003", "004"],
    "scheduler": "synchronous",  # in this process, which is enough for so little data
}


def press_ctrl_c(progress) -> None:
    """Interrupt a conversion after two recordings."""
    if progress.stage == "stage" and progress.done == 2:
        raise KeyboardInterrupt


sample = sample_folder()  # without damage
try:
    bids_dl.convert(sample, folder / "two.zarr", on_progress=press_ctrl_c, **request)
except KeyboardInterrupt:
    print("interrupted; in the folder:", sorted(path.name for path in folder.glob("two.zarr*")))

outcome = bids_dl.convert(sample, folder / "two.zarr", **request)
print(f"resumed: {outcome.reused} of {outcome.n_recordings} recordings were ready already")
assert outcome.reused == 2

# %%
# The resumed store has the same bytes as one that was never interrupted. The command ends with
# status 130 after Ctrl-C and 143 after the time limit of a cluster; in both cases, run it again.

# %%
# A changed byte: status 1
# ------------------------
# Disks, copies and networks change bytes, rarely and silently. A store knows the checksum of each
# part. One bit of the signals is flipped here:

store = bids_dl.open_store(outcome.url)
shard = max(
    (folder / "two.zarr" / "signals").rglob("c/*/*/*"), key=lambda path: path.stat().st_size
)
content = bytearray(shard.read_bytes())
content[len(content) // 3] ^= 1
shard.write_bytes(content)

status = run("verify", "two.zarr", "--jobs", "1")
assert status == 1

# %%
# ``verify`` names the object, the windows and the recordings. The picture shows them: each cell
# is a window, in the order of the recording.

verification = bids_dl.verify(outcome.url, jobs=1)
affected = np.zeros(len(store.table), bool)
for damage in verification.damages:
    if damage.windows is not None:
        affected[slice(*damage.windows)] = True
figure, axes = plt.subplots(figsize=(6.2, 2.4), layout="constrained")
names = []
for y, (name, rows) in enumerate(store.table.groupby("recording", sort=False)):
    hit = affected[rows.index.to_numpy()]
    onsets = rows["onset"].to_numpy()
    axes.barh([y] * len(rows), 1.8, left=onsets, color=np.where(hit, "#d95f02", "#1b6ca8"))
    names.append(Path(name).name.replace("_task-motion", ""))
axes.set_yticks(range(len(names)), names)
axes.invert_yaxis()
axes.set(xlabel="time in the recording (s)")
axes.set_title(f"{affected.sum()} of {len(affected)} windows affected (orange)", fontsize="medium")
plt.show()
assert affected.any()

# %%
# A training does not learn from such windows: the stream stops with an error instead of delivering
# them.

try:
    for _ in bids_dl.StreamingDataset(outcome.url, batch_size=8):
        pass
except BidsDlError as error:
    print(textwrap.fill(f"{type(error).__name__}: {error}".replace(f"{folder}/", ""), 72))

# %%
# Fetch the store again (``bids-dl pull``), or convert it again with ``--overwrite``.
#
# All exit statuses
# -----------------
#
# ======  ============================================================  ===========================
# status  meaning                                                       what to do
# ======  ============================================================  ===========================
# 0       success                                                       read the warnings
# 1       nothing succeeded, or a store is damaged                      read the first message
# 2       the request is wrong; nothing was written                     correct the command
# 3       finished, but some recordings failed                          read the list at the end
# 130     interrupted by Ctrl-C                                         run the same command again
# 143     ended by SIGTERM, as at a time limit of a cluster             run the same command again
# ======  ============================================================  ===========================
#
# A log, and a report of a bug
# ----------------------------
# ``--log-file FILE`` appends all messages, stages and times to a file; ``BIDS_DL_LOG=FILE`` in
# the environment does so for every command, for instance on a cluster. ``--verbose`` adds the
# warnings of libraries and the place in the code. Passwords and tokens are masked in all of them.

run("--version")
run("info", "nowhere.zarr", "--log-file", "bids-dl.log")
for line in (folder / "bids-dl.log").read_text(encoding="utf-8").splitlines():
    entry = line.split("] ", 1)[1]  # without time and process
    if entry.startswith(("command", "error", "message")):
        print("log:", entry)
assert "nowhere.zarr: no store there" in (folder / "bids-dl.log").read_text(encoding="utf-8")

# %%
# An error that ends in a ``Traceback`` is always a bug of ours. Report it with the version, the
# command, the log file and, if you can, a file that shows the problem. Never attach data of
# participants; ``bids_dl.testing.make_dataset`` writes datasets with faults
# (``broken="truncated"``) that you may. :doc:`/trust` says how to report a hole in the security.
#
# What this does not show
# -----------------------
# - A file that is wrong but intact, such as a marker at a wrong time, raises nothing. Look at the
#   signals (:doc:`plot_eyes` does).
# - ``verify`` finds changed bytes, and says nothing of whether the EEG is good.
#
# Go on with :doc:`/trust` (what is checked, and when), :doc:`/cli` (all options) and
# :doc:`plot_without_hed`.
