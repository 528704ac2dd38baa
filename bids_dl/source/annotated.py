"""Annotations of recordings in a derivative: rows in place of those of events.tsv.

A derivative may not have the file names of its source (BIDS 1.10, "Derivatives"), so that its files
have a ``desc-`` entity. Without it, the name is the BIDS path of the recording.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bids_dl.datamodel import EventRows, Recording
from bids_dl.errors import SourceError
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import parse_address
from bids_dl.source.dataset import Dataset, open_dataset
from bids_dl.source.metadata import merge_sidecars, read_sidecar_header, read_table_rows
from bids_dl.source.tree import DESCRIPTION
from bids_dl.wording import join_names

FLAG = "--annotations"
ANNOTATION = re.compile(r"(sub-[^/]+/(?:ses-[^/]+/)?(?:eeg|ieeg)/[^/]+)_desc-([^_/]+)_events\.tsv")
LABELS = "labels"  # desc- of the answers of experts, which are read if there are others too
EVENTS_SIDECAR = "events.json"
MAX_NAMES = 5  # in a message


@dataclass(frozen=True)
class Annotations:
    """Annotations of one dataset with one ``desc-`` entity.

    Attributes
    ----------
    dataset
        The derivative.
    files
        Tables by the BIDS path of their recording.
    """

    dataset: Dataset
    files: Mapping[str, str]

    def hash_files(self, path: str) -> dict[str, str]:
        """Hash the table of a recording and the sidecars that describe it.

        Parameters
        ----------
        path
            BIDS path of a recording with a table.

        Returns
        -------
        dict
            SHA-256 by path relative to the derivative.
        """
        table = self.files[path]
        sidecars = self.dataset.inherited_files(_without_suffix(table), EVENTS_SIDECAR)
        digests = {}
        for file in sorted([table, *sidecars]):
            digests[file] = hashlib.sha256(self.dataset.read_bytes(file)).hexdigest()
        return digests


def open_annotations(
    location: str, names: Sequence[str], access: Access | None = None
) -> dict[str, Annotations]:
    """Open the annotations of datasets.

    Parameters
    ----------
    location
        Value of ``--annotations``: a derivative, with the ``desc-`` entity of the files before it
        (``labels=folder``) if it has several. For several datasets, a folder with a derivative for
        each, named like the dataset.
    names
        Names of the datasets.
    access
        Cache and connections, for derivatives that are no local folders.

    Returns
    -------
    dict
        Annotations by dataset.

    Raises
    ------
    SourceError
        There is no derivative, it has no annotations, or it has several and none is chosen.
    """
    desc, folder = split_location(location)
    has_parts = all(_has_description(f"{folder}/{name}") for name in names)
    if len(names) == 1 and not has_parts:
        return {names[0]: _open(folder, desc, access)}
    if not has_parts and _has_description(folder):
        raise SourceError(
            f"{FLAG} {folder}: annotates one dataset, but the sources are {join_names(names)}; "
            "give one source, or a folder with a derivative named like each dataset"
        )
    return {name: _open(f"{folder.rstrip('/')}/{name}", desc, access) for name in names}


def split_location(location: str) -> tuple[str, str]:
    """Split a value of ``--annotations`` into the ``desc-`` label, "" if not given, and the folder.

    Examples
    --------
    >>> split_location("labels=out/a=b"), split_location("out")
    (('labels', 'out/a=b'), ('', 'out'))
    """
    desc, separator, folder = location.partition("=")
    is_label = re.fullmatch(r"(desc-)?[A-Za-z0-9]+", desc) is not None
    if not separator or not is_label or os.path.exists(location):  # noqa: PTH110  (long names)
        return "", location
    return desc.removeprefix("desc-"), folder


def _has_description(folder: str) -> bool:
    """Return whether a folder is a BIDS dataset. No folder has an unknown user or a long name."""
    path = os.path.expanduser(folder)  # noqa: PTH111  (keeps the name of an unknown user)
    return os.path.isfile(f"{path}/{DESCRIPTION}")  # noqa: PTH113  (false for long names)


def _open(folder: str, desc: str, access: Access | None) -> Annotations:
    """Open a derivative and list the tables of one ``desc-`` entity."""
    is_folder = parse_address(folder).kind == "folder"
    if is_folder and not _has_description(folder):
        raise SourceError(
            f"{FLAG} {folder!r}: no {DESCRIPTION} in this folder, which must be a BIDS derivative"
        )
    try:
        dataset = open_dataset(folder, access)
    except SourceError as error:
        raise SourceError(f"{FLAG} {error}") from None
    by_desc: dict[str, dict[str, str]] = {}
    for file in dataset.files:
        if match := ANNOTATION.fullmatch(file):
            by_desc.setdefault(match[2], {})[match[1]] = file
    if not by_desc:
        raise SourceError(
            f"{FLAG} {folder}: no file named sub-*/eeg/*_desc-*_events.tsv (or in ieeg) in it"
        )
    chosen = desc or (next(iter(by_desc)) if len(by_desc) == 1 else LABELS)
    if chosen not in by_desc:
        known = join_names(sorted(by_desc), limit=MAX_NAMES)
        raise SourceError(
            f"{FLAG} {folder}: has files with desc- {known}; choose one: {FLAG} DESC={folder}"
        )
    return Annotations(dataset, by_desc[chosen])


def read_annotation_rows(
    annotations: Annotations, dataset: Dataset, recording: Recording
) -> EventRows:
    """Read the annotations of a recording as text, with the sidecars of the derivative merged.

    Their onsets are on the clock of the file, as those of windows in a store, also if the signal
    file leaves out time.

    Parameters
    ----------
    annotations
        Annotations of the dataset. A recording without a table has no columns.
    dataset
        The dataset of the recording, which states its duration.
    recording
        Recording as returned by `find_recordings`.

    Raises
    ------
    SourceError
        A table or a sidecar cannot be read.
    """
    file = annotations.files.get(recording.path)
    duration = read_sidecar_header(dataset, recording.path).duration
    if file is None:
        return EventRows(recording.key, {}, {}, duration)
    columns, issues = read_table_rows(annotations.dataset, file, recording.key)
    sidecar = merge_sidecars(annotations.dataset, _without_suffix(file), EVENTS_SIDECAR)
    return EventRows(recording.key, columns, sidecar, duration, tuple(issues))


def _without_suffix(file: str) -> str:
    return file.removesuffix("_events.tsv")
