"""Reading of synthetic datasets with mne-bids and with bids_dl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mne
import mne_bids
import numpy as np

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Header
from bids_dl.errors import RecordingError
from bids_dl.testing import SyntheticDataset, SyntheticRecording


def read_with_mne_bids(
    dataset: SyntheticDataset, recording: SyntheticRecording
) -> tuple[np.ndarray, mne.io.BaseRaw]:
    """Read the samples (n_chans, n_times) in µV of a recording without sessions, and its header."""
    path = mne_bids.BIDSPath(
        root=dataset.root, subject=recording.subject, task="rest", run=recording.run, datatype="eeg"
    )
    raw = mne_bids.read_raw_bids(path, verbose="error")
    return raw.get_data() * 1e6, raw


def read_recordings(
    dataset: SyntheticDataset,
) -> Iterator[tuple[SyntheticRecording, np.ndarray | None, Header | RecordingError]]:
    """Yield each recording with its samples in µV and header, or None and the error."""
    bids = source.open_dataset(str(dataset.root))
    recordings = source.find_recordings(bids, SourceConfig())
    for content, recording in zip(dataset.recordings, recordings, strict=True):
        assert recording.path == content.path
        try:
            header = source.read_header(bids, recording)
            with source.open_raw(bids, recording) as raw:
                yield content, raw.get_data() * 1e6, header
        except RecordingError as error:
            yield content, None, error


def read_bytes(dataset: SyntheticDataset) -> dict[Path, bytes]:
    """Read all files of a dataset by their relative path."""
    files = [path for path in dataset.root.rglob("*") if path.is_file()]
    return {path.relative_to(dataset.root): path.read_bytes() for path in files}
