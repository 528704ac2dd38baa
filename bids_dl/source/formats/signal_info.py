"""What a signal file says of itself before MNE opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bids_dl.source.gaps import Gap


@dataclass(frozen=True, slots=True)
class SignalInfo:
    """What a reader found in a signal file.

    Attributes
    ----------
    labels
        The channels to read, as the file names them; None means all.
    units, read
        Unit of each channel to read, as the file writes it, and the volts that MNE takes it for; empty where the format has one for all.
    convention
        Volts of that one unit.
    companions
        Files that belong to it, relative to the dataset, by the name that the signal file calls them.
    typed
        Whether the file itself knows types of channels.
    notes
        What a user should know of it.
    """

    labels: tuple[str, ...] | None = None
    units: tuple[str, ...] = ()
    read: tuple[float, ...] = ()
    convention: float = 1.0
    gaps: tuple[Gap, ...] = ()
    companions: Mapping[str, str] = field(default_factory=dict)
    typed: bool = False
    notes: tuple[str, ...] = ()
