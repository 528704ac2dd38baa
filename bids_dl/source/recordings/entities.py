"""Entities of BIDS names: the labels of subject, session, task and run, as people write them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import PurePosixPath

EEG_KEYS = frozenset({"sub", "ses", "task", "acq", "run"})  # need no import of pybids
LATER_KEYS = frozenset({"cohort", "scale", "split", "tpl"})  # BIDS 1.10 has them, pybids 0.22 not
NEXT_KEY = re.compile(r"_(?=[A-Za-z]+-)")  # a label ends at the next key
FOLDER_KEYS = ("sub", "ses")
KNOWN_STEMS = 1024  # kept, because the names of a folder are compared for each kind of file


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a recording, "" for entities that its path does not have.

    Attributes
    ----------
    unknown_keys
        Keys of the name that BIDS does not define.
    contradiction
        Reason for which the labels cannot be told, "" without a contradiction.
    """

    subject: str
    session: str
    task: str
    run: str
    unknown_keys: tuple[str, ...] = ()
    contradiction: str = ""


def is_known_key(key: str) -> bool:
    """Return whether BIDS defines an entity with this key, according to pybids.

    Examples
    --------
    >>> is_known_key("task"), is_known_key("echo"), is_known_key("cond")
    (True, True, False)
    """
    return key in EEG_KEYS or key in LATER_KEYS or key in _pybids_keys()


@cache
def _pybids_keys() -> frozenset[str]:
    """Keys of raw and derivative data in the rules of pybids."""
    from bids.layout import Config  # half a second, which worker processes do without

    keys = set()
    for rules in ("bids", "derivatives"):
        for entity in Config.load(rules).entities.values():
            match = re.search(r"([a-z]+)-\(", entity.pattern)
            if match:
                keys.add(match[1])
    return frozenset(keys)


@lru_cache(maxsize=KNOWN_STEMS)
def parse_entities(stem: str) -> frozenset[str]:
    """Split a BIDS file name without suffix into its ``"key-label"`` strings.

    A label is everything between its key and the next ``_key-``. pybids ends a label at the first
    character that is not a letter or a digit, so that sub-A-1 and sub-A-2 would be one subject.

    Examples
    --------
    >>> sorted(parse_entities("sub-A-1_task-go.left"))
    ['sub-A-1', 'task-go.left']
    """
    parts = NEXT_KEY.split(stem.rstrip("_"))
    return frozenset(part for part in parts if re.match("[A-Za-z]+-", part))


def read_labels(path: str) -> Labels:
    """Read the labels of a recording from its folders and its name.

    Parameters
    ----------
    path
        BIDS path without suffix and extension, as in `Recording.path`.

    Examples
    --------
    >>> labels = read_labels("sub-A_1/eeg/sub-A_1_task-rest_run-1")
    >>> labels.subject, labels.session, labels.task, labels.run
    ('A_1', '', 'rest', '1')
    >>> read_labels("sub-01/eeg/sub-02_task-rest").contradiction
    'the folder is sub-01, the name says sub-02'
    """
    *folders, name = PurePosixPath(path).parts
    folder_labels: dict[str, str] = {}
    for key, folder in zip(FOLDER_KEYS, folders, strict=False):
        if folder.startswith(f"{key}-"):
            folder_labels[key] = folder.removeprefix(f"{key}-")
    named, contradiction = _parse_name(name, folder_labels)
    for key, label in folder_labels.items():
        if named.setdefault(key, label) != label:
            contradiction = (
                contradiction or f"the folder is {key}-{label}, the name says {key}-{named[key]}"
            )
    empty = [key for key, label in named.items() if not label.strip()]
    if empty:
        contradiction = contradiction or f"{empty[0]}- has no label"
    return Labels(
        subject=named.get("sub", ""),
        session=named.get("ses", ""),
        task=named.get("task", ""),
        run=named.get("run", ""),
        unknown_keys=tuple(key for key in named if not is_known_key(key)),
        contradiction=contradiction,
    )


def similar_labels(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Group labels that differ only by case, leading zeros or Unicode form.

    Examples
    --------
    >>> similar_labels(["01", "1", "2", "Rest", "rest"])
    [('01', '1'), ('Rest', 'rest')]
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(set(labels)):
        groups[simplify_label(label)].append(label)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def simplify_label(label: str) -> str:
    """Return a label without differences of case, leading zeros and Unicode form.

    Examples
    --------
    >>> simplify_label("Pilot-007")
    'pilot-7'
    """
    folded = unicodedata.normalize("NFKC", label).casefold()
    return re.sub(r"(?<!\d)0+(?=\d)", "", folded)


def is_same_label(first: str, second: str) -> bool:
    """Return whether two labels are the same text, in any Unicode form."""
    return unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)


def _parse_name(name: str, folder_labels: dict[str, str]) -> tuple[dict[str, str], str]:
    """Parse the entities of a name, of which the folders delimit subject and session.

    Returns
    -------
    labels : dict
        First label by key.
    contradiction : str
        "" unless a key has two labels.
    """
    labels: dict[str, str] = {}
    rest = name
    for key, label in folder_labels.items():
        start = f"{key}-{label}"
        after = rest.removeprefix(start)
        if rest.startswith(start) and (not after or NEXT_KEY.match(after)):
            labels[key] = label
            rest = after.removeprefix("_")
    contradiction = ""
    for part in NEXT_KEY.split(rest):
        key, separator, label = part.partition("-")
        if not separator or not re.fullmatch("[A-Za-z]+", key):
            continue
        if labels.setdefault(key, label) != label:
            contradiction = f"the name says {key}-{labels[key]} and {key}-{label}"
    return labels, contradiction
