"""The formats that are read: which files make a recording, and what they say before MNE opens them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import PurePosixPath

from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.source.channels import Row, is_brain, match
from bids_dl.source.dataset import Dataset
from bids_dl.source.file_checks import check_content
from bids_dl.source.formats import brainvision, edf, eeglab
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.gaps import Gap
from bids_dl.source.units import few

# BIDS 1.10, "Electroencephalography" and "Intracranial EEG", and FIF; of several files of a recording the first in this order is opened
EXTENSIONS = (".edf", ".vhdr", ".set", ".bdf", ".fif", ".mefd")
BESIDE = {
    ".json",
    ".tsv",
    ".tsv.gz",
    ".vmrk",
    ".txt",
    ".md",
    ".html",
    ".pdf",
    ".png",
    ".jpg",
    ".svg",
    ".log",
}  # never a signal
SIGNAL = re.compile(r"(.+)_(eeg|ieeg|meg)(\.[^/]+)")  # path, datatype, extension
SPLIT = re.compile(r"_split-\d+")
HEADERS = {".eeg": ".vhdr", ".fdt": ".set"}  # files of samples and what must be there to read them


def extension(signal: str) -> str:
    """All that follows the suffix of a signal file, in lower case: ".edf", ".fif.gz"."""
    match = SIGNAL.fullmatch(signal)
    return match[3].lower() if match else ""


def check_supported(recording: Recording) -> str:
    """The signal file of a recording.

    Raises
    ------
    RecordingError
        Stage "source": there is none, or none that can be read.
    """
    signal = recording.signal
    if signal is None:
        raise RecordingError(
            "source", f"no signal file beside {recording.events}; only its text files are here"
        )
    kind = extension(signal)
    if recording.datatype == "meg":
        raise RecordingError(
            "source", f"{signal} is MEG, which is not supported; only EEG and iEEG are"
        )
    if kind in HEADERS:
        header = f"{signal[: -len(kind)]}{HEADERS[kind]}"
        raise RecordingError(
            "source", f"{signal} cannot be read without its header {header}, which is not there"
        )
    if kind.endswith((".gz", ".zip", ".bz2", ".xz", ".tar", ".7z")):
        raise RecordingError("source", f"{signal} is compressed, which is not supported; unpack it")
    if kind not in EXTENSIONS:
        raise RecordingError(
            "source", f"{signal}: {kind} is not supported; convert it to .edf, .bdf, .vhdr or .set"
        )
    if SPLIT.search(signal) and kind != ".fif":
        raise RecordingError(
            "source",
            f"{signal} is one part of a split recording, which is supported for .fif only; join the parts",
        )
    if kind == ".mefd" and not find_spec("pymef"):
        raise RecordingError(
            "source", f"{signal} is MEF3, which needs the package pymef: pip install pymef"
        )
    return signal


def companions(dataset: Dataset, recording: Recording) -> dict[str, str]:
    """All files of a signal, relative to the dataset, by the name that it (or MNE) calls them; the signal itself not among them.

    Raises
    ------
    RecordingError
        Stage "source" or "header": a file is missing, or the header that names it cannot be read.
    """
    signal = check_supported(recording)
    check_content(dataset.root / signal, signal)
    folder, _, name = signal.rpartition("/")
    kind = extension(signal)
    stem = f"{folder}/{name[: -len(kind)]}"
    if kind == ".set":
        return {
            PurePosixPath(file).name: file for file in (f"{stem}.fdt",) if file in dataset.files
        }
    if kind == ".fif" and SPLIT.search(name):
        parts = [file for file in dataset.files if SPLIT.sub("", file) == SPLIT.sub("", signal)]
        return {PurePosixPath(file).name: file for file in parts if file != signal}
    if kind != ".vhdr":
        return {}
    header = brainvision.read_vhdr(dataset.root / signal)
    found = {}
    for called, endings in ((header.data, (".eeg", ".dat")), (header.markers, (".vmrk",))):
        if "/" in called:
            raise RecordingError(
                "header", f"{signal} names the file {called!r}; wanted the name of one beside it"
            )
        there = [
            file
            for file in (f"{folder}/{called}", *(stem + ending for ending in endings))
            if file in dataset.files
        ]
        if called and there:
            found[called] = there[0]
    if header.data not in found:
        raise RecordingError(
            "source",
            f"{header.data or stem + '.eeg'}, which holds the samples of {signal}, is not there; get it too",
        )
    return found


def look(dataset: Dataset, recording: Recording, table: Sequence[Row]) -> SignalInfo:
    """What the files of a recording say, checked as far as possible without samples.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels".
    """
    files = companions(dataset, recording)
    for file in files.values():
        check_content(dataset.root / file, file)
    signal = str(recording.signal)
    path, kind = dataset.root / signal, extension(signal)
    if kind in {".edf", ".bdf"}:
        header = edf.read_edf_header(path)
        if (header.width == 3) != (kind == ".bdf"):
            raise RecordingError(
                "header",
                f"{signal} is {'BDF' if header.width == 3 else 'EDF'} by its first byte; rename it",
            )
        count, note = edf.count_records(header, path)
        return _edf_look(header, table, edf.gaps_of(header, path, count), note)
    if kind == ".vhdr":
        vhdr = brainvision.read_vhdr(path)
        notes = [brainvision.check_samples(vhdr, dataset.root / files[vhdr.data], files[vhdr.data])]
        notes += [
            f"{vhdr.markers}, which holds its markers, is not there: places where time jumps are unknown"
        ] * (vhdr.markers not in files and bool(vhdr.markers))
        return SignalInfo(
            units=vhdr.units, read=vhdr.read, companions=files, notes=tuple(filter(None, notes))
        )
    if kind == ".set":
        eeglab.check_set(path, signal)
        return SignalInfo(convention=1e-6, companions=files, typed=True)
    return SignalInfo(typed=True, companions=files)


def gaps(dataset: Dataset, recording: Recording) -> tuple[Gap, ...]:
    """Where the signal of a recording leaves out time (EDF+D); none where there is no signal, or none that can be read."""
    signal = str(recording.signal)
    if recording.signal is None or extension(signal) not in {".edf", ".bdf"}:
        return ()
    path = dataset.root / signal
    try:
        if not edf.may_have_gaps(path):
            return ()
        header = edf.read_edf_header(path)
        return edf.gaps_of(header, path, edf.count_records(header, path)[0])
    except (OSError, RecordingError):  # said when the header is read for its own sake
        return ()


def _edf_look(
    header: edf.EdfHeader, table: Sequence[Row], gaps: tuple[Gap, ...], note: str
) -> SignalInfo:
    """The channels of an EDF or BDF file at the rate of its brain signal; MNE would stretch those at other rates."""
    recorded = [signal for signal in header.signals if not signal.is_annotations]
    labels = [signal.label for signal in recorded]
    found = match(labels, table) if table else [None] * len(labels)
    brain = [
        signal for signal, row in zip(recorded, found, strict=True) if is_brain(signal.label, row)
    ] or recorded
    rates = Counter(header.rate(signal) for signal in brain if signal.n_samples)
    rate = max(rates, key=lambda rate: (rates[rate], rate))
    slow = [signal for signal in recorded if header.rate(signal) != rate]
    bare = [signal for signal in recorded if signal not in slow and not signal.is_scaled]
    kept = [signal for signal in recorded if signal not in slow and signal not in bare]
    if not kept:
        raise RecordingError(
            "header",
            f"no channel has a physical and a digital range: {few(labels)}; repair the header",
        )
    notes = [note] if note else []
    if slow:
        others = few([f"{signal.label} ({header.rate(signal):g} Hz)" for signal in slow])
        notes.append(
            f"left out, at another rate than the {rate:g} Hz of the brain signal: {others}"
        )
    if bare:
        notes.append(
            f"left out, without a physical or digital range: {few([signal.label for signal in bare])}"
        )
    if gaps:
        total = sum(gap.length for gap in gaps)
        notes.append(
            f"{len(gaps)} gaps of {total:g} s together, the first at {gaps[0].onset:g} s: no window crosses one; onsets of events.tsv "
            "count from the first sample in true time and were moved to the file's clock"
        )
    return SignalInfo(
        tuple(signal.label for signal in kept) if len(kept) < len(recorded) else None,
        tuple(signal.unit for signal in kept),
        tuple(signal.read for signal in kept),
        gaps=gaps,
        notes=tuple(notes),
    )
