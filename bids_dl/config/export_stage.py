"""Settings of exports, as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT

MAX_WINDOWS = 2000  # of a .set file: as many as a person can look through


@dataclass(frozen=True, config=STRICT)
class ExportConfig:
    """Windows of a store to export. An empty tuple selects all.

    Parameters
    ----------
    label, split, subject
        Values of the columns of the store.
    recording
        Paths of recordings, as the store has them, or only their last parts.
    max_windows
        Largest number of windows of a .set file.
    """

    label: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    recording: tuple[str, ...] = ()
    max_windows: int = Field(default=MAX_WINDOWS, ge=1)
