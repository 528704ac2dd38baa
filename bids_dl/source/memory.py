"""Estimate of the memory that loading a recording takes."""

from __future__ import annotations

from pathlib import PurePosixPath

from bids_dl.datamodel import Header, Recording
from bids_dl.source.dataset import Dataset

# Beside the samples: buffers for the conversion to float64 (measured with MNE 1.13: up to 60 MB)
BUFFER_BYTES = 64_000_000
# Peak bytes per sample of a channel, including the float64 that remains
# (measured with MNE 1.13.2 on 29 million samples).
LAZY_BYTES = 8  # EDF, BDF, FIF, BrainVision, NWB, .set with .fdt: 7.9 to 8.2
MEF3_BYTES = 26  # pymef and MNE each hold a copy: 25.7
VECTORIZED_BYTES = 16  # BrainVision stored channel by channel, read into a second array: 16.1
EMBEDDED_FLOAT32_BYTES = (
    18  # .set with its samples inside: 12.1, 17.5 in v7.3 with top-level fields
)
EMBEDDED_FLOAT64_BYTES = 25  # .set with its samples inside: 24.1
# File bytes per sample of a .set in float32, which compresses by a tenth
MIN_FLOAT32_FILE_BYTES = 3.4
MAX_FLOAT32_FILE_BYTES = 4.3


def estimate_load_bytes(dataset: Dataset, recording: Recording, header: Header) -> int:
    """Estimate the peak memory of opening a recording and loading all its channels.

    Returns
    -------
    int
        Bytes in addition to the memory that the process uses before.
    """
    n_samples = header.n_times * len(header.ch_names)
    return BUFFER_BYTES + n_samples * _bytes_per_sample(dataset, recording, n_samples)


def is_lazy(dataset: Dataset, recording: Recording) -> bool:
    """Return whether a part of a recording can be read without loading all of it.

    False only for a .set file with its samples inside, which MNE loads completely.
    """
    signal = PurePosixPath(str(recording.signal))
    return signal.suffix.lower() != ".set" or dataset.holds(signal.with_suffix(".fdt").as_posix())


def _bytes_per_sample(dataset: Dataset, recording: Recording, n_samples: int) -> int:
    """Return the peak bytes per sample of a channel for the format of a recording."""
    signal = str(recording.signal)
    extension = PurePosixPath(signal).suffix.lower()
    if not is_lazy(dataset, recording):
        return _embedded_bytes(_file_bytes(dataset, signal), n_samples)
    if extension == ".vhdr" and b"VECTORIZED" in dataset.path(signal).read_bytes():
        return VECTORIZED_BYTES
    return MEF3_BYTES if extension == ".mefd" else LAZY_BYTES


def _file_bytes(dataset: Dataset, file: str) -> int:
    """Return the size of a file, which may not be fetched yet."""
    if dataset.remote is not None and file in dataset.remote.by_path:
        return dataset.remote.by_path[file].size or 0
    return dataset.path(file).stat().st_size


def _embedded_bytes(n_bytes: int, n_samples: int) -> int:
    """Return the peak bytes per sample of a .set file, whose sample type follows from its size."""
    file_bytes = n_bytes / max(1, n_samples)
    if MIN_FLOAT32_FILE_BYTES < file_bytes < MAX_FLOAT32_FILE_BYTES:
        return EMBEDDED_FLOAT32_BYTES
    return EMBEDDED_FLOAT64_BYTES  # other sizes may be compressed float64
