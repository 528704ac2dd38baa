"""Facts about a signal file that are known before MNE opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bids_dl.source.formats.edf import EdfHeader
from bids_dl.source.formats.nwb import NwbSignal
from bids_dl.source.formats.zarr_copy import CopySignal
from bids_dl.source.gaps import Gap


@dataclass(frozen=True, slots=True)
class SignalInfo:
    """Result of inspecting the files of a recording.

    Attributes
    ----------
    labels
        Channels to read, by their names in the file; None means all.
    units
        Unit of each channel to read as written in the file, empty if the format has one unit.
    assumed_volts
        Size in V that MNE assumes for one unit of each channel, empty if the format has one unit.
    default_unit_volts
        Size in V of the one unit of the format.
    gaps
        Points at which the file leaves out time.
    companions
        Paths relative to the dataset of the other files of the recording, by the name that the
        signal file uses for them.
    file_types
        Meaning of the channel types that MNE reads: "stated" in the file, "default" of a format
        that may state them, or "none".
    edf
        Header of an EDF or BDF file; None for other formats.
    nwb
        Description of the samples of an NWB file; None for other formats.
    zarr_copy
        Description of the Zarr copy of the recording; None for other formats.
    notes
        Remarks for the user, one line each.
    """

    labels: tuple[str, ...] | None = None
    units: tuple[str, ...] = ()
    assumed_volts: tuple[float, ...] = ()
    default_unit_volts: float = 1.0
    gaps: tuple[Gap, ...] = ()
    companions: Mapping[str, str] = field(default_factory=dict)
    file_types: Literal["stated", "default", "none"] = "none"
    edf: EdfHeader | None = None
    nwb: NwbSignal | None = None
    zarr_copy: CopySignal | None = None
    notes: tuple[str, ...] = ()
