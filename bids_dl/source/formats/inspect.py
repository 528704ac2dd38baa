"""Supported formats, the files of a recording, and their inspection before MNE opens them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import PurePosixPath

from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.requirements import describe_missing
from bids_dl.source.channels.channel_names import number_repeats
from bids_dl.source.channels.channel_rows import (
    ChannelRow,
    check_brain_signal,
    determine_kinds,
    match_rows,
)
from bids_dl.source.dataset import Dataset
from bids_dl.source.file_checks import check_content
from bids_dl.source.formats import (
    brainvision,
    brainvision_pauses,
    edf,
    edf_gaps,
    eeglab,
    mef,
    nwb,
    zarr_copy,
)
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.gaps import Gap
from bids_dl.wording import count, join_names

# BIDS 1.10, "Electroencephalography" and "Intracranial Electroencephalography", and FIF. If a
# recording has several signal files, the first in this order is read.
EXTENSIONS = (".edf", ".vhdr", ".set", ".bdf", ".fif", ".mefd", ".nwb", ".zarr")
EDF_EXTENSIONS = {".edf", ".bdf"}
# Extensions of files that accompany a signal
AUXILIARY_EXTENSIONS = {
    *(".json", ".tsv", ".tsv.gz", ".vmrk", ".txt", ".md", ".html"),
    *(".pdf", ".png", ".jpg", ".svg", ".log"),
}
COMPRESSED_EXTENSIONS = (".gz", ".zip", ".bz2", ".xz", ".tar", ".7z")
SIGNAL = re.compile(r"(.+)_(eeg|ieeg|meg)(\.[^/]+)")  # path, datatype, extension
SPLIT = re.compile(r"_split-\d+")
HEADER_OF_SAMPLES = {".eeg": ".vhdr", ".fdt": ".set"}  # file of samples -> header to read it with


def signal_extension(signal: str) -> str:
    """Return everything after the suffix of a signal file in lower case, "" for other files.

    Examples
    --------
    >>> signal_extension("sub-01/eeg/sub-01_task-rest_eeg.EDF")
    '.edf'
    >>> signal_extension("sub-01/eeg/sub-01_task-rest_eeg.fif.gz")
    '.fif.gz'
    """
    match = SIGNAL.fullmatch(signal)
    return match[3].lower() if match else ""


def check_supported(recording: Recording) -> str:
    """Check by its name that the signal file of a recording can be read.

    Returns
    -------
    str
        The signal file, relative to the dataset.

    Raises
    ------
    RecordingError
        Stage "source": there is no signal file, or its format is not supported.
    """
    signal = recording.signal
    if signal is None:
        raise RecordingError(
            "source",
            f"no signal file beside {recording.events}; the dataset has only its text files",
        )
    reason = _find_obstacle(signal, recording.datatype)
    if reason:
        raise RecordingError("source", f"{signal}{reason}")
    return signal


def _find_obstacle(signal: str, datatype: str) -> str:
    """Return the reason for which a signal file cannot be read, as a predicate, or ""."""
    extension = signal_extension(signal)
    if datatype == "meg":
        return " is MEG, which is not supported; only EEG and iEEG are"
    if extension in HEADER_OF_SAMPLES:
        header = f"{signal[: -len(extension)]}{HEADER_OF_SAMPLES[extension]}"
        return f" cannot be read without its header {header}, which does not exist"
    if extension.endswith(COMPRESSED_EXTENSIONS):
        return " is compressed, which is not supported; unpack it"
    if extension not in EXTENSIONS:
        return f": {extension} is not supported; convert it to .edf, .bdf, .vhdr or .set"
    if SPLIT.search(signal) and extension != ".fif":
        return " is one part of a split recording, supported for .fif only; join the parts"
    if extension == ".mefd" and not find_spec("pymef"):
        return f" is MEF3: {describe_missing('pymef')}"
    if extension == ".nwb" and not find_spec("pynwb"):
        return f" is NWB: {describe_missing('pynwb')}"
    return ""


def companion_files(dataset: Dataset, recording: Recording) -> dict[str, str]:
    """Find the other files that belong to the signal file of a recording.

    Returns
    -------
    dict
        Paths relative to the dataset, by the name that the signal file or MNE uses for them. The
        signal file itself is not included.

    Raises
    ------
    RecordingError
        Stage "source" or "header": a file is missing, or the header that names it is unreadable.
    """
    signal = check_supported(recording)
    if not dataset.is_remote(signal):
        check_content(dataset.path(signal), signal)
    extension = signal_extension(signal)
    if extension == ".vhdr":
        return _brainvision_files(dataset, signal)
    if extension == ".set":
        fdt = f"{signal[: -len(extension)]}.fdt"
        return {PurePosixPath(fdt).name: fdt} if dataset.holds(fdt) else {}
    if extension == ".fif" and SPLIT.search(PurePosixPath(signal).name):
        whole = SPLIT.sub("", signal)
        folder = signal.rpartition("/")[0]
        files = [f"{folder}/{name}" for name in dataset.files_by_folder[folder]]
        parts = [file for file in files if SPLIT.sub("", file) == whole]
        return {PurePosixPath(part).name: part for part in parts if part != signal}
    return {}


def _brainvision_files(dataset: Dataset, signal: str) -> dict[str, str]:
    """Find the files that a .vhdr file names, also if they were renamed together with it."""
    header = brainvision.read_vhdr(dataset.path(signal))
    folder = signal.rpartition("/")[0]
    stem = signal[: -len(".vhdr")]
    files = {}
    for name, extensions in (
        (header.data_file, (".eeg", ".dat")),
        (header.marker_file, (".vmrk",)),
    ):
        if "/" in name:
            raise RecordingError(
                "header",
                f"{signal} names the file {name!r}; expected a file name without a folder",
            )
        candidates = [f"{folder}/{name}", *(stem + extension for extension in extensions)]
        existing = list(filter(dataset.holds, candidates))
        if name and existing:
            files[name] = existing[0]
    if header.data_file not in files:
        raise RecordingError(
            "source",
            f"{header.data_file or stem + '.eeg'} with the samples of {signal} does not exist; "
            "download it too",
        )
    return files


def inspect_file(dataset: Dataset, recording: Recording, table: Sequence[ChannelRow]) -> SignalInfo:
    """Inspect the files of a recording and check them as far as possible without samples.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.
    table
        Rows of channels.tsv, which tell brain signal from other channels.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels".
    """
    companions = companion_files(dataset, recording)
    signal = str(recording.signal)
    for file in (signal, *companions.values()):
        check_content(dataset.path(file), file)
    extension = signal_extension(signal)
    if extension in EDF_EXTENSIONS:
        return _inspect_edf(dataset, recording, table)
    if extension == ".vhdr":
        return _inspect_brainvision(dataset, signal, companions)
    if extension == ".set":
        eeglab.check_set(dataset.path(signal), signal)
        return SignalInfo(default_unit_volts=1e-6, companions=companions, file_types="default")
    if extension == ".mefd":
        gaps = mef.read_mef_gaps(dataset.path(signal), signal)
        return SignalInfo(
            gaps=gaps, file_types="default", notes=(_note_on_gaps(gaps),) if gaps else ()
        )
    if extension == ".nwb":
        series = nwb.inspect_nwb(dataset.path(signal), signal)
        gap_notes = [_note_on_gaps(series.gaps)] if series.gaps else []
        return SignalInfo(
            gaps=series.gaps,
            file_types="default",
            nwb=series,
            notes=(*series.notes, *gap_notes),
        )
    if extension == ".zarr":
        copy = zarr_copy.inspect_copy(dataset.path(signal), signal, dataset.copies)
        zarr_copy.check_units(copy, table)
        return SignalInfo(
            units=copy.units,
            assumed_volts=(1.0,) * len(copy.units),
            zarr_copy=copy,
            notes=copy.notes,
        )
    return SignalInfo(companions=companions, file_types="stated")


def _inspect_brainvision(
    dataset: Dataset, signal: str, companions: Mapping[str, str]
) -> SignalInfo:
    """Inspect a BrainVision recording."""
    header = brainvision.read_vhdr(dataset.path(signal))
    data_file = companions[header.data_file]
    notes = []
    if note := brainvision.check_data_file(header, dataset.path(data_file), data_file):
        notes.append(note)
    if header.marker_file and header.marker_file not in companions:
        notes.append(
            f"{header.marker_file} with its markers does not exist: boundaries are unknown"
        )
    elif header.marker_file:
        markers = brainvision_pauses.read_markers(dataset.path(companions[header.marker_file]))
        if pauses := brainvision_pauses.find_pauses(markers, header.sfreq):
            notes.append(_note_on_pauses(pauses))
    return SignalInfo(
        gaps=brainvision.find_segments(header, dataset.path(data_file)),
        units=header.units,
        assumed_volts=header.assumed_volts,
        companions=companions,
        notes=tuple(notes),
    )


def _inspect_edf(dataset: Dataset, recording: Recording, table: Sequence[ChannelRow]) -> SignalInfo:
    """Inspect an EDF or BDF file, and select the channels at the rate of its brain signal.

    MNE would resample channels at other rates.
    """
    signal = str(recording.signal)
    path = dataset.path(signal)
    header = edf.read_edf_header(path)
    file_format = "BDF" if header.sample_bytes == 3 else "EDF"
    if signal_extension(signal) != f".{file_format.lower()}":
        raise RecordingError(
            "header", f"{signal} is {file_format} according to its first byte; rename it"
        )
    n_records, note = edf.count_records(header, path)
    gaps = edf_gaps.read_edf_gaps(header, path, n_records)
    channels = _name_edf_channels(header)
    is_intracranial = recording.datatype == "ieeg"
    sfreq = _brain_rate(header, channels, table, "seeg" if is_intracranial else "eeg")
    kept = {
        name: channel
        for name, channel in channels.items()
        if channel.is_scaled and header.sfreq(channel) == sfreq
    }
    if not kept:
        raise RecordingError(
            "header",
            f"no channel has a physical and a digital range: {join_names(channels)}; "
            "repair the header",
        )
    notes = [note] if note else []
    notes += _notes_on_omitted(header, channels, sfreq)
    if gaps:
        notes.append(_note_on_gaps(gaps))
    return SignalInfo(
        labels=None if len(kept) == len(channels) else tuple(kept),
        units=tuple(channel.unit for channel in kept.values()),
        assumed_volts=tuple(channel.assumed_volts for channel in kept.values()),
        gaps=gaps,
        edf=header,
        notes=tuple(notes),
    )


def _name_edf_channels(header: edf.EdfHeader) -> dict[str, edf.EdfSignal]:
    """Return the recorded signals by the names that MNE gives them."""
    names = number_repeats([signal.label for signal in header.signals])
    channels = dict(zip(names, header.signals, strict=True))
    return {name: signal for name, signal in channels.items() if not signal.is_annotations}


def _brain_rate(
    header: edf.EdfHeader,
    channels: Mapping[str, edf.EdfSignal],
    table: Sequence[ChannelRow],
    brain_type: str,
) -> float:
    """Return the most common sampling rate in Hz of the brain signal, the highest of equals."""
    labels = list(channels)
    rows = match_rows(labels, table) if table else [None] * len(labels)
    kinds = determine_kinds(labels, rows, ["eeg"] * len(labels), brain_type=brain_type)
    check_brain_signal(dict(zip(labels, kinds, strict=True)))
    brain_rates: Counter[float] = Counter()
    other_rates: Counter[float] = Counter()
    for channel, kind in zip(channels.values(), kinds, strict=True):
        if channel.n_samples:
            rates = brain_rates if kind.is_brain else other_rates
            rates[header.sfreq(channel)] += 1
    if brain_rates:
        return max(brain_rates, key=lambda rate: (brain_rates[rate], rate))
    if len(other_rates) == 1:
        return next(iter(other_rates))
    raise RecordingError(
        "channels",
        f"no channel is brain signal, and the others have different rates "
        f"({join_names(f'{rate:g} Hz' for rate in sorted(other_rates))}): {join_names(labels)}; "
        "state the types of the channels in channels.tsv",
    )


def _notes_on_omitted(
    header: edf.EdfHeader, channels: Mapping[str, edf.EdfSignal], sfreq: float
) -> list[str]:
    """List the channels that are not read, with the reason."""
    other_rates: list[str] = []
    unscaled: list[str] = []
    for name, channel in channels.items():
        if header.sfreq(channel) != sfreq:
            other_rates.append(f"{name} ({header.sfreq(channel):g} Hz)")
        elif not channel.is_scaled:
            unscaled.append(name)
    notes = []
    if other_rates:
        notes.append(
            f"omitted, at another rate than the {sfreq:g} Hz of the brain signal: "
            f"{join_names(other_rates)}"
        )
    if unscaled:
        notes.append(f"omitted, without a physical or digital range: {join_names(unscaled)}")
    return notes


def _note_on_pauses(pauses: Sequence[Gap]) -> str:
    """Describe the pauses of a BrainVision recording."""
    total = sum(pause.length for pause in pauses)
    return (
        f"{count(len(pauses), 'pause')} of {total:g} s in total by the dates of New Segment, the "
        f"first at {pauses[0].onset:g} s: no window crosses one; onsets of events.tsv that count "
        "them, as those of the markers show, were converted to the clock of the file"
    )


def _note_on_gaps(gaps: Sequence[Gap]) -> str:
    """Describe the gaps of a file."""
    total = sum(gap.length for gap in gaps)
    return (
        f"{count(len(gaps), 'gap')} of {total:g} s in total, the first at {gaps[0].onset:g} s: no "
        "window crosses one; onsets of events.tsv count true time from the first sample and were "
        "converted to the clock of the file"
    )
