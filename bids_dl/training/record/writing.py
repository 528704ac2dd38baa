"""Files of a record in a run folder: page, tables and figures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bids_dl.training.record.calibration import calibration_bins, draw_calibration
from bids_dl.training.record.confusion import draw_confusion
from bids_dl.training.record.contents import Record
from bids_dl.training.record.hypnogram import (
    collect_hypnograms,
    draw_hypnogram,
    hypnogram_files,
)
from bids_dl.training.record.learning_curves import draw_learning_curves
from bids_dl.training.record.page import render_record, tested_values
from bids_dl.training.record.roc import draw_roc, roc_curves
from bids_dl.training.record.scatter import draw_scatter
from bids_dl.training.record.scores import metric_rows

MAX_HYPNOGRAM_FILES = 40
HYPNOGRAMS = "hypnograms"


def write_record(folder: Path, record: Record) -> list[Path]:
    """Write the page, tables and figures of a training into its run folder.

    Files are record.html, metrics.csv, votes.csv and, where they fit the target, confusion.png,
    roc.png, calibration.png, scatter.png and hypnograms/. A training that has epochs has
    learning_curves.png. Existing files are replaced. The same record gives the same bytes.

    Parameters
    ----------
    folder
        An existing run folder.
    record
        The finished training.

    Returns
    -------
    paths
        The files written.

    Examples
    --------
    >>> write_record(Path("runs/eyes"), record)  # doctest: +SKIP
    [PosixPath('runs/eyes/metrics.csv'), ..., PosixPath('runs/eyes/record.html')]
    """
    paths = _write_tables(folder, record)
    if len(record.history):
        paths.append(folder / "learning_curves.png")
        draw_learning_curves(
            record.history, paths[-1], kind=record.spec.kind, test_values=tested_values(record)
        )
    paths += _draw_outcomes(folder, record)
    paths += _draw_hypnograms(folder, record)
    paths.append(folder / "record.html")
    paths[-1].write_bytes(render_record(record))
    return paths


def _write_tables(folder: Path, record: Record) -> list[Path]:
    tables = {"metrics.csv": pd.DataFrame(metric_rows(record.metrics)), "votes.csv": record.votes}
    for name, table in tables.items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
    return [folder / name for name in tables]


def _draw_outcomes(folder: Path, record: Record) -> list[Path]:
    """Draw the figures of the kind of target."""
    spec = record.spec
    predictions = record.of_first_seed(record.predictions)
    votes = record.of_first_seed(record.votes)
    if spec.kind == "number":
        path = folder / "scatter.png"
        draw_scatter(spec, predictions, votes, path)
        return [path]
    paths = []
    if "confusion" in record.metrics["windows"]:
        matrices = {unit: record.metrics[unit]["confusion"] for unit in ("windows", "votes")}
        paths.append(folder / "confusion.png")
        draw_confusion(matrices, spec.outputs, paths[-1])
    curves = roc_curves(spec, {"windows": predictions, "votes": votes})
    if curves:
        paths.append(folder / "roc.png")
        draw_roc(curves, paths[-1])
    paths.append(folder / "calibration.png")
    draw_calibration(spec, calibration_bins(spec, predictions), paths[-1])
    return paths


def _draw_hypnograms(folder: Path, record: Record) -> list[Path]:
    """Draw the first `MAX_HYPNOGRAM_FILES` hypnograms, one file per recording."""
    predictions = record.of_first_seed(record.predictions)
    hypnograms = collect_hypnograms(record.spec, predictions, window_seconds=record.window_seconds)[
        :MAX_HYPNOGRAM_FILES
    ]
    paths = []
    for hypnogram, name in zip(hypnograms, hypnogram_files(hypnograms), strict=True):
        path = folder / HYPNOGRAMS / name
        path.parent.mkdir(exist_ok=True)
        draw_hypnogram(hypnogram, path)
        paths.append(path)
    return paths
