"""NWB files for tests, written by pynwb."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.ecephys import LFP, ElectricalSeries

NAMES = ("LA1", "LA2", "EKG1")


def write_nwb(
    path: Path,
    stored: np.ndarray,
    *,
    names: Sequence[str] = NAMES,
    n_series: int = 1,
    with_lfp: bool = False,
    with_audio: bool = False,
    **series: object,
) -> Path:
    """Write an NWB file with an ElectricalSeries.

    Parameters
    ----------
    path
        File to write.
    stored
        (n_times, n_chans) samples in the unit of the file.
    names
        Names of the channels, in the column "label" of the electrodes.
    n_series
        Number of acquired ElectricalSeries.
    with_lfp, with_audio
        Add a series that was computed from the first, or one of another kind.
    **series
        Times and scaling of the ElectricalSeries; by default 100 Hz and µV.
    """
    times = {} if "timestamps" in series else {"rate": 100.0}
    arguments = {"conversion": 1e-6, **times, **series}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nwb_file = NWBFile("x", "id", datetime(2020, 1, 1, tzinfo=UTC))
        device = nwb_file.create_device(name="amplifier")
        group = nwb_file.create_electrode_group("LA", "x", "brain", device)
        nwb_file.add_electrode_column("label", "name of the contact")
        for name in names:
            nwb_file.add_electrode(location="brain", group=group, label=name)
        region = nwb_file.create_electrode_table_region(list(range(len(names))), "all")
        for i in range(n_series):
            nwb_file.add_acquisition(
                ElectricalSeries(name=f"voltage{i}", data=stored, electrodes=region, **arguments)
            )
        if with_lfp:
            lfp = LFP(ElectricalSeries(name="lfp", data=stored, electrodes=region, **arguments))
            nwb_file.create_processing_module("ecephys", "x").add(lfp)
        if with_audio:
            nwb_file.add_acquisition(
                TimeSeries(name="audio", data=np.zeros(9), unit="V", rate=10.0)
            )
        with NWBHDF5IO(path, "w") as file:
            file.write(nwb_file)
    return path
