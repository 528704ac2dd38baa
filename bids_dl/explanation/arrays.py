"""Arrays of an explanation as ``explanation.npz``, and its claims as ``claims.csv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Estimates, Explanation
from bids_dl.output import writing

ARRAYS_FILE = "explanation.npz"
CLAIMS_FILE = "claims.csv"
CLAIM_COLUMNS = ("part", "output", "is_shown", "statement", "control")
METHOD_NAMES = {"gradient": "gradient", "integrated gradients": "integrated_gradients"}


def write_arrays(folder: Path, explanation: Explanation) -> list[Path]:
    """Write all arrays and claims of an explanation into a folder that exists.

    ``explanation.npz`` is read by `numpy.load` without pickle. Each array is named by its part and
    its attribute in `bids_dl.explanation.contents`, such as ``maximization_peaks`` or
    ``gradient_by_band``. Estimates are three arrays: the name, and the name with ``_low`` and
    ``_high``. Rows and logits of best windows are one array for each output, numbered from 0, such
    as ``best_windows_rows_0``. ``channels``, ``positions``, ``frequencies``, ``times``,
    ``band_names``, ``band_limits``, ``outputs``, ``randomization_layers`` and ``folds`` label the
    axes, and ``source`` is a JSON text.

    Parameters
    ----------
    folder
        Folder of the files.
    explanation
        Explanation to write. Equal explanations give equal arrays.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    ConfigError
        A file cannot be written.

    Examples
    --------
    >>> write_arrays(Path("explanation"), explanation)  # doctest: +SKIP
    [PosixPath('explanation/explanation.npz'), PosixPath('explanation/claims.csv')]
    """
    arrays_file, claims_file = folder / ARRAYS_FILE, folder / CLAIMS_FILE
    with writing(str(arrays_file)):
        np.savez_compressed(arrays_file, allow_pickle=False, **name_arrays(explanation))
    with (
        writing(str(claims_file)),
        claims_file.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, CLAIM_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for claim in explanation.claims:
            writer.writerow(asdict(claim))
    return [arrays_file, claims_file]


def name_arrays(explanation: Explanation) -> dict[str, npt.NDArray[Any]]:
    """Return all arrays of an explanation by their names, as `write_arrays` describes them."""
    axes = explanation.axes
    arrays: dict[str, npt.NDArray[Any]] = {
        "channels": np.array(axes.channels),
        "positions": axes.positions,
        "frequencies": axes.frequencies,
        "times": np.arange(axes.n_times) / axes.sfreq,
        "band_names": np.array(list(axes.bands), str),
        "band_limits": np.array(list(axes.bands.values()), np.float64).reshape(-1, 2),
        "outputs": np.array(explanation.spec.outputs),
        "folds": np.array([str(fold.get("held_out", "")) for fold in explanation.folds]),
        "source": np.array(json.dumps(explanation.source, ensure_ascii=False)),
    }
    parts: dict[str, Any] = {
        "best_windows": explanation.best_windows,
        "maximization": explanation.maximization,
        "randomization": explanation.randomization,
        "removal": explanation.removal,
    }
    for saliency in explanation.saliency:
        parts[METHOD_NAMES[saliency.method]] = saliency
    for part, content in parts.items():
        for name in content.__dataclass_fields__:
            if name != "method":
                arrays |= dict(_name_values(f"{part}_{name}", getattr(content, name)))
    return arrays


def _name_values(name: str, value: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of one attribute."""
    if isinstance(value, Estimates):
        yield name, value.value
        yield f"{name}_low", value.low
        yield f"{name}_high", value.high
    elif isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
        for number, array in enumerate(value):
            yield f"{name}_{number}", array
    else:
        yield name, np.asarray(value)
