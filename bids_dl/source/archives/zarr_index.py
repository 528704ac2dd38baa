"""Index of the Zarr copies that NEMAR serves of a dataset: which recordings have one, and where.

The index is ``<dataset>/zarr/index.json``, in format 1 or 3. No server lists the copies themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_dl.errors import SourceError
from bids_dl.wording import join_names

INDEX = "index.json"
INDEX_FORMAT = "nemar-zarr-index"
FORMATS = (1, 3)
COMMIT = re.compile(r"[0-9a-f]{40}")
# path in the dataset without the extension, datatype
RECORDING = re.compile(r"(sub-[^/]+/(?:.+/)?[^/]+_(eeg|ieeg|meg))\.[^/]+")
SPLIT = re.compile(r"_split-\d+")


@dataclass(frozen=True, slots=True)
class ZarrCopies:
    """Address of the Zarr copies that the signals of a dataset are read from.

    Attributes
    ----------
    url
        Address of the folder of the index.
    updated_utc
        Time at which the index was written that the dataset was opened by.
    """

    url: str
    updated_utc: str


@dataclass(frozen=True, slots=True)
class IndexedCopy:
    """A recording of an index: its copy, or why it has none.

    Attributes
    ----------
    path
        Path of the recording in the dataset, with the extension ``.zarr``.
    zarr
        Folder of the copy, relative to the index; "" without a copy.
    group
        Channel group to read: that of the datatype with the most channels.
    omitted
        Other channel groups, which are not read.
    updated_utc
        Time at which the copy was made, as the index states it.
    problem
        Reason for which there is nothing to read, as a predicate; "" with a copy.
    may_pass
        True if a copy is expected later.
    """

    path: str
    zarr: str = ""
    group: str = ""
    omitted: tuple[str, ...] = ()
    updated_utc: str = ""
    problem: str = ""
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class ZarrIndex:
    """The recordings of an index.

    Attributes
    ----------
    source_commit
        Commit of the dataset that the copies were made from, "" if the index states none.
    updated_utc, doi
        As the index states them.
    copies
        One for each recording, sorted by path.
    """

    source_commit: str
    updated_utc: str
    doi: str
    copies: tuple[IndexedCopy, ...]


def parse_index(content: Any, name: str) -> ZarrIndex:
    """Parse an index of format 1 or 3.

    Parameters
    ----------
    content
        The JSON document.
    name
        SOURCE of the dataset, for messages.

    Raises
    ------
    SourceError
        The document is no index, or has another format.
    KeyError, TypeError, AttributeError
        An entry has another shape.

    Examples
    --------
    >>> store = {
    ...     "path": "sub-1/eeg/sub-1_task-x_eeg.set",
    ...     "zarr": "sub-1/eeg/sub-1_task-x_eeg.zarr",
    ...     "groups": [{"name": "eeg_250hz", "modality": "EEG", "n_channels": 64, "rate": 250}],
    ... }
    >>> index = {"format": "nemar-zarr-index", "format_version": 1, "updated_utc": "2026"}
    >>> parse_index({**index, "stores": [store]}, "nemar-zarr:nm000103").copies[0].group
    'eeg_250hz'
    """
    if not isinstance(content, dict) or content.get("format") != INDEX_FORMAT:
        raise SourceError(f"{name}: the server's {INDEX} is no {INDEX_FORMAT}; check the address")
    version = content.get("format_version")
    if version not in FORMATS:
        raise SourceError(
            f"{name}: its index has format {version!r}, this version of bids_dl reads "
            f"{join_names(FORMATS)}; update bids_dl, or use nemar:{name.partition(':')[2]}"
        )
    updated_utc = str(content.get("updated_utc") or "")
    copies: dict[str, IndexedCopy] = {}
    for entry in content.get("pending") or ():
        _add(copies, entry, problem=f"has no copy yet ({entry['reason']})", may_pass=True)
    for entry in content.get("failures") or ():
        _add(copies, entry, problem=f"has no copy ({entry['code']}: {entry['reason']})")
    for entry in content.get("stores") or ():
        _add(copies, entry, updated_utc=str(entry.get("updated_utc") or updated_utc))
    commit = str(content.get("source_commit") or "")
    return ZarrIndex(
        source_commit=commit if COMMIT.fullmatch(commit) else "",
        updated_utc=updated_utc,
        doi=str(content.get("doi") or ""),
        copies=tuple(copies[path] for path in sorted(copies)),
    )


def _add(
    copies: dict[str, IndexedCopy],
    entry: Mapping[str, Any],
    *,
    updated_utc: str = "",
    problem: str = "",
    may_pass: bool = False,
) -> None:
    """Add an entry of an index, unless it is no recording of EEG, iEEG or MEG."""
    match = RECORDING.fullmatch(entry["path"])
    if match is None:
        return
    path = f"{SPLIT.sub('', match[1])}.zarr"
    if problem:
        copies[path] = IndexedCopy(path, problem=problem, may_pass=may_pass)
    elif entry.get("derived") or entry.get("sss"):
        problem = "has a copy of a processed signal (sss), not of the recorded one"
        copies[path] = IndexedCopy(path, problem=problem)
    else:
        group, omitted = _choose_group(entry.get("groups") or (), match[2])
        if not group:
            problem = f"has a copy without a group of {match[2]} channels"
            copies[path] = IndexedCopy(path, problem=problem)
            return
        copies[path] = IndexedCopy(path, str(entry["zarr"]), group, omitted, updated_utc)


def _choose_group(
    groups: Sequence[Mapping[str, Any]], datatype: str
) -> tuple[str, tuple[str, ...]]:
    """Return the group of a datatype with the most channels, "" without any, and the others."""
    matching = [group for group in groups if str(group.get("modality")).lower() == datatype]
    if not matching:
        return "", ()
    best = max(matching, key=lambda group: (group.get("n_channels") or 0, group.get("rate") or 0))
    others = [str(group["name"]) for group in groups if group is not best]
    return str(best["name"]), tuple(others)
