"""Memory that a recording takes, known before it is loaded."""

from __future__ import annotations

from pathlib import PurePosixPath

from bids_dl.datamodel import Header, Recording
from bids_dl.source.dataset import Dataset

READING = 64_000_000  # bytes beside the samples: pieces of the file on their way to float64 (measured with MNE 1.13: up to 60 MB)
# Peak bytes for each sample of each channel, the float64 that stays among them (measured with MNE 1.13.2 on 29 million samples)
LAZY = 8  # EDF, BDF, FIF, BrainVision, .set with .fdt: 7.9 to 8.2
VECTORIZED = 16  # BrainVision channel by channel is read into a second array: 16.1
EMBEDDED = {
    4: 18,
    8: 25,
}  # a .set that holds its samples, as float32 (12.1; 17.5 in v7.3 with fields at top level) or float64 (24.1)


def load_bytes(dataset: Dataset, recording: Recording, header: Header) -> int:
    """Bytes at the peak of opening a recording and loading all its channels, beyond what the process holds before."""
    samples = header.n_times * len(header.ch_names)
    return READING + samples * _factor(dataset, recording, samples)


def is_lazy(dataset: Dataset, recording: Recording) -> bool:
    """Whether a part of a recording can be read without loading all of it: not from a .set that holds its samples itself."""
    signal = PurePosixPath(str(recording.signal))
    return signal.suffix.lower() != ".set" or signal.with_suffix(".fdt").as_posix() in dataset.files


def _factor(dataset: Dataset, recording: Recording, samples: int) -> int:
    path = dataset.root / str(recording.signal)
    if not is_lazy(dataset, recording):
        stored = path.stat().st_size / max(1, samples)
        return EMBEDDED[
            4 if 3.4 < stored < 4.3 else 8
        ]  # float32 compresses by a tenth; anything else may be compressed float64
    if path.suffix.lower() == ".vhdr" and b"VECTORIZED" in path.read_bytes():
        return VECTORIZED
    return LAZY
