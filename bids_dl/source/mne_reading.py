"""Opening of a recording with MNE's readers, and with mne-bids if the recording is not plain.

mne-bids searches the sidecars and tables of a recording again and costs as much as the reader.
A recording whose text files are plain is therefore opened by the reader alone, with the same
result. Anything else, and every error, is left to mne-bids.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bids_dl.source.channels.positions import Positions, set_positions
from bids_dl.source.formats.inspect import EDF_EXTENSIONS
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.recordings.single_recording import LinkedRecording

if TYPE_CHECKING:
    from mne.io import BaseRaw

HEAD_LOCALIZATION = "ContinuousHeadLocalization"  # of sidecars of MEG
LINE_FREQUENCY = "PowerLineFrequency"


def read_raw(
    linked: LinkedRecording,
    info: SignalInfo,
    sidecar: Mapping[str, Any],
    positions: Positions | None,
) -> tuple[BaseRaw, tuple[str, ...]]:
    """Open a recording in a dataset of its own, without loading its samples.

    Parameters
    ----------
    linked
        The dataset of one recording.
    info
        Result of `inspect_file`.
    sidecar
        Merged eeg.json or ieeg.json.
    positions
        Positions of its electrodes; None if mne-bids has to read them.

    Returns
    -------
    raw : mne.io.BaseRaw
        Not loaded.
    notes : tuple of str
        Note on an unusable electrodes.tsv.
    """
    if info.nwb:
        from bids_dl.source.formats.raw_nwb import RawNwb

        return RawNwb(linked.signal, info.nwb), ()
    if info.zarr_copy:
        from bids_dl.source.formats.raw_zarr_copy import RawZarrCopy

        return RawZarrCopy(linked.signal, info.zarr_copy), ()
    raw = read_plain(linked.signal, info, sidecar, positions)
    if raw is not None:
        return raw, ()
    return _read_with_mne_bids(linked, info)


def read_plain(
    signal: Path, info: SignalInfo, sidecar: Mapping[str, Any], positions: Positions | None
) -> BaseRaw | None:
    """Open a recording with MNE's reader of its format.

    Parameters
    ----------
    signal
        The signal file, with its companions under the names that MNE looks for.
    info, sidecar, positions
        As in `read_raw`.

    Returns
    -------
    mne.io.BaseRaw or None
        None if mne-bids has to open the recording, or to tell the error.
    """
    if positions is None or HEAD_LOCALIZATION in sidecar:
        return None
    import mne

    readers = {
        ".edf": mne.io.read_raw_edf,
        ".bdf": mne.io.read_raw_bdf,
        ".vhdr": mne.io.read_raw_brainvision,
        ".set": mne.io.read_raw_eeglab,
    }
    reader = readers.get(signal.suffix)
    if reader is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            raw = reader(signal, verbose="error", **_reader_parameters(signal, info))
            set_positions(raw, positions)
            line_frequency = sidecar.get(LINE_FREQUENCY)
            if line_frequency not in (None, "n/a"):
                raw.info["line_freq"] = line_frequency
            raw.info["subject_info"] = {}
        except Exception:  # noqa: BLE001  (mne-bids repeats it, and its error is explained)
            return None
    return raw if raw.annotations.orig_time == raw.info["meas_date"] else None


def _reader_parameters(signal: Path, info: SignalInfo) -> dict[str, Any]:
    """Return the parameters of MNE's reader of a file."""
    parameters: dict[str, Any] = {}
    if signal.suffix in EDF_EXTENSIONS:
        # of annotations; MNE stops at a byte that is invalid in the encoding
        parameters["encoding"] = "latin1"
        if info.labels is not None:
            parameters["include"] = list(info.labels)
            parameters["exclude_after_unique"] = True
    return parameters


def _read_with_mne_bids(
    linked: LinkedRecording, info: SignalInfo
) -> tuple[BaseRaw, tuple[str, ...]]:
    """Open a recording with mne-bids, without electrodes.tsv if that is the only obstacle."""
    from mne_bids import read_raw_bids

    path = linked.bids_path()
    parameters = _reader_parameters(linked.signal, info)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_raw_bids(path, extra_params=dict(parameters), verbose="error"), ()
        except Exception as error:  # readers raise anything at damaged files
            electrodes = list(Path(path.directory).glob("*electrodes.tsv"))
            if not electrodes:
                raise
            for file in electrodes:
                file.unlink()
            raw = read_raw_bids(path, extra_params=dict(parameters), verbose="error")
            return raw, (
                f"electrodes.tsv or its coordsystem.json cannot be used ({type(error).__name__}); "
                "positions were omitted",
            )
