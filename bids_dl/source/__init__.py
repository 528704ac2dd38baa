"""BIDS dataset -> recordings, their events as text, their headers and their signals."""

from bids_dl.source.amplitude import check_amplitudes
from bids_dl.source.annotated import Annotations, open_annotations, read_annotation_rows
from bids_dl.source.archives.access import Access, open_access
from bids_dl.source.boundaries import join_boundaries
from bids_dl.source.channels.electrodes import standard_positions
from bids_dl.source.dataset import Dataset, open_dataset
from bids_dl.source.fetching.fetch import describe_verification, fetch_files, missing_bytes
from bids_dl.source.fetching.fetch_size import FetchSize, listed_files, measure_fetch
from bids_dl.source.fetching.remote_headers import fetch_header
from bids_dl.source.fetching.remote_ranges import find_layout
from bids_dl.source.header_cache import HeaderCache, HeaderReport
from bids_dl.source.memory import estimate_load_bytes, is_lazy
from bids_dl.source.metadata import SidecarHeader, read_event_rows, read_sidecar_header
from bids_dl.source.recordings.hashing import (
    HashedFiles,
    hash_source_files,
    unchanged_files,
    with_partial_states,
)
from bids_dl.source.recordings.listing import Listing, find_recordings, list_recordings
from bids_dl.source.recordings.participants import Participants, read_participants
from bids_dl.source.signal import open_raw, read_header, read_header_with_notes

__all__ = [
    "Access",
    "Annotations",
    "Dataset",
    "FetchSize",
    "HashedFiles",
    "HeaderCache",
    "HeaderReport",
    "Listing",
    "Participants",
    "SidecarHeader",
    "check_amplitudes",
    "describe_verification",
    "estimate_load_bytes",
    "fetch_files",
    "fetch_header",
    "find_layout",
    "find_recordings",
    "hash_source_files",
    "is_lazy",
    "join_boundaries",
    "list_recordings",
    "listed_files",
    "measure_fetch",
    "missing_bytes",
    "open_access",
    "open_annotations",
    "open_dataset",
    "open_raw",
    "read_annotation_rows",
    "read_event_rows",
    "read_header",
    "read_header_with_notes",
    "read_participants",
    "read_sidecar_header",
    "standard_positions",
    "unchanged_files",
    "with_partial_states",
]
