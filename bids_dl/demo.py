"""Demonstration on the real EEG of the package: events, store, training, held-out accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl import api
from bids_dl.config.options import JobOptions
from bids_dl.pipeline.outcome import Outcome, Progress
from bids_dl.planning.survey import Survey
from bids_dl.store import Store, open_store

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bids_dl.training import TrainingEvent, TrainingResult

SAMPLE = "ds004362"
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
COLORS = {"eyes_open": "#d95f02", "eyes_closed": "#1b6ca8"}
WINDOW_SECONDS = 2.0
PLOTTED_HZ = (1.0, 40.0)
ALPHA_HZ = (8.0, 13.0)
OCCIPITAL = ("O1", "O2")  # the alpha rhythm is strongest there (Berger 1929)


@dataclass(frozen=True)
class DemoResult:
    """Results of the steps of the demo, in their order.

    Attributes
    ----------
    source
        BIDS dataset of the package.
    queries
        Query of each label.
    survey, outcome, training
        Results of `bids_dl.events`, `bids_dl.convert` and `bids_dl.train`.
    description
        Description of the store, from `bids_dl.info`.
    pictures
        Figures of the alpha rhythm and of the training.
    credits
        File with the source and the licence of the recordings.
    """

    source: Path
    queries: Mapping[str, str]
    survey: Survey
    outcome: Outcome
    description: Mapping[str, Any]
    training: TrainingResult
    pictures: tuple[Path, ...]
    credits: Path


def sample_folder() -> Path:
    """Return the BIDS dataset of the package. README.md beside it has its source and licence.

    Examples
    --------
    >>> sample_folder().name
    'ds004362'
    """
    return Path(str(files("bids_dl") / "sample" / SAMPLE))


def run_demo(
    folder: Path,
    *,
    jobs: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_message: Callable[[str], None] | None = None,
) -> DemoResult:
    """Select, convert, train and plot.

    Parameters
    ----------
    folder
        Folder for ``eyes.zarr``, ``alpha.png`` and a run folder. An existing store is reused.
    jobs
        Number of worker processes; None: one per core.
    on_progress
        Called with the progress of the conversion.
    on_message
        Called with one line about the training, and after each of its folds.

    Returns
    -------
    DemoResult
        Results of all steps.

    Examples
    --------
    >>> result = run_demo(Path("demo"))  # doctest: +SKIP
    >>> result.outcome.n_windows  # doctest: +SKIP
    240
    """
    source = sample_folder()
    send = on_message or _ignore_message
    survey = api.events(source, hed=QUERIES, window=WINDOW_SECONDS)
    execution: JobOptions = {} if jobs is None else {"jobs": jobs}
    outcome = api.convert(
        source,
        folder / "eyes.zarr",
        hed=QUERIES,
        window=WINDOW_SECONDS,
        on_progress=on_progress,
        **execution,
    )
    send("training on three persons, testing on the fourth, four times")
    training = api.train(
        outcome.url,
        folds="loso",
        run_dir=_unused_folder(folder / "run"),
        on_event=lambda event: _send_tested_fold(event, send),
    )
    alpha = plot_alpha(open_store(outcome.url), folder / "alpha.png")
    return DemoResult(
        source,
        QUERIES,
        survey,
        outcome,
        api.info(outcome.url),
        training,
        (alpha, *sorted(training.run_dir.glob("*.png"))),
        source.parent / "README.md",
    )


def plot_alpha(store: Store, path: Path) -> Path:
    """Plot occipital power spectra with eyes open and closed, one panel per person.

    Spectra are estimated by Welch's method with one segment per window (`scipy.signal.welch`).

    Parameters
    ----------
    store
        Store with the labels ``eyes_open`` and ``eyes_closed``.
    path
        Picture to write.

    Returns
    -------
    pathlib.Path
        The picture.
    """
    from matplotlib.figure import Figure

    freqs, power = _occipital_power(store)
    table = store.table
    subjects = sorted(table["subject"].unique())
    figure = Figure(figsize=(2.6 * len(subjects), 3.2), layout="constrained")
    grid: npt.NDArray[np.object_] = figure.subplots(
        1, len(subjects), sharex=True, sharey=True, squeeze=False
    )
    panels = grid[0]
    for axes, subject in zip(panels, subjects, strict=True):
        of_subject = (table["subject"] == subject).to_numpy()
        for label in store.attributes["classes"]["label"]:
            rows = of_subject & (table["label"] == label).to_numpy()
            _plot_spectrum(axes, freqs, power[rows].mean((0, 1)), label)
        axes.axvspan(*ALPHA_HZ, color="0.92", zorder=0)
        axes.set(title=f"sub-{subject}", xlabel="frequency (Hz)", xlim=PLOTTED_HZ)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"power at {', '.join(OCCIPITAL)} (µV²/Hz)")
    panels[-1].legend(frameon=False, loc="upper right")
    figure.suptitle("Alpha rhythm (8-13 Hz, grey) appears when the eyes close", fontsize=11)
    figure.savefig(path, dpi=150)
    return path


def _occipital_power(store: Store) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return plotted frequencies in Hz, and power (n_windows, n_chans, n_freqs) in µV²/Hz."""
    from scipy.signal import welch

    rows = [store.channels.index(name) for name in OCCIPITAL]
    signals = store.read("signals")[:, rows].astype(float)
    freqs, power = welch(signals, store.sfreq, nperseg=signals.shape[-1])
    plotted = (freqs >= PLOTTED_HZ[0]) & (freqs <= PLOTTED_HZ[1])
    return freqs[plotted], power[..., plotted]


def _plot_spectrum(
    axes: Axes, freqs: npt.NDArray[np.float64], power: npt.NDArray[np.float64], label: str
) -> None:
    axes.semilogy(freqs, power, color=COLORS[label], label=label.replace("_", " "), linewidth=1.5)


def _send_tested_fold(event: TrainingEvent, send: Callable[[str], None]) -> None:
    """Send the message of a tested fold, and none of the epochs."""
    if event.kind == "tested":
        send(event.text)


def _ignore_message(text: str) -> None:
    """Ignore a message."""


def _unused_folder(folder: Path) -> Path:
    """Return the folder, or the first of folder-2, folder-3, ... that does not exist."""
    number = 1
    unused = folder
    while unused.exists():
        number += 1
        unused = folder.with_name(f"{folder.name}-{number}")
    return unused
