"""Raw files of a BIDS dataset: the rules by which a file is a recording or is left out.

1. Raw data are in ``sub-*`` folders at the top of a dataset. Datasets inside it, and recordings in
   other folders, are left out.
2. A signal file is named ``*_eeg`` or ``*_ieeg`` and is in the folder ``eeg`` or ``ieeg`` of its
   subject or session.
3. A name with ``desc-`` is a derivative.
4. A file that .bidsignore lists is not part of the dataset.
5. A recording whose folder and name contradict each other is left out.
6. A symbolic link to the file of another recording is left out.

Each rule that leaves something out makes one note, with the number and the first name. So do links
out of the dataset, through which signals are read and texts are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from bids_dl.errors import SourceError
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats.inspect import (
    AUXILIARY_EXTENSIONS,
    EXTENSIONS,
    HEADER_OF_SAMPLES,
    SIGNAL,
    SPLIT,
    signal_extension,
)
from bids_dl.source.recordings.entities import read_labels
from bids_dl.wording import count, join_names

MEG_CALIBRATION = re.compile(r"_acq-(calibration|crosstalk)_meg\.")  # not a recording
EVENTS_FILE = re.compile(r"(sub-[^/]+/(ses-[^/]+/)?((eeg|ieeg)/)?)?[^/]+_events\.tsv")
RAW_FOLDER = re.compile(r"sub-[^/]+/(ses-[^/]+/)?(eeg|ieeg|meg)")
DERIVATIVE = re.compile(r"(^|_)desc-")
UNNAMED_EXTENSIONS = frozenset(EXTENSIONS) - {".fif"}  # .fif is also a format of other data
IGNORE_FILE = ".bidsignore"


@dataclass(frozen=True, slots=True)
class RawFiles:
    """Raw files of a dataset.

    Attributes
    ----------
    files
        Signal files by BIDS path without suffix and extension, in order of path. The first of
        several files is the one to read. A path without files has only an events.tsv.
    notes
        One line for each rule that left something out.
    """

    files: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rule that leaves something out, in the words of its note."""

    noun: str
    predicate: str
    advice: str = ""


NESTED = _Rule("dataset", "inside this one", "; pass each as a SOURCE of its own")
LINKED = _Rule("link", "to a folder that is listed already")
OUTSIDE = _Rule("recording", "outside of the sub-* folders at the top")
UNNAMED = _Rule("file", "neither named *_eeg in a folder eeg nor *_ieeg in a folder ieeg")
DERIVED = _Rule("recording", "with desc- in the name, which marks derivatives")
IGNORED = _Rule("recording", f"listed in {IGNORE_FILE}")
CONTRADICTORY = _Rule("recording", "whose folders and name contradict each other", "; rename one")
TWIN = _Rule("recording", "whose file is that of another recording, by a link")


class _Notes:
    """Collects the names that each rule leaves out."""

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._names: dict[_Rule, list[str]] = {}

    def add(self, rule: _Rule, name: str, detail: str = "") -> None:
        """Add a name, with details on it in parentheses."""
        self._names.setdefault(rule, []).append(f"{name} ({detail})" if detail else name)

    def lines(self) -> list[str]:
        """Return one line for each rule: the number of names and the first."""
        return [
            f"{self._dataset}: left out {count(len(names), rule.noun)} {rule.predicate}, "
            f"the first {names[0]}{rule.advice}"
            for rule, names in self._names.items()
        ]


def find_raw_files(dataset: Dataset) -> RawFiles:
    """Find the raw files of a dataset, and note what is left out.

    Raises
    ------
    SourceError
        .bidsignore cannot be read.
    """
    notes = _Notes(dataset.name)
    for folder in dataset.tree.datasets:
        notes.add(NESTED, folder)
    for folder, target in dataset.tree.links.items():
        notes.add(LINKED, folder, target)
    for path in _group_by_path(filter(_is_signal, dataset.tree.other_files)):
        notes.add(OUTSIDE, path)
    candidates = _find_candidates(dataset, notes)
    patterns = _read_ignore_file(dataset)
    kept: dict[str, tuple[str, ...]] = {}
    for path, files in sorted(candidates.items()):
        listed = [file for file in files or [f"{path}_events.tsv"] if patterns.match_file(file)]
        if len(listed) >= max(1, len(files)):
            notes.add(IGNORED, path)
        elif contradiction := read_labels(path).contradiction:
            notes.add(CONTRADICTORY, path, contradiction)
        else:
            remaining = [file for file in files if file not in listed]
            kept[path] = tuple(sorted(remaining, key=_preference))
    for path, twin in sorted(_find_twins(dataset, kept).items()):
        notes.add(TWIN, path, twin)
        del kept[path]
    links = _notes_on_links(dataset, kept)
    return RawFiles(kept, (*notes.lines(), *_notes_on_formats(dataset.name, kept), *links))


def _find_candidates(dataset: Dataset, notes: _Notes) -> dict[str, list[str]]:
    """Find files that may be recordings by their place and name.

    Formats that are not supported are included, so that they are refused by name later.
    """
    in_place = []
    for file in filter(_is_signal, dataset.files):
        match = SIGNAL.fullmatch(file)
        folder = PurePosixPath(file).parent
        if match and RAW_FOLDER.fullmatch(str(folder)) and folder.name == match[2]:
            in_place.append(file)
        else:
            notes.add(UNNAMED, file)
    candidates = _group_by_path(in_place)
    for file in _find_events_files(dataset, candidates):
        candidates[file.removesuffix("_events.tsv")] = []
    for path in sorted(candidates):
        if DERIVATIVE.search(PurePosixPath(path).name):
            notes.add(DERIVED, path)
            del candidates[path]
    return candidates


def _is_signal(file: str) -> bool:
    """Return whether a file is a signal file by its name, of a raw recording or not."""
    match = SIGNAL.fullmatch(file)
    if match is None:
        return PurePosixPath(file).suffix.lower() in UNNAMED_EXTENSIONS
    return match[3].lower() not in AUXILIARY_EXTENSIONS and not MEG_CALIBRATION.search(file)


def _group_by_path(files: Iterable[str]) -> dict[str, list[str]]:
    """Group signal files by BIDS path. The parts of a split FIF are one recording."""
    groups: dict[str, list[str]] = {}
    for file in files:
        match = SIGNAL.fullmatch(file)
        path = match[1] if match else file
        if match and match[3].lower() == ".fif":
            path = SPLIT.sub("", path)
        groups.setdefault(path, []).append(file)
    return groups


def _preference(file: str) -> tuple[int, str]:
    """Return the sort key of several signal files of a recording: the one to read sorts first.

    Supported formats come first, then other headers, then files that need a header. Parts of a
    split recording follow each other.
    """
    extension = signal_extension(file)
    if extension in EXTENSIONS:
        return EXTENSIONS.index(extension), file
    return len(EXTENSIONS) + (extension in HEADER_OF_SAMPLES), file


def _find_events_files(dataset: Dataset, signals: Iterable[str]) -> list[str]:
    """List events.tsv files of EEG and iEEG, and those above any datatype folder.

    A file is omitted if it applies to a signal, or if a more specific one overrides it.
    """
    omitted = set()
    for path in signals:
        omitted.update(dataset.inherited_files(path, "events.tsv")[-1:])
    files = [file for file in dataset.files if EVENTS_FILE.fullmatch(file)]
    for file in files:
        if not DERIVATIVE.search(PurePosixPath(file).name):
            chain = dataset.inherited_files(file.removesuffix("_events.tsv"), "events.tsv")
            omitted.update(chain[:-1])
    return [file for file in files if file not in omitted]


def _read_ignore_file(dataset: Dataset) -> GitIgnoreSpec:
    """Read the patterns of .bidsignore, none without such a file.

    Raises
    ------
    SourceError
        The file cannot be read or has an invalid pattern.
    """
    if not os.path.lexists(dataset.path(IGNORE_FILE)):
        return GitIgnoreSpec.from_lines([])
    content = dataset.read_bytes(IGNORE_FILE)
    try:
        return GitIgnoreSpec.from_lines(content.decode("utf-8-sig").splitlines())
    except ValueError as error:
        raise SourceError(
            f"{dataset.name}/{IGNORE_FILE}: cannot be read ({type(error).__name__}); repair it"
        ) from None


def _find_twins(dataset: Dataset, files: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Find recordings whose signal is a symbolic link to the file of another recording.

    Links to other files, such as those of git-annex, are no twins. Neither are hard links: nothing
    tells them from files, and each path has a subject of its own.

    Returns
    -------
    dict
        The recording to keep, by each recording to leave out.
    """
    signals = {path: _place(dataset, names[0]) for path, names in files.items() if names}
    targets = {path: list(_follow_links(dataset, place)) for path, place in signals.items()}
    recording_of = {place: path for path, place in signals.items()}
    twins = {}
    for path, places in targets.items():
        for place in places:
            if recording_of.get(place, path) != path:
                twins[path] = recording_of[place]
    return {path: kept for path, kept in twins.items() if kept not in twins}  # links in a circle


def _place(dataset: Dataset, file: str) -> str:
    """Return the absolute path of a file of a dataset, without links to folders."""
    folder, _, name = file.rpartition("/")
    return f"{os.path.realpath(dataset.root / folder)}/{name}"


def _follow_links(dataset: Dataset, place: str) -> Iterator[str]:
    """Yield the place of each file that a symbolic link leads to, one after another."""
    seen: set[str] = set()
    target = _link_target(dataset, place)
    while target is not None and target not in seen:
        seen.add(target)
        yield target
        target = _link_target(dataset, target)


def _link_target(dataset: Dataset, place: str) -> str | None:
    """Return the place that a symbolic link leads to, None for a file."""
    remote = dataset.remote
    if remote is not None:
        file = os.path.relpath(place, os.path.realpath(dataset.root))
        if file in remote.links:
            return _place(dataset, remote.links[file])
        if file in remote.by_path:  # which git-annex links to its content
            return None
    path = Path(place)
    if not path.is_symlink():
        return None
    target = path.parent / path.readlink()
    return f"{os.path.realpath(target.parent)}/{target.name}"


def _notes_on_formats(dataset: str, files: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Describe recordings with signal files of several formats, of which one is read."""
    several = []
    for path, names in files.items():
        extensions = list(dict.fromkeys(map(signal_extension, names)))
        readable = [extension for extension in extensions if extension in EXTENSIONS]
        if len(readable) > 1:
            several.append((path, readable))
    if not several:
        return []
    path, [first, *others] = several[0]
    return [
        f"{dataset}: {count(len(several), 'recording')} in several formats, the first {path}: "
        f"{first} is read, {join_names(others)} is not"
    ]


def _notes_on_links(dataset: Dataset, files: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Describe links out of the dataset, to folders and to signals."""
    notes = []
    folders = dataset.tree.outside
    if folders:
        notes.append(
            f"{dataset.name}: {count(len(folders), 'link')} to folders outside of the dataset, "
            f"the first {folders[0]}: signals are read there, texts are not"
        )
    signals = [file for names in files.values() for file in names]
    outside = [file for file in signals if dataset.is_outside(file)]
    if outside:
        notes.append(
            f"{dataset.name}: {count(len(outside), 'signal file')} outside of the dataset, read "
            f"through links, the first {outside[0]}"
        )
    return notes
