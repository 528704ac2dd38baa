"""Dataset path -> recordings, their events as text, their headers and their signal."""

from bids_dl.source.dataset import Dataset, Participants, open_dataset
from bids_dl.source.listing import find_recordings
from bids_dl.source.metadata import fingerprint, header_from_text, read_participants, read_rows
from bids_dl.source.signal import open_raw, positions, read_header

__all__ = [
    "Dataset",
    "Participants",
    "find_recordings",
    "fingerprint",
    "header_from_text",
    "open_dataset",
    "open_raw",
    "positions",
    "read_header",
    "read_participants",
    "read_rows",
]
