"""Header of a signal file without MNE, if the file is so plain that MNE reads the same."""

from __future__ import annotations

from bids_dl.datamodel import Recording
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import brainvision
from bids_dl.source.formats.inspect import EDF_EXTENSIONS, signal_extension
from bids_dl.source.formats.plain_brainvision import read_plain_brainvision
from bids_dl.source.formats.plain_edf import read_plain_edf
from bids_dl.source.formats.plain_signal import PlainSignal
from bids_dl.source.formats.signal_info import SignalInfo

PLAIN_EXTENSIONS = EDF_EXTENSIONS | {".vhdr"}


def read_plain_header(
    dataset: Dataset, recording: Recording, info: SignalInfo
) -> PlainSignal | None:
    """Read the header of the signal file of a recording.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`, in one of `PLAIN_EXTENSIONS`.
    info
        Result of `inspect_file`.

    Returns
    -------
    PlainSignal or None
        None if MNE may read the file in another way, or not at all.

    Raises
    ------
    RecordingError
        Stage "header": the header contradicts itself.
    """
    signal = str(recording.signal)
    path = dataset.path(signal)
    if signal_extension(signal) in EDF_EXTENSIONS:
        return read_plain_edf(path, info)
    header = brainvision.read_vhdr(path)
    data_file = dataset.path(info.companions[header.data_file])
    markers = info.companions.get(header.marker_file)
    return read_plain_brainvision(path, data_file, dataset.path(markers) if markers else None)
