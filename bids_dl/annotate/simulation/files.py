"""Files of a simulation: curves, summary, picture and description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bids_dl.annotate.simulation.picture import draw_curves
from bids_dl.errors import ConfigError
from bids_dl.output import check_output, check_outside_store, writing

CURVES_FILE = "curves.csv"
SUMMARY_FILE = "summary.csv"
FIGURE_FILE = "curves.png"
DESCRIPTION_FILE = "simulation.json"
DEFAULT_FOLDER = Path("simulations")


def choose_folder(requested: Path | None, default_name: str, store: Path | None) -> Path:
    """Return the folder of the files, before anything is computed.

    Parameters
    ----------
    requested
        New or empty folder. None takes the default name, with a number if that is in use.
    default_name
        Name of a folder in `DEFAULT_FOLDER`.
    store
        Folder of the store, None if it is not on disk.

    Raises
    ------
    ConfigError
        The folder holds files, is inside the store, or cannot be written.

    Examples
    --------
    >>> choose_folder(None, "eyes-label-0", None).as_posix()
    'simulations/eyes-label-0'
    """
    if requested is None:
        folder = DEFAULT_FOLDER / default_name
        number = 2
        while folder.exists():
            folder = DEFAULT_FOLDER / f"{default_name}-{number}"
            number += 1
        return folder
    title = f"--output {requested}"
    check_outside_store(title, requested, store)
    with writing(title):  # the system refuses to look up long names and to list foreign folders
        is_used = requested.exists() and (not requested.is_dir() or any(requested.iterdir()))
    if is_used:
        raise ConfigError(f"{title}: already exists and is never overwritten; name another folder")
    if requested.parent.exists():
        check_output(title, requested.parent / f"{requested.name}.new")
    return requested


def write_simulation(
    folder: Path,
    curves: pd.DataFrame,
    summary: pd.DataFrame,
    description: Mapping[str, Any],
    *,
    drawn: pd.DataFrame,
) -> None:
    """Write all files of a simulation, the description last.

    Parameters
    ----------
    folder
        Folder to write, which is made.
    curves, summary
        Tables of `bids_dl.annotate.simulation.curves`.
    description
        Settings, metric, people and warnings, for JSON.
    drawn
        Curves for the picture, as `draw_curves` takes them.

    Raises
    ------
    BidsDlError
        A file cannot be written.
    """
    with writing(f"--output {folder}", "choose another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in ((CURVES_FILE, curves), (SUMMARY_FILE, summary)):
            table.to_csv(folder / name, index=False, lineterminator="\n")
        draw_curves(drawn, description["metric"]["title"], folder / FIGURE_FILE)
        text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / DESCRIPTION_FILE).write_text(text + "\n", encoding="utf-8")
