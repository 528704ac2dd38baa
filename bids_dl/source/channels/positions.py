"""Positions of electrodes from electrodes.tsv and coordsystem.json, in plain cases.

In all other cases mne-bids reads the tables, because its rules decide what they mean.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Recording
from bids_dl.source.dataset import Dataset
from bids_dl.source.recordings.entities import parse_entities

if TYPE_CHECKING:
    import mne
    from mne.io import BaseRaw

METERS = {"m": 1.0, "cm": 100.0, "mm": 1000.0}  # units in one m
# MNE's frame of a coordinate system of EEG (BIDS 1.10, appendix "Coordinate systems")
FRAMES = {
    "CTF": "ctf_head",
    "4DBti": "ctf_head",
    "KitYokogawa": "ctf_head",
    "ElektaNeuromag": "head",
    "ChietiItab": "head",
    "CapTrak": "head",
    "EEGLAB": "ctf_head",
    "EEGLAB-HJ": "ctf_head",
}
PLAIN_ENTITY = re.compile(r"(sub|ses|task|acq|run|space)-[A-Za-z0-9]+")
COORDINATES = ("x", "y", "z")
KNOWN_POSITIONS = 16  # a dataset with template positions has the same for all recordings
NO_COORDINATE = "n/a"


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions of electrodes by name, none without an electrodes.tsv.

    Attributes
    ----------
    names
        Names of the electrodes.
    coordinates
        x, y and z of each in m.
    frame
        MNE's coordinate frame.
    """

    names: tuple[str, ...] = ()
    coordinates: tuple[tuple[float, float, float], ...] = ()
    frame: str = ""


def read_positions(dataset: Dataset, recording: Recording) -> Positions | None:
    """Read the positions of the electrodes of a recording.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.

    Returns
    -------
    Positions or None
        None if the tables are not plain, so that mne-bids has to read them.

    Raises
    ------
    SourceError
        A table is outside of the dataset, or no file.
    """
    tables = dataset.inherited_files(recording.path, "electrodes.tsv")[-1:]
    systems = dataset.inherited_files(recording.path, "coordsystem.json")[-1:]
    contents = [dataset.read_bytes(file) for file in (*tables, *systems)]
    if not tables:
        return Positions()
    is_plain = all(_is_plain_name(file, recording) for file in (*tables, *systems))
    if not systems or not is_plain or recording.datatype != "eeg":
        return None
    system = _parse_object(contents[1])
    frame = system.get("EEGCoordinateSystem")
    unit = system.get("EEGCoordinateUnits")
    rows = _parse_plain_table(contents[0])
    if frame not in FRAMES or unit not in METERS or rows is None:
        return None
    if not any(math.isfinite(x + y + z) for _, x, y, z in rows):
        return None
    scale = METERS[unit]
    return Positions(
        names=tuple(name for name, *_ in rows),
        coordinates=tuple((x / scale, y / scale, z / scale) for _, x, y, z in rows),
        frame=FRAMES[frame],
    )


def set_positions(raw: BaseRaw, positions: Positions) -> None:
    """Set the positions of the channels of a recording that have an electrode.

    Without fiducials, those of a frame between the ears are approximated by the size of the head,
    as mne-bids does.
    """
    if not positions.names:
        return
    raw.set_montage(_montage_in_head(positions), on_missing="ignore", verbose="error")


@lru_cache(maxsize=KNOWN_POSITIONS)
def _montage_in_head(positions: Positions) -> mne.channels.DigMontage:
    """Return a montage in the coordinates of the head, which MNE would compute for each recording.

    It must not be changed.
    """
    import mne

    coordinates = np.array(positions.coordinates)
    fiducials = {}
    if positions.frame == "ctf_head":
        fiducials = _approximate_fiducials(coordinates)
    montage = mne.channels.make_dig_montage(
        dict(zip(positions.names, coordinates, strict=True)),
        coord_frame=positions.frame,
        **fiducials,
    )
    with mne.utils.use_log_level("error"):  # MNE tells on stdout that it knows no fiducials
        return mne.channels.transform_to_head(montage)


def _approximate_fiducials(
    coordinates: npt.NDArray[np.float64],
) -> dict[str, npt.NDArray[np.float64]]:
    """Place the nasion and the points before the ears on a sphere around the origin."""
    known = coordinates[~np.any(np.isnan(coordinates), axis=1)]
    radius = np.median(np.linalg.norm(known - known.mean(axis=0), axis=1))
    return {
        "nasion": np.array([radius, 0.0, 0.0]),
        "lpa": np.array([0.0, radius, 0.0]),
        "rpa": np.array([0.0, -radius, 0.0]),
    }


def _is_plain_name(file: str, recording: Recording) -> bool:
    """Return whether mne-bids finds a table for a recording by its name."""
    entities = parse_entities(PurePosixPath(file).name.rpartition("_")[0])
    own = parse_entities(PurePosixPath(str(recording.signal)).name.rpartition("_")[0])
    first = [entity for entity in own if entity.startswith(("sub-", "ses-"))]
    return (
        entities >= frozenset(first)
        and bool(first)
        and all(map(PLAIN_ENTITY.fullmatch, entities))
        and all(map(PLAIN_ENTITY.fullmatch, own))
        and PurePosixPath(file).name.startswith("_".join(sorted(first, reverse=True)))
    )


def _parse_object(content: bytes) -> dict[str, str]:
    """Return the texts of a JSON object, none of any other content."""
    try:
        values = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {name: value for name, value in values.items() if isinstance(value, str)}


@lru_cache(maxsize=KNOWN_POSITIONS)
def _parse_plain_table(content: bytes) -> tuple[tuple[str, float, float, float], ...] | None:
    """Return name, x, y and z of each row, None if a cell is quoted, missing or no number."""
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    cells = [line.split("\t") for line in lines]
    header = cells[0]
    is_even = all(len(row) == len(header) for row in cells)
    if not is_even or '"' in text or "\r" in "".join(lines) or len(set(header)) < len(header):
        return None
    if any(cell != cell.strip() or not cell for row in cells for cell in row):
        return None
    if not {"name", *COORDINATES} <= set(header) or len(cells) < 2:
        return None
    columns = [header.index(name) for name in ("name", *COORDINATES)]
    rows = []
    try:
        for row in cells[1:]:
            name, *values = (row[column] for column in columns)
            x, y, z = (math.nan if value == NO_COORDINATE else float(value) for value in values)
            rows.append((name, x, y, z))
    except ValueError:
        return None
    if any(map(math.isinf, (value for _, *values in rows for value in values))):
        return None
    return tuple(rows)
