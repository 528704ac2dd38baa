"""The whole way on real EEG that ships with the package: events, store, training, accuracy on people never seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.config.parsing import pipeline_config, request
from bids_dl.pipeline.convert import Outcome, Progress, convert_sources
from bids_dl.planning.survey import Survey, survey_sources
from bids_dl.store import Store, open_store

if TYPE_CHECKING:
    from bids_dl.training import Result

SAMPLE = "ds004362"
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
OPTIONS = {"hed": QUERIES, "window": 2.0, "stride": 2.0}
SHOWN = (1.0, 40.0)  # Hz
OCCIPITAL = ("O1", "O2")  # where alpha is strongest (Berger 1929)


@dataclass(frozen=True)
class Demo:
    """What the demo made, in the order it made it."""

    source: Path
    found: Survey
    outcome: Outcome
    store: Store
    result: Result
    pictures: tuple[Path, ...]
    credits: Path


def sample_folder() -> Path:
    """The BIDS folder of the sample; its README.md tells source and licence."""
    return Path(str(files("bids_dl") / "sample" / SAMPLE))


def run_demo(
    folder: Path, *, jobs: int | None, say: Callable[[Progress], None], tell: Callable[[str], None]
) -> Demo:
    """Select, convert, train and draw.

    Parameters
    ----------
    folder
        Gets ``eyes.zarr``, ``alpha.png`` and a run folder; run again, the store is used as it is.
    say, tell
        Called with the progress of the conversion, and with a line at a time.
    """
    from bids_dl.config.stages import TrainConfig
    from bids_dl.training import train

    source, wanted = str(sample_folder()), request(OPTIONS)
    found = survey_sources([source], wanted.source, wanted.events, wanted.windows)
    outcome = convert_sources(
        [source],
        str(folder / "eyes.zarr"),
        wanted,
        pipeline_config({"jobs": jobs} if jobs else {}),
        say=say,
    )
    store = open_store(outcome.url)
    tell("training on three people, testing on the fourth, four times")
    result = train(
        outcome.url, TrainConfig(folds="loso"), run=_free(folder / "run"), say=_only_folds(tell)
    )
    pictures = (draw_alpha(store, folder / "alpha.png"), *sorted(result.run.glob("*.png")))
    return Demo(
        sample_folder(),
        found,
        outcome,
        store,
        result,
        pictures,
        sample_folder().parent / "README.md",
    )


def draw_alpha(store: Store, path: Path) -> Path:
    """Draw the mean power spectrum over the back of the head, one panel a person, eyes open and closed."""
    from matplotlib.figure import Figure
    from scipy.signal import welch

    rows = [store.channels.index(name) for name in OCCIPITAL]
    signals, table = store.read("signals")[:, rows].astype(float), store.table
    freqs, power = welch(signals, store.sfreq, nperseg=signals.shape[-1])
    shown = (freqs >= SHOWN[0]) & (freqs <= SHOWN[1])
    subjects = sorted(table["subject"].unique())
    figure = Figure(figsize=(2.6 * len(subjects), 3.2), layout="constrained")
    panels: npt.NDArray[np.object_] = figure.subplots(
        1, len(subjects), sharex=True, sharey=True, squeeze=False
    )[0]
    for axes, subject in zip(panels, subjects, strict=True):
        for label, color in zip(
            store.attributes["classes"]["label"], ("#d95f02", "#1b6ca8"), strict=True
        ):
            mine = ((table["subject"] == subject) & (table["label"] == label)).to_numpy()
            axes.semilogy(
                freqs[shown],
                power[mine].mean((0, 1))[shown],
                color=color,
                label=label.replace("_", " "),
                linewidth=1.5,
            )
        axes.axvspan(8, 13, color="0.92", zorder=0)
        axes.set(title=f"sub-{subject}", xlabel="frequency (Hz)", xlim=SHOWN)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"power at {', '.join(OCCIPITAL)} (µV²/Hz)")
    panels[-1].legend(frameon=False, loc="upper right")
    figure.suptitle("Alpha rhythm (8-13 Hz, grey) appears when the eyes close", fontsize=11)
    figure.savefig(path, dpi=150)
    return path


def _only_folds(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Pass on what training says at the end of a fold, not of every epoch."""
    return lambda line: tell(line) if "tested" in line else None


def _free(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that is not there."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
