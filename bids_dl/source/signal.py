"""Header and signal of a recording, read with mne-bids."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mne_bids import BIDSPath, read_raw_bids

from bids_dl.datamodel import Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.remote.scratch import scratch_folder
from bids_dl.source.boundaries import find_boundaries
from bids_dl.source.channels.channel_rows import parse_channel_rows
from bids_dl.source.channels.channel_setup import set_up_channels
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import eeglab, fif, mef, nwb
from bids_dl.source.formats.inspect import check_supported, inspect_file, signal_extension
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.metadata import merge_sidecars, read_channels_table, read_sidecar_header
from bids_dl.source.recordings.single_recording import find_scratch_folder, link_recording
from bids_dl.wording import count, join_names, one_line, without_folders

if TYPE_CHECKING:
    from mne.io import BaseRaw

SKIPPED = "bad_acq_skip"  # MNE's annotation of zeros in place of samples that were not recorded
MEG_TYPES = {"mag", "grad", "ref_meg"}
MAX_REASON_CHARS = 250
PASSING_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
RATE_TOLERANCE = 0.01  # fraction by which a sidecar's rate may differ from the file's


@dataclass(frozen=True, slots=True)
class HeaderReport:
    """Header of a recording, with notes: corrected units, omitted channels, truncated files."""

    header: Header
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _OpenRecording:
    """A recording while it is open."""

    raw: BaseRaw
    info: SignalInfo
    notes: tuple[str, ...]


def read_header(dataset: Dataset, recording: Recording) -> Header:
    """Read the rate, length, channels and boundaries of a recording, without its samples.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels". The reason has no path of this machine.
    """
    return read_header_with_notes(dataset, recording).header


def read_header_with_notes(dataset: Dataset, recording: Recording) -> HeaderReport:
    """Read the header of a recording and notes on it, without its samples.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels". The reason has no path of this machine.
    """
    with _opened(dataset, recording, stage="header") as opened:
        raw = opened.raw
        sfreq = float(raw.info["sfreq"])
        notes = list(opened.notes)
        stated_sfreq = read_sidecar_header(dataset, recording.path).sfreq
        if stated_sfreq and abs(stated_sfreq - sfreq) > RATE_TOLERANCE * sfreq:
            notes.append(
                f"{recording.datatype}.json states {stated_sfreq:g} Hz, the file {sfreq:g} Hz; "
                "the file's rate was used"
            )
        header = Header(
            sfreq=sfreq,
            n_times=int(raw.n_times),
            ch_names=tuple(raw.ch_names),
            ch_types=tuple(raw.get_channel_types()),
            boundaries=find_boundaries(raw, opened.info.gaps),
        )
        return HeaderReport(header, tuple(notes))


@contextmanager
def open_raw(dataset: Dataset, recording: Recording, *, stage: str = "read") -> Iterator[BaseRaw]:
    """Open a recording with mne-bids, without loading its samples.

    Samples are in V by the units that the file states. Names and order of the channels are those
    of channels.tsv, matched as in `bids_dl.source.channels.channel_rows.match_rows`.
    A channel of type n/a with a 10-05 name is EEG. Channels of EDF at another rate than its
    brain signal are omitted. Annotations are those of the file; events.tsv is not read here.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.
    stage
        Stage of an error of MNE.

    Yields
    ------
    mne.io.BaseRaw
        Samples can be loaded until the context ends.

    Raises
    ------
    RecordingError
        Stage ``stage``, "source", "header" or "channels". The reason has no path of this machine.
    """
    with _opened(dataset, recording, stage=stage) as opened:
        yield opened.raw


@contextmanager
def _opened(dataset: Dataset, recording: Recording, *, stage: str) -> Iterator[_OpenRecording]:
    """Open a recording, and remove the paths of this machine from errors inside the context."""
    check_supported(recording)
    scratch = find_scratch_folder(dataset, recording)
    with scratch_folder(scratch) as folder:
        names = _names_of_paths(dataset, str(folder))
        try:
            try:
                opened = _open(dataset, recording, folder)
            except (RecordingError, SourceError):
                raise
            except Exception as error:  # noqa: BLE001  (readers raise anything at damaged files)
                reason = _explain(error, dataset, recording, names)
                raise RecordingError(stage, reason, transient=_may_pass(error)) from None
            yield opened
        except RecordingError as error:
            # MNE's messages contain the path of the file, in a temporary folder with another name
            # each time, or that of the file that a link leads to.
            names |= _names_of_link_targets(dataset, recording)
            reason = without_folders(error.reason, names)
            raise RecordingError(error.stage, reason, transient=error.transient) from None


def _may_pass(error: Exception) -> bool:
    """Return whether an error is of this machine, such as a full disk, and not of the file."""
    return isinstance(error, OSError) and error.errno in PASSING_ERRNOS


def _open(dataset: Dataset, recording: Recording, folder: Path) -> _OpenRecording:
    """Open a recording in an empty temporary folder."""
    channels = read_channels_table(dataset, recording)
    table = parse_channel_rows(channels.columns)
    sidecar = merge_sidecars(dataset, recording.path, f"{recording.datatype}.json")
    if sidecar.get("RecordingType") == "epoched":
        raise RecordingError(
            "source",
            "the recording is epoched (RecordingType); only continuous recordings are supported",
        )
    info = inspect_file(dataset, recording, table)
    path = link_recording(dataset, recording, info, sidecar, folder)
    raw, notes = _read(path, info)
    _check_raw(raw, dataset, info)
    notes += set_up_channels(raw, table, info, brain_type=_brain_type(recording, sidecar))
    return _OpenRecording(raw, info, (*channels.notes("channels.tsv"), *info.notes, *notes))


def _brain_type(recording: Recording, sidecar: Mapping[str, Any]) -> str:
    """Return MNE's type of brain signal in a recording, by its datatype and channel counts."""
    if recording.datatype != "ieeg":
        return "eeg"
    is_ecog = sidecar.get("ECOGChannelCount") and not sidecar.get("SEEGChannelCount")
    return "ecog" if is_ecog else "seeg"


def _read(path: BIDSPath, info: SignalInfo) -> tuple[BaseRaw, tuple[str, ...]]:
    """Read a recording with mne-bids, without electrodes.tsv if that is the only obstacle.

    Returns
    -------
    raw : mne.io.BaseRaw
        Not loaded.
    notes : tuple of str
        Note on an unusable electrodes.tsv.
    """
    if info.nwb:
        return nwb.RawNwb(Path(path.fpath), info.nwb), ()
    parameters: dict[str, Any] = {}
    if path.extension in {".edf", ".bdf"}:
        # of annotations; MNE stops at a byte that is invalid in the encoding
        parameters["encoding"] = "latin1"
        if info.labels is not None:
            parameters["include"] = list(info.labels)
            parameters["exclude_after_unique"] = True
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


def _check_raw(raw: BaseRaw, dataset: Dataset, info: SignalInfo) -> None:
    """Check a recording that MNE opened: its samples, channels and types."""
    if not raw.n_times:
        raise RecordingError("header", "the file has no samples")
    if info.units and len(info.units) != len(raw.ch_names):
        raise RecordingError(
            "header",
            f"MNE finds {len(raw.ch_names)} of {count(len(info.units), 'channel')} to read: "
            f"{join_names(raw.ch_names)}; are their names unique?",
        )
    if str(raw.filenames[0]).endswith(".fdt"):
        for name, file in info.companions.items():
            if name.lower().endswith(".fdt"):
                eeglab.check_fdt(len(raw.ch_names), raw.n_times, dataset.path(file), file)
    meg_types = sorted(MEG_TYPES & set(raw.get_channel_types()))
    if meg_types:
        raise RecordingError(
            "source",
            f"the file has MEG channels ({', '.join(meg_types)}); "
            "MEG is not supported, only EEG and iEEG",
        )
    for annotation in raw.annotations:
        if str(annotation["description"]).casefold() == SKIPPED:
            raise RecordingError(
                "header",
                f"{annotation['duration']:g} s at {annotation['onset']:g} s were not recorded "
                "(BAD_ACQ_SKIP); such files are not supported",
            )


def _explain(
    error: Exception, dataset: Dataset, recording: Recording, names: Mapping[str, str]
) -> str:
    """Explain an error of MNE in one line, without paths of this machine."""
    signal = str(recording.signal)
    explanation = ""
    if signal_extension(signal) == ".set":
        explanation = eeglab.explain_error(error, signal)
    elif signal_extension(signal) == ".fif":
        explanation = fif.explain_error(error, dataset.path(signal), signal)
    elif signal_extension(signal) == ".mefd":
        explanation = mef.explain_error(error, signal)
    if explanation:
        return explanation
    names = {**names, **_names_of_link_targets(dataset, recording)}
    text = one_line(without_folders(error, names), max_chars=MAX_REASON_CHARS)
    return f"MNE cannot open the file, which may be damaged ({type(error).__name__}: {text})"


def _names_of_paths(dataset: Dataset, folder: str) -> dict[str, str]:
    """Return what to write in messages in place of the dataset and a temporary folder."""
    names = {}
    for path in (folder, os.path.realpath(folder), str(dataset.root)):
        names[f"{path}/"] = ""
        names[path] = "the dataset"
    return names


def _names_of_link_targets(dataset: Dataset, recording: Recording) -> dict[str, str]:
    """Return the names of the files of a recording by the paths of links, or in the cache."""
    folder = str(recording.signal).rpartition("/")[0]
    names = {}
    for name in dataset.files_by_folder.get(folder, ()):
        file = f"{folder}/{name}"
        path = dataset.path(file)
        for target in (str(path), os.path.realpath(path)):
            if target != str(dataset.root / file):
                names[target] = file
                names.setdefault(f"{Path(target).parent}/", "")
    return names
