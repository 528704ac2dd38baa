"""The signal of a recording, through mne-bids."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import mne
import numpy as np
import numpy.typing as npt
from mne_bids import BIDSPath, read_raw_bids

from bids_dl.datamodel import Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source.dataset import Dataset
from bids_dl.source.metadata import channels_from_text, sidecar

if TYPE_CHECKING:
    from mne.io import BaseRaw

BOUNDARIES = {"boundary", "bad boundary", "edge boundary", "bad_acq_skip"}  # EEGLAB's and MNE's names for a place where time jumps
ENTITY = {"sub": "subject", "ses": "session", "acq": "acquisition", "task": "task", "run": "run", "space": "space", "rec": "recording"}


def read_header(dataset: Dataset, recording: Recording) -> Header:
    """Rate, length, channels and boundaries of a signal file, without its samples.

    Raises
    ------
    RecordingError
        Stage "header" or "channels"; the reason names no path of this machine.
    """
    with open_raw(dataset, recording, stage="header") as raw:
        if not raw.n_times:
            raise RecordingError("header", "the file holds no samples")
        jumps = {float(a["onset"]) for a in raw.annotations if str(a["description"]).casefold() in BOUNDARIES}
        return Header(float(raw.info["sfreq"]), int(raw.n_times), tuple(raw.ch_names), tuple(raw.get_channel_types()), tuple(sorted(jumps)))


@contextmanager
def open_raw(dataset: Dataset, recording: Recording, *, stage: str = "read") -> Iterator[BaseRaw]:
    """Open a recording with mne-bids, its samples not yet loaded; they can be until the context ends.

    Channels have the names of channels.tsv. Where names differ from the file's only in case, blanks and dots (``Fc5.``) they are renamed;
    where only their order differs the signals follow. A channel of type n/a with a 10-05 name counts as EEG. Annotations are the file's
    own: events.tsv is not read here.

    Raises
    ------
    RecordingError
        Stage ``stage`` or "channels"; the reason names no path of this machine.
    """
    if recording.signal is None:
        raise RecordingError("source", "no signal file here, only text files")
    with TemporaryDirectory(prefix="bids_dl-") as folder:
        try:
            columns = channels_from_text(dataset, recording)
            names = columns.get("name", ())
            _lay_out(dataset, recording, Path(folder))
            raw = _open(_bids_path(Path(folder), recording), names)
            _set_types(raw, names, columns.get("type", ("n/a",) * len(names)))
        except (RecordingError, SourceError):
            raise
        except Exception as problem:  # noqa: BLE001  (readers of broken files raise anything)
            raise RecordingError(stage, _reason(problem, [folder, f"{dataset.root}"])) from None
        try:
            yield raw
        except RecordingError as problem:  # MNE's messages name the file, here in a folder that is another one each time
            reason = _without(problem.reason, [folder, f"{dataset.root}"])
            raise RecordingError(problem.stage, reason, transient=problem.transient) from None


def is_electrode(name: str) -> bool:
    """Whether a name is an electrode of the 10-05 system (Oostenveld & Praamstra 2001)."""
    return name.casefold() in _electrodes()[1]


def positions(names: Sequence[str]) -> tuple[npt.NDArray[np.float64], str]:
    """Positions (n_chans, 3) in m by name, NaN where a name is none of the 10-05 system, and the name of the template."""
    template, electrodes = _electrodes()
    unknown = np.full(3, np.nan)
    return np.array([electrodes.get(name.casefold(), unknown) for name in names]).reshape(len(names), 3), template


@cache
def _electrodes() -> tuple[str, dict[str, npt.NDArray[np.float64]]]:
    template = "colin27_1005" if "colin27_1005" in mne.channels.get_builtin_montages() else "standard_1005"  # renamed in MNE 1.13
    places = mne.channels.make_standard_montage(template).get_positions()["ch_pos"]
    return template, {name.casefold(): np.asarray(place, float) for name, place in places.items()}


def _lay_out(dataset: Dataset, recording: Recording, folder: Path) -> None:
    """A dataset of this recording alone: its files and what it inherits.

    Left out are the tables that mne-bids would read too and stop at a cell it dislikes: events.tsv, whose rows would take the place of the
    file's own annotations (boundaries among them), participants.tsv and scans.tsv. We read those ourselves, or not at all.
    """
    kind = recording.datatype
    place = folder / recording.path
    place.parent.mkdir(parents=True)
    for file in dataset.files:
        if file.startswith(f"{recording.path}_{kind}."):
            _link(dataset.root / file, folder / file)
    for ending in ("channels.tsv", "electrodes.tsv", "coordsystem.json"):
        if found := dataset.inherited(recording.path, ending):
            own = PurePosixPath(found[-1]).name  # may hold an entity of its own, space-CapTrak
            target = f"{place.name}_{ending}" if ending == "channels.tsv" else own
            _link(dataset.root / found[-1], place.parent / target)
    (folder / f"{recording.path}_{kind}.json").unlink(missing_ok=True)
    (folder / f"{recording.path}_{kind}.json").write_text(json.dumps(sidecar(dataset, recording.path, f"{kind}.json")), encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # a system without links
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)


def _open(path: BIDSPath, names: Sequence[str]) -> BaseRaw:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = read_raw_bids(path, on_ch_mismatch="warn", verbose="error")
        if not names or list(names) == raw.ch_names:
            return raw
        return read_raw_bids(path, on_ch_mismatch=_reconcile(raw.ch_names, names), verbose="error")


def _set_types(raw: BaseRaw, names: Sequence[str], types: Sequence[str]) -> None:
    unknown = [name for name, kind in zip(names, types, strict=True) if kind.casefold() in {"n/a", ""} and is_electrode(name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.set_channel_types({name: "eeg" for name in unknown if name in raw.ch_names}, verbose="error")


def _reconcile(in_file: Sequence[str], in_table: Sequence[str]) -> str:
    """How mne-bids should bring the names of the file to those of channels.tsv."""
    if [_plain(name) for name in in_file] == [_plain(name) for name in in_table]:
        return "rename"
    if sorted(in_file) == sorted(in_table):
        return "reorder"
    only_file = [name for name in in_file if _plain(name) not in {_plain(n) for n in in_table}]
    only_table = [name for name in in_table if _plain(name) not in {_plain(n) for n in in_file}]
    raise RecordingError(
        "channels",
        f"the file has {len(in_file)} channels and channels.tsv {len(in_table)}; "
        f"only in the file: {_few(only_file)}; only in channels.tsv: {_few(only_table)}",
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s.]", "", name).casefold()


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "none"


def _bids_path(root: Path, recording: Recording) -> BIDSPath:
    extension = PurePosixPath(str(recording.signal)).suffix
    parts = dict(part.split("-", 1) for part in PurePosixPath(recording.path).name.split("_") if "-" in part)
    entities = {ENTITY[key]: value for key, value in parts.items() if key in ENTITY}
    return BIDSPath(root=root, datatype=recording.datatype, suffix=recording.datatype, extension=extension, check=False, **entities)


def _reason(problem: Exception, folders: Sequence[str]) -> str:
    """One line without a folder of this machine, so that a store does not depend on it."""
    text = _without(" ".join(str(problem).split()), folders)
    return f"{type(problem).__name__}: {text}"[:300] if text else type(problem).__name__


def _without(text: str, folders: Sequence[str]) -> str:
    for folder in folders:
        text = text.replace(f"{folder}/", "").replace(folder, "the dataset")
    return text
