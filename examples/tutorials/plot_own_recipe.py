"""
Your own recipe, and a step of your own
=======================================

*Real EEG that ships with the package: four people with eyes closed.*

Preprocessing decides what a network can see. This page writes a recipe, adds a step that the
package does not have, converts the same windows twice, and compares them: what did each recipe
change? You need the package only. :doc:`plot_eyes` explains the steps from a query to a network,
the :doc:`/glossary` the words, and :doc:`/recipes` lists all steps.
"""

# %%
# A recipe is a list of steps
# ---------------------------
# A *recipe* is a YAML file. Its steps are applied to every recording, in this order. This one keeps
# the alpha rhythm and its neighbours, and needs fewer samples than the default.

import json
import sys
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.errors import BidsDlError

folder = Path(tempfile.mkdtemp(prefix="recipe-"))  # everything that this page writes
request = {"hed": {"eyes_closed": "Eyes-closed"}, "window": 2, "split": 1}
request |= {"scheduler": "synchronous"}  # in this process, enough for so little data

RECIPE = """
name: alpha
description: 4 to 30 Hz against the average, 100 Hz.
steps:
  - pick: eeg
  - filter: {low: 4.0, high: 30.0}
  - reference: average
  - resample: 100
"""
recipe = folder / "alpha.yaml"
recipe.write_text(RECIPE, encoding="utf-8")

# %%
# It is checked before any signal is read
# ---------------------------------------
# A wrong recipe costs seconds, not a night. Three mistakes, and what is said about them: a name
# that does not exist, an order that cannot work, and a filter that the recordings at 160 Hz cannot
# have.

MISTAKES = {
    "unknown step": "steps: [pick: eeg, bandpass: {low: 4, high: 30}]",
    "wrong order": "steps: [filter: {low: 4, high: 30}, dropouts]",
    "too high": "steps: [filter: {low: 4, high: 95}]",
}
for title, text in MISTAKES.items():
    wrong = folder / "wrong.yaml"
    wrong.write_text(f"name: wrong\n{text}\n", encoding="utf-8")
    try:
        bids_dl.convert(sample_folder(), folder / "wrong.zarr", recipe=wrong, **request)
    except BidsDlError as error:
        print(textwrap.fill(f"{title}: {error}", 72, subsequent_indent="  "))
assert not (folder / "wrong.zarr").exists()

# %%
# Convert
# -------
#
# .. code-block:: bash
#
#    bids-dl convert bids_dl/sample/ds004362 alpha.zarr --hed eyes_closed=Eyes-closed --window 2 \
#        --split 1 --recipe alpha.yaml
#
# The report of each step is in the store, for each recording: which share of the samples it
# changed, and what else is worth knowing. ``bids-dl report alpha.zarr`` makes a page of it.

outcome = bids_dl.convert(sample_folder(), folder / "alpha.zarr", recipe=recipe, **request)
print(f"{outcome.n_windows} windows")


def print_steps(store: str) -> None:
    """Print what each step changed in the first recording of a store."""
    recordings = json.loads((Path(store) / "recordings.json").read_text(encoding="utf-8"))
    name, entry = next(iter(recordings.items()))
    print(name)
    for step in entry["steps"]:
        notes = "; ".join(step["notes"])
        print(f"  {step['step']:18} changed {step['share']:4.0%} of the samples  {notes}")


print_steps(outcome.url)

# %%
# A step of your own
# ------------------
# The average reference subtracts the mean of all channels from each, and one bad channel spreads to
# all. A trimmed mean leaves out the largest and the smallest values at each moment. The package has
# no such step, so here is one.
#
# A step is a frozen dataclass. Its fields are the parameters of the recipe. Three methods say what
# it needs and does:
#
# - ``required_context``: the part of the recording that it must see around a sample
# - ``output_spec``: channels and rate after the step; raise ``RecordingError`` if it cannot be
#   applied
# - ``apply``: change the recording (an MNE ``Raw``, in V) and report what changed

STEP = '''
"""Preprocessing steps of this study."""

from dataclasses import dataclass
from typing import ClassVar

from scipy.stats import trim_mean

from bids_dl.datamodel import StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Context, StepTraits


@dataclass(frozen=True)
class TrimmedReference:
    """Subtract from each EEG channel the mean over channels without the extreme ones."""

    share: float = 0.1  # of the channels, left out at each end

    name: ClassVar[str] = "trimmed_reference"
    traits: ClassVar[StepTraits] = StepTraits()

    def __post_init__(self) -> None:
        if not 0 <= self.share < 0.5:
            raise ValueError(f"share = {self.share}: expected at least 0 and less than 0.5")

    def required_context(self, spec):
        return Context("samples")  # channels are combined sample by sample

    def output_spec(self, spec):
        if spec.ch_types.count("eeg") < 3:
            raise RecordingError(self.name, "needs three EEG channels or more")
        return spec

    def apply(self, raw, spec):
        eeg = [i for i, kind in enumerate(spec.ch_types) if kind == "eeg"]
        signals = raw.get_data(picks=eeg)
        raw[eeg] = signals - trim_mean(signals, self.share, axis=0)
        return raw, StepReport(self.name, share=len(eeg) / spec.n_chans)
'''

# %%
# Recipes name steps, and names come from *entry points* of installed packages. Put the file into a
# package with these lines in its ``pyproject.toml``, and install it (``pip install .``) wherever
# the recipe runs:
#
# .. code-block:: toml
#
#    [project]
#    name = "mystudy"
#    version = "1.0"
#
#    [project.entry-points."bids_dl.steps"]
#    trimmed_reference = "mystudy_steps:TrimmedReference"
#
# This page must not install anything into your Python. So it writes into its own folder what pip
# would write, and ``convert_trimmed`` adds that folder to the places where Python looks for
# packages.

metadata = folder / "mystudy-1.0.dist-info"
metadata.mkdir()
(folder / "mystudy_steps.py").write_text(STEP, encoding="utf-8")
(metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mystudy\nVersion: 1.0\n")
(metadata / "entry_points.txt").write_text(
    "[bids_dl.steps]\ntrimmed_reference = mystudy_steps:TrimmedReference\n"
)

# %%
# The second recipe differs in the reference only. Both are applied to the same windows.

trimmed_recipe = folder / "trimmed.yaml"
trimmed_recipe.write_text(
    RECIPE.replace("name: alpha", "name: trimmed").replace(
        "- reference: average", "- trimmed_reference: {share: 0.2}"
    ),
    encoding="utf-8",
)


def convert_trimmed(**options):
    """Convert with the second recipe."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # once installed, your step needs no such line
    return bids_dl.convert(
        sample_folder(), folder / "trimmed.zarr", recipe=trimmed_recipe, **request, **options
    )


trimmed_outcome = convert_trimmed()
print_steps(trimmed_outcome.url)

# %%
# Compare the same windows
# ------------------------
# Windows are chosen before preprocessing, so row by row they are the same moments. Left, the
# spectrum at O1; right, the largest minus the smallest value of each window, one point a window.

stores = {
    "average": bids_dl.open_store(outcome.url),
    "trimmed": bids_dl.open_store(trimmed_outcome.url),
}
average, trimmed = stores.values()
for column in ("recording", "onset", "label"):
    assert (average.table[column] == trimmed.table[column]).all()
assert average.sfreq == trimmed.sfreq == 100

COLORS = {"average": "#1b6ca8", "trimmed": "#d95f02"}
frequencies = np.fft.rfftfreq(average.shape[2], 1 / average.sfreq)
taper = np.hanning(average.shape[2])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
peaks = {}
for name, store in stores.items():
    signals = store.read("signals")
    o1 = signals[:, store.channels.index("O1")]
    power = np.abs(np.fft.rfft(o1 * taper)) ** 2 * 2 / (store.sfreq * (taper**2).sum())
    left.semilogy(frequencies[2:], power.mean(axis=0)[2:], color=COLORS[name], label=name)
    peaks[name] = np.ptp(signals, axis=2).mean(axis=1)  # (n_windows,), mean over channels
left.set(xlabel="frequency (Hz)", ylabel="power at O1 (µV²/Hz)", xlim=(1, 45))
left.legend(title="reference", fontsize="small")
right.plot(peaks["average"], peaks["trimmed"], ".", color="#444444")
highest = max(values.max() for values in peaks.values())
right.plot([0, highest], [0, highest], color="black", linewidth=1, linestyle=":")
right.set(xlabel="average: peak to peak (µV)", ylabel="trimmed: peak to peak (µV)")
plt.show()

difference = trimmed.read("signals") - average.read("signals")
print(f"typical difference: {np.abs(difference).mean():.2f} µV")

# %%
# Below 30 Hz the two references do nearly the same: in these recordings, the simple one will do.
# Above 35 Hz they do not. The filter had removed this power, and the trimmed mean brings some back,
# because which channels it leaves out changes from sample to sample. It is tiny here, but a network
# with scaled inputs may find it. No check knows what a step does to a spectrum. The remedy is the
# order: put the filter after ``trimmed_reference``.

above = frequencies > 38
spectra = {
    name: np.abs(np.fft.rfft(store.read("signals") * taper)).mean(axis=(0, 1))
    for name, store in stores.items()
}
assert spectra["trimmed"][above].mean() > 10 * spectra["average"][above].mean()

# %%
# The store remembers
# -------------------
# A store records each step with all parameters, also those of your own step, and the package and
# version that your step came from.

for step in trimmed.attributes["request"]["preprocess"]["steps"]:
    print(step)
print({name: trimmed.attributes["software"][name] for name in ("mystudy", "bids_dl", "mne")})

# %%
# So the same request does nothing the second time, and another request under the same name is
# refused, with the difference. A store never mixes two recipes.

again = convert_trimmed()
print(f"unchanged: {again.unchanged}")
assert again.unchanged
try:
    convert_trimmed(set={"trimmed_reference.share": 0.3})
except BidsDlError as error:
    for line in str(error).replace(f"{folder}/", "").splitlines():
        print(textwrap.fill(line, 72))

# %%
# What this does not show
# -----------------------
# - **Which recipe is better.** Spectra say what changed. Better for your question is the one with
#   the better result on people that took no part in the choice (:doc:`/training`).
# - **That your step is right.** Test it on a signal whose result you know, before you use it.
#
# Go on with
# ----------
# - :doc:`/recipes`: all steps, the shipped recipes, and recipes that extend another
# - :doc:`plot_own_model`: your own network on such a store
