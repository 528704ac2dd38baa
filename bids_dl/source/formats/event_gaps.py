"""Gaps of a signal file whose time events.tsv counts, by format."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import brainvision, brainvision_pauses, edf, edf_gaps, mef, nwb
from bids_dl.source.formats.inspect import EDF_EXTENSIONS, companion_files, signal_extension
from bids_dl.source.gaps import Gap


def read_gaps(
    dataset: Dataset, recording: Recording, onsets: Sequence[float] = ()
) -> tuple[Gap, ...]:
    """Read the gaps of a recording whose time its events.tsv counts.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.
    onsets
        Onsets of events.tsv in s, which tell whether they count the pauses of BrainVision.

    Returns
    -------
    tuple of Gap
        Empty if the format has no gaps, and if there is no signal file or it cannot be read.
    """
    if recording.signal is None:
        return ()
    path = dataset.path(recording.signal)
    extension = signal_extension(recording.signal)
    try:
        if extension == ".nwb" and find_spec("pynwb"):
            return nwb.inspect_nwb(path, recording.signal).gaps
        if extension == ".mefd" and find_spec("pymef"):
            return mef.read_mef_gaps(path, recording.signal)
        if extension == ".vhdr":
            return _pauses_counted(dataset, recording, onsets)
        if extension not in EDF_EXTENSIONS:
            return ()
        header = edf.read_edf_header(path)
        n_records, _ = edf.count_records(header, path)
        return edf_gaps.read_edf_gaps(header, path, n_records)
    except (OSError, RecordingError):  # reported when the header is read
        return ()


def _pauses_counted(
    dataset: Dataset, recording: Recording, onsets: Sequence[float]
) -> tuple[Gap, ...]:
    """Return the pauses of a BrainVision recording, none if its events.tsv does not count them."""
    header = brainvision.read_vhdr(dataset.path(str(recording.signal)))
    file = companion_files(dataset, recording).get(header.marker_file)
    if file is None:
        return ()
    markers = brainvision_pauses.read_markers(dataset.path(file))
    pauses = brainvision_pauses.find_pauses(markers, header.sfreq)
    if brainvision_pauses.count_time_of_pauses(onsets, markers, pauses, header.sfreq):
        return pauses
    return ()
