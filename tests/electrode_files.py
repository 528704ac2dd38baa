"""Recordings with measured electrode positions, read from a BIDS dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import mne
import numpy as np

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.preprocess import positions
from bids_dl.testing import make_dataset

CH_NAMES = ("Fp1", "Fp2", "F7", "F8", "C3", "Cz", "C4", "Pz", "T7", "T8", "O1", "O2")
TEMPLATE = "easycap-M1"
NOSE_ALONG_X = ((0, -1, 0), (1, 0, 0), (0, 0, 1))
"""Rotation of positions with axes right, front, up to axes front, left, up."""


def read_measured(
    folder: Path,
    *,
    system: str = "CapTrak",
    unit: str = "m",
    factor: float = 1.0,
    rotation: Sequence[Sequence[int]] | None = None,
    without: Sequence[str] = (),
) -> mne.io.BaseRaw:
    """Write a dataset with an electrodes.tsv, and read its recording.

    Parameters
    ----------
    system, unit
        As coordsystem.json states them.
    factor, rotation
        Applied to the positions of `TEMPLATE` in m before they are written.
    without
        Channels whose position is "n/a".
    """
    make_dataset(folder, n_subjects=1, n_blocks=1, ch_names=CH_NAMES, electrodes=False)
    template = positions.template_positions(TEMPLATE)
    lines = ["name\tx\ty\tz"]
    for name in CH_NAMES:
        position = template[name.casefold()] * factor
        if rotation is not None:
            position = position @ np.array(rotation)
        values = ["n/a"] * 3 if name in without else [f"{value:.6f}" for value in position]
        lines.append("\t".join([name, *values]))
    stem = folder / "sub-001/eeg/sub-001"
    stem.with_name("sub-001_electrodes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stem.with_name("sub-001_coordsystem.json").write_text(
        json.dumps({"EEGCoordinateSystem": system, "EEGCoordinateUnits": unit})
    )
    dataset = source.open_dataset(str(folder))
    [recording] = source.find_recordings(dataset, SourceConfig())
    with source.open_raw(dataset, recording) as raw:
        return raw.load_data()
