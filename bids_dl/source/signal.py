"""Header and signal of a recording."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bids_dl.datamodel import Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.remote.scratch import scratch_folder
from bids_dl.requirements import missing_package
from bids_dl.source.boundaries import find_boundaries, place_boundaries
from bids_dl.source.channels.channel_rows import ChannelRow, parse_channel_rows
from bids_dl.source.channels.channel_setup import FileUnits, plan_channels, set_up_channels
from bids_dl.source.channels.positions import Positions, read_positions
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import eeglab, fif, mef, zarr_copy
from bids_dl.source.formats.inspect import (
    EDF_EXTENSIONS,
    check_supported,
    inspect_file,
    signal_extension,
)
from bids_dl.source.formats.plain_header import PLAIN_EXTENSIONS, read_plain_header
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.header_cache import HeaderCache, HeaderReport, states_of_header
from bids_dl.source.metadata import merge_sidecars, read_channels_table, read_sidecar_header
from bids_dl.source.mne_reading import HEAD_LOCALIZATION, read_plain, read_raw
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
class _Inspected:
    """A recording whose text files were read and whose signal file was inspected."""

    dataset: Dataset
    recording: Recording
    table: tuple[ChannelRow, ...]
    sidecar: Mapping[str, Any]
    info: SignalInfo
    positions: Positions | None
    notes: tuple[str, ...]

    @property
    def brain_type(self) -> str:
        """MNE's type of its brain signal, by its datatype and channel counts."""
        if self.recording.datatype != "ieeg":
            return "eeg"
        counts = self.sidecar
        is_ecog = counts.get("ECOGChannelCount") and not counts.get("SEEGChannelCount")
        return "ecog" if is_ecog else "seeg"


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


def read_header_with_notes(
    dataset: Dataset, recording: Recording, cache: HeaderCache | None = None
) -> HeaderReport:
    """Read the header of a recording and notes on it, without its samples.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.
    cache
        Cache of the headers that MNE has to read; None for none.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels". The reason has no path of this machine.
    """
    report = _read_plain_header(dataset, recording)
    if report is not None:
        return report
    if cache is None:
        return _read_header_with_mne(dataset, recording)
    states = states_of_header(dataset, recording)
    report = cache.load(recording, states)
    if report is None:
        report = _read_header_with_mne(dataset, recording)
        cache.add(recording, states, report)
    return report


def _read_header_with_mne(dataset: Dataset, recording: Recording) -> HeaderReport:
    """Read the header of a recording with MNE."""
    with _opened(dataset, recording, stage="header") as opened:
        raw = opened.raw
        header = Header(
            sfreq=float(raw.info["sfreq"]),
            n_times=int(raw.n_times),
            ch_names=tuple(raw.ch_names),
            ch_types=tuple(raw.get_channel_types()),
            boundaries=find_boundaries(raw, opened.info.gaps),
        )
        return _report(dataset, recording, header, opened.notes)


def _read_plain_header(dataset: Dataset, recording: Recording) -> HeaderReport | None:
    """Read the header of a recording without MNE, None if MNE has to read or to refuse it."""
    if signal_extension(str(recording.signal)) not in PLAIN_EXTENSIONS:
        return None
    try:
        check_supported(recording)
        inspected = _inspect(dataset, recording)
        plain = read_plain_header(dataset, recording, inspected.info)
        is_left_out = HEAD_LOCALIZATION in inspected.sidecar or inspected.positions is None
        if plain is None or not plain.n_times or is_left_out:
            return None
        channels = plan_channels(
            plain.labels,
            plain.ch_types,
            inspected.table,
            FileUnits.of_signal(inspected.info),
            brain_type=inspected.brain_type,
        )
    except (RecordingError, SourceError, OSError):  # the same again, with a full explanation
        return None
    if len(set(channels.names)) < len(channels.names):
        return None
    gaps = inspected.info.gaps
    header = Header(
        sfreq=plain.sfreq,
        n_times=plain.n_times,
        ch_names=channels.names,
        ch_types=channels.types,
        boundaries=place_boundaries(plain.markers, gaps, plain.sfreq, plain.n_times),
    )
    return _report(dataset, recording, header, (*inspected.notes, *channels.notes))


def _report(
    dataset: Dataset, recording: Recording, header: Header, notes: Sequence[str]
) -> HeaderReport:
    """Return a header with its notes, and a note if a sidecar states another rate."""
    stated_sfreq = read_sidecar_header(dataset, recording.path).sfreq
    sfreq = header.sfreq
    if stated_sfreq and abs(stated_sfreq - sfreq) > RATE_TOLERANCE * sfreq:
        note = (
            f"{recording.datatype}.json states {stated_sfreq:g} Hz, the file {sfreq:g} Hz; "
            "the file's rate was used"
        )
        notes = (*notes, note)
    return HeaderReport(header, tuple(notes))


@contextmanager
def open_raw(dataset: Dataset, recording: Recording, *, stage: str = "read") -> Iterator[BaseRaw]:
    """Open a recording with MNE, without loading its samples.

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
    with _Scratch(find_scratch_folder(dataset, recording)) as scratch:
        try:
            try:
                opened = _open(_inspect(dataset, recording), scratch)
            except (RecordingError, SourceError):
                raise
            except Exception as error:  # noqa: BLE001  (readers raise anything at damaged files)
                names = _names_of_paths(dataset, scratch)
                reason = _explain(error, dataset, recording, names)
                raise RecordingError(stage, reason, transient=_may_pass(error)) from None
            yield opened
            if opened.info.zarr_copy and dataset.copies and stage != "header":
                zarr_copy.check_unchanged(opened.info.zarr_copy, dataset.copies)
        except RecordingError as error:
            # MNE's messages contain the path of the file, in a temporary folder with another name
            # each time, or that of the file that a link leads to.
            names = _names_of_paths(dataset, scratch)
            names |= _names_of_link_targets(dataset, recording)
            reason = without_folders(error.reason, names)
            raise RecordingError(error.stage, reason, transient=error.transient) from None


class _Scratch(ExitStack):
    """A temporary folder that is created when it is needed, and removed with the context.

    Parameters
    ----------
    parent
        Folder to create it in; None for that of the system.
    """

    def __init__(self, parent: Path | None) -> None:
        super().__init__()
        self._parent = parent
        self.path: Path | None = None

    def create(self) -> Path:
        """Create the folder, which is empty."""
        self.path = self.enter_context(scratch_folder(self._parent))
        return self.path


def _may_pass(error: Exception) -> bool:
    """Return whether an error is of this machine, such as a full disk, and not of the file."""
    return isinstance(error, OSError) and error.errno in PASSING_ERRNOS


def _inspect(dataset: Dataset, recording: Recording) -> _Inspected:
    """Read the text files of a recording and inspect its signal file."""
    channels = read_channels_table(dataset, recording)
    table = parse_channel_rows(channels.columns)
    sidecar = merge_sidecars(dataset, recording.path, f"{recording.datatype}.json")
    if sidecar.get("RecordingType") == "epoched":
        raise RecordingError(
            "source",
            "the recording is epoched (RecordingType); only continuous recordings are supported",
        )
    info = inspect_file(dataset, recording, table)
    notes = (*channels.notes("channels.tsv"), *info.notes)
    positions = read_positions(dataset, recording)
    return _Inspected(dataset, recording, table, sidecar, info, positions, notes)


def _open(inspected: _Inspected, scratch: _Scratch) -> _OpenRecording:
    """Open a recording with MNE, in an empty temporary folder if it needs links to its files."""
    dataset, recording, info = inspected.dataset, inspected.recording, inspected.info
    path = dataset.path(str(recording.signal))
    raw = None
    notes: tuple[str, ...] = ()
    if path.suffix in EDF_EXTENSIONS and path.suffix == signal_extension(str(recording.signal)):
        raw = read_plain(path, info, inspected.sidecar, inspected.positions)
    if raw is None:
        linked = link_recording(dataset, recording, info, inspected.sidecar, scratch.create())
        raw, notes = read_raw(linked, info, inspected.sidecar, inspected.positions)
    _check_raw(raw, dataset, info)
    notes += set_up_channels(raw, inspected.table, info, brain_type=inspected.brain_type)
    return _OpenRecording(raw, info, (*inspected.notes, *notes))


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
    found = raw.annotations
    for onset, duration, description in zip(
        found.onset, found.duration, found.description, strict=True
    ):
        if str(description).casefold() == SKIPPED:
            raise RecordingError(
                "header",
                f"{duration:g} s at {onset:g} s were not recorded "
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
    if not explanation and isinstance(error, ModuleNotFoundError):
        explanation = str(missing_package(error) or "")
    if explanation:
        return explanation
    names = {**names, **_names_of_link_targets(dataset, recording)}
    text = one_line(without_folders(error, names), max_chars=MAX_REASON_CHARS)
    return f"MNE cannot open the file, which may be damaged ({type(error).__name__}: {text})"


def _names_of_paths(dataset: Dataset, scratch: _Scratch) -> dict[str, str]:
    """Return what to write in messages in place of the dataset and a temporary folder."""
    folder = str(scratch.path) if scratch.path else str(dataset.root)
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
