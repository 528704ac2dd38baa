"""BIDS dataset -> recordings, their events as text, their headers and their signals."""

from bids_dl.source.amplitude import check_amplitudes
from bids_dl.source.dataset import Dataset, open_dataset
from bids_dl.source.electrodes import standard_positions
from bids_dl.source.listing import Listing, find_recordings, list_recordings
from bids_dl.source.memory import estimate_load_bytes, is_lazy
from bids_dl.source.metadata import (
    SidecarHeader,
    hash_source_files,
    read_event_rows,
    read_sidecar_header,
)
from bids_dl.source.participants import Participants, read_participants
from bids_dl.source.signal import HeaderReport, open_raw, read_header, read_header_with_notes

__all__ = [
    "Dataset",
    "HeaderReport",
    "Listing",
    "Participants",
    "SidecarHeader",
    "check_amplitudes",
    "estimate_load_bytes",
    "find_recordings",
    "hash_source_files",
    "is_lazy",
    "list_recordings",
    "open_dataset",
    "open_raw",
    "read_event_rows",
    "read_header",
    "read_header_with_notes",
    "read_participants",
    "read_sidecar_header",
    "standard_positions",
]
