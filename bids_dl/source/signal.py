"""The signal of a recording, through mne-bids."""

from __future__ import annotations

import json
import math
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from mne_bids import BIDSPath, read_raw_bids

from bids_dl.datamodel import Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source import channels, units
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import eeglab
from bids_dl.source.formats.brainvision import decoded
from bids_dl.source.formats.inspect import check_supported, extension, look
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.source.gaps import place
from bids_dl.source.metadata import channels_from_text, header_from_text, sidecar

if TYPE_CHECKING:
    from mne.io import BaseRaw

BOUNDARIES = {
    "boundary",
    "bad boundary",
    "edge boundary",
    "-99",
    "-99.0",
}  # EEGLAB's and MNE's names for a place where time jumps
SEGMENT = "new segment"  # BrainVision's, where recording was paused
SKIPPED = "bad_acq_skip"  # MNE's for a stretch of zeros in the place of samples
ENTITY = {
    "sub": "subject",
    "ses": "session",
    "acq": "acquisition",
    "task": "task",
    "run": "run",
    "space": "space",
    "rec": "recording",
}
SLACK = 1e-3  # samples; a boundary's place is a rounded number


@dataclass(frozen=True, slots=True)
class HeaderReport:
    """A recording's header, and what a user should know of it: units that were mended, channels left out, a file cut off."""

    header: Header
    notes: tuple[str, ...]


def read_header(dataset: Dataset, recording: Recording) -> Header:
    """Rate, length, channels and boundaries of a signal file, without its samples.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels"; the reason names no path of this machine.
    """
    return examine(dataset, recording).header


def examine(dataset: Dataset, recording: Recording) -> HeaderReport:
    """The header of a signal file and notes on it, without its samples.

    Raises
    ------
    RecordingError
        Stage "source", "header" or "channels"; the reason names no path of this machine.
    """
    with _opened(dataset, recording, stage="header") as (raw, found, notes):
        sfreq = float(raw.info["sfreq"])
        said = header_from_text(dataset, recording.path)[0]
        if said and abs(said - sfreq) > 0.01 * sfreq:
            notes = (
                *notes,
                f"{recording.datatype}.json gives {said:g} Hz, the file {sfreq:g} Hz; the file's rate was taken",
            )
        header = Header(
            sfreq,
            int(raw.n_times),
            tuple(raw.ch_names),
            tuple(raw.get_channel_types()),
            _boundaries(raw, found),
        )
        return HeaderReport(header, notes)


@contextmanager
def open_raw(dataset: Dataset, recording: Recording, *, stage: str = "read") -> Iterator[BaseRaw]:
    """Open a recording with mne-bids, its samples not yet loaded; they can be until the context ends.

    Samples are in volts by the file's own units. Channels have the names and the order of channels.tsv, where names may differ from the
    file's in case, blanks, dots (``Fc5.``) and what EDF writes around them (``EEG Fp1-Ref``). A channel of type n/a with a 10-05 name
    counts as EEG. Channels of EDF at another rate than its brain signal are left out. Annotations are the file's own: events.tsv is not
    read here.

    Raises
    ------
    RecordingError
        Stage ``stage``, "source", "header" or "channels"; the reason names no path of this machine.
    """
    with _opened(dataset, recording, stage=stage) as (raw, _, _):
        yield raw


@contextmanager
def _opened(
    dataset: Dataset, recording: Recording, *, stage: str
) -> Iterator[tuple[BaseRaw, SignalInfo, tuple[str, ...]]]:
    check_supported(recording)
    with TemporaryDirectory(prefix="bids_dl-") as folder:
        try:
            table = channels.rows(channels_from_text(dataset, recording))
            said = sidecar(dataset, recording.path, f"{recording.datatype}.json")
            if said.get("RecordingType") == "epoched":
                raise RecordingError(
                    "source",
                    "the recording is cut into epochs (RecordingType), only continuous ones are supported",
                )
            found = look(dataset, recording, table)
            path = _bids_path(Path(folder), recording)
            _lay_out(dataset, recording, found, path, said)
            raw, notes = _open(path, found)
            _check_raw(raw, dataset, found)
            notes += _describe(raw, table, found)
        except (RecordingError, SourceError):
            raise
        except Exception as problem:  # noqa: BLE001  (readers of broken files raise anything)
            explained = (
                eeglab.explain(problem, recording.signal or "") if _is_set(recording) else ""
            )
            raise RecordingError(
                stage, explained or _reason(problem, [folder, f"{dataset.root}"])
            ) from None
        try:
            yield raw, found, (*found.notes, *notes)
        except RecordingError as problem:  # MNE's messages name the file, here in a folder that is another one each time
            reason = _without(problem.reason, [folder, f"{dataset.root}"])
            raise RecordingError(problem.stage, reason, transient=problem.transient) from None


def _lay_out(
    dataset: Dataset, recording: Recording, found: SignalInfo, path: BIDSPath, said: dict[str, Any]
) -> None:
    """A dataset of this recording alone: its files and what it inherits.

    Left out are the tables that mne-bids would read too and stop at a cell it dislikes: events.tsv, whose rows would take the place of the
    file's own annotations (boundaries among them), channels.tsv, participants.tsv and scans.tsv. We read those ourselves, or not at all.
    """
    signal = Path(path.fpath)
    folder = signal.parent
    folder.mkdir(parents=True)
    _link(dataset.root / str(recording.signal), signal)
    for called, file in found.companions.items():
        if called.lower().endswith(".vmrk"):  # MNE reads it as UTF-8; only its ASCII matters here
            text = decoded((dataset.root / file).read_bytes())
            (folder / called).write_text(text.encode("ascii", "replace").decode(), encoding="ascii")
        else:
            _link(
                dataset.root / file,
                folder / (f"{signal.stem}.fdt" if called.lower().endswith(".fdt") else called),
            )
    for ending in ("electrodes.tsv", "coordsystem.json"):
        if inherited := dataset.inherited(recording.path, ending):
            own = PurePosixPath(inherited[-1]).name  # may hold an entity of its own, space-CapTrak
            _link(dataset.root / inherited[-1], folder / own)
    signal.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # a system without links
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)


def _open(path: BIDSPath, found: SignalInfo) -> tuple[BaseRaw, tuple[str, ...]]:
    """The recording as mne-bids reads it, and what to tell; without electrodes.tsv where that is all that stops it."""
    extra: dict[str, Any] = {}
    if path.extension in {".edf", ".bdf"}:
        extra["encoding"] = (
            "latin1"  # of annotations: MNE stops at a byte that is not in the encoding
        )
        if found.labels is not None:
            extra["include"] = list(found.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_raw_bids(path, extra_params=dict(extra), verbose="error"), ()
        except Exception as problem:  # (readers of broken files raise anything)
            electrodes = list(Path(path.directory).glob("*electrodes.tsv"))
            if not electrodes:
                raise
            for file in electrodes:
                file.unlink()
            raw = read_raw_bids(path, extra_params=dict(extra), verbose="error")
            return raw, (
                f"electrodes.tsv or its coordsystem.json cannot be used ({type(problem).__name__}), so positions are left out",
            )


def _check_raw(raw: BaseRaw, dataset: Dataset, found: SignalInfo) -> None:
    if not raw.n_times:
        raise RecordingError("header", "the file holds no samples")
    if found.units and len(found.units) != len(raw.ch_names):
        names = units.few(raw.ch_names)
        raise RecordingError(
            "header",
            f"of {len(found.units)} channels to read MNE finds {len(raw.ch_names)}: {names}; do names repeat?",
        )
    for called, file in found.companions.items():
        if called.lower().endswith(".fdt") and f"{raw.filenames[0]}".endswith(".fdt"):
            eeglab.check_samples(len(raw.ch_names), raw.n_times, dataset.root / file, file)
    if kinds := {"mag", "grad", "ref_meg"} & set(raw.get_channel_types()):
        raise RecordingError(
            "source",
            f"the file holds MEG channels ({', '.join(sorted(kinds))}); MEG is not supported, only EEG and iEEG",
        )
    if skipped := [a for a in raw.annotations if str(a["description"]).casefold() == SKIPPED]:
        length, onset = skipped[0]["duration"], skipped[0]["onset"]
        raise RecordingError(
            "header",
            f"{length:g} s at {onset:g} s were not recorded (BAD_ACQ_SKIP); such files are not supported",
        )


def _describe(raw: BaseRaw, table: Sequence[channels.Row], found: SignalInfo) -> tuple[str, ...]:
    """Give the channels their names, order, types and units, and tell what was done."""
    labels = list(raw.ch_names)
    rows = channels.match(labels, table) if table else [None] * len(labels)
    kinds = channels.types(labels, rows, raw.get_channel_types(), typed=found.typed)
    stated = found.units or (None,) * len(labels)
    read = found.read or (found.convention,) * len(labels)
    scaled = units.scales(
        [
            units.Channel(
                label, kind, unit, row.unit if row else "", factor, channels.is_brain(label, row)
            )
            for label, kind, unit, row, factor in zip(
                labels, kinds, stated, rows, read, strict=True
            )
        ]
    )
    raw._cals *= np.array(
        scaled.factors
    )  # what MNE multiplies samples with as it reads them; no public way does so before loading
    wanted = {
        label: "misc" if label in scaled.others else kind
        for label, kind in zip(labels, kinds, strict=True)
    }
    notes = [*channels.notes_on_types(labels, rows, raw.get_channel_types(), kinds), *scaled.notes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.set_channel_types(wanted, on_unit_change="ignore", verbose="error")
        if table:
            notes += _rename(raw, dict(zip(labels, rows, strict=True)), table)
    return tuple(notes)


def _rename(
    raw: BaseRaw, found: dict[str, channels.Row | None], table: Sequence[channels.Row]
) -> list[str]:
    """Bring channels to the names and the order of channels.tsv, without those that it leaves out."""
    order = {row.name: i for i, row in enumerate(table)}
    known = {label: row for label, row in found.items() if row}
    raw.reorder_channels(sorted(known, key=lambda label: order[known[label].name]))
    raw.rename_channels({label: row.name for label, row in known.items()}, verbose="error")
    raw.info["bads"] = [
        name for name in raw.ch_names if name in {row.name for row in table if row.is_bad}
    ]
    unlisted = [label for label, row in found.items() if not row]
    return [f"left out, not in channels.tsv: {units.few(unlisted)}"] if unlisted else []


def _boundaries(raw: BaseRaw, found: SignalInfo) -> tuple[float, ...]:
    """Where the signal is not continuous, in s: the first sample after each jump, counted on the file's own clock."""
    sfreq = float(raw.info["sfreq"])
    first = float(raw.first_time) if raw.annotations.orig_time is not None else 0.0
    marked = [
        float(a["onset"]) - first for a in raw.annotations if _is_boundary(str(a["description"]))
    ]
    times = [time for time in (place(onset, found.gaps) for onset in marked) if time is not None]
    samples = {
        math.ceil(time * sfreq - SLACK) for time in (*times, *(gap.onset for gap in found.gaps))
    }
    return tuple(sample / sfreq for sample in sorted(samples) if 0 < sample < raw.n_times)


def _is_boundary(description: str) -> bool:
    parts = [part.strip() for part in description.casefold().split("/")]
    return parts[0] == SEGMENT or any(part in BOUNDARIES for part in parts)


def _bids_path(root: Path, recording: Recording) -> BIDSPath:
    parts = dict(
        part.split("-", 1)
        for part in PurePosixPath(str(recording.signal)).name.split("_")
        if "-" in part
    )
    entities = {
        ENTITY[key]: re.sub(r"[^A-Za-z0-9]", "", value)
        for key, value in parts.items()
        if key in ENTITY
    }
    if "split" in parts:
        entities["split"] = parts["split"]
    entities = {"subject": "unknown"} | entities
    kind = recording.datatype
    return BIDSPath(
        root=root,
        datatype=kind,
        suffix=kind,
        extension=extension(str(recording.signal)),
        check=False,
        **entities,
    )


def _is_set(recording: Recording) -> bool:
    return extension(str(recording.signal)) == ".set"


def _reason(problem: Exception, folders: Sequence[str]) -> str:
    """One line without a folder of this machine, so that a store does not depend on it."""
    text = _without(" ".join(str(problem).split()), folders)
    return f"MNE cannot open it, the file may be damaged ({type(problem).__name__}: {text[:250]})"


def _without(text: str, folders: Sequence[str]) -> str:
    for folder in folders:
        text = text.replace(f"{folder}/", "").replace(folder, "the dataset")
    return text
