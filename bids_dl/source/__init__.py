"""Dataset path -> recordings, their events as text, their headers and their signal."""

from bids_dl.source.amplitude import check_amplitudes
from bids_dl.source.dataset import Dataset, Participants, open_dataset
from bids_dl.source.listing import find_recordings
from bids_dl.source.memory import is_lazy, load_bytes
from bids_dl.source.metadata import fingerprint, header_from_text, read_participants, read_rows
from bids_dl.source.positions import positions
from bids_dl.source.signal import HeaderReport, examine, open_raw, read_header

__all__ = [
    "Dataset",
    "HeaderReport",
    "Participants",
    "check_amplitudes",
    "examine",
    "find_recordings",
    "fingerprint",
    "header_from_text",
    "is_lazy",
    "load_bytes",
    "open_dataset",
    "open_raw",
    "positions",
    "read_header",
    "read_participants",
    "read_rows",
]
