"""Checksums of the files of a recording, when it is planned and while it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.remote.caching.file_checksum import describe_mismatch, hash_file
from bids_dl.source.dataset import Dataset
from bids_dl.source.file_checks import check_content
from bids_dl.source.file_state import (
    FileState,
    are_equal,
    are_unchanged,
    read_states,
    states_below,
)
from bids_dl.source.formats.inspect import AUXILIARY_EXTENSIONS, check_supported, companion_files

HEADER_EXTENSIONS = (".vhdr", ".set")  # of files that may leave their samples to another one


class HashedFiles(NamedTuple):
    """Checksums of the files of a recording, and their states when they were hashed.

    Attributes
    ----------
    digests
        SHA-256, or the checksum that an archive states, by path relative to the dataset, in order
        of path.
    states
        States by path. Files in a folder have one each, and files that are not on this machine
        have none.
    """

    digests: dict[str, str]
    states: dict[str, FileState]

    @property
    def samples_digests(self) -> tuple[str, ...]:
        """Checksums of the files that hold the samples."""
        files = [file for file in self.digests if _extension(file) not in AUXILIARY_EXTENSIONS]
        samples = [file for file in files if _extension(file) not in HEADER_EXTENSIONS]
        return tuple(self.digests[file] for file in samples or files)


def hash_source_files(dataset: Dataset, recording: Recording) -> HashedFiles:
    """Hash each file that the signal of a recording is read from.

    Returns
    -------
    HashedFiles
        For a recording that is a folder, the hash covers the names and hashes of the files inside.
        For a file whose checksum an archive states, that checksum, which begins with the name of
        its algorithm.

    Raises
    ------
    RecordingError
        Stage "source": the signal is absent, a broken link, a git-annex pointer without content,
        or of a format that is not supported, or a file changes meanwhile (transient).
    """
    files = {check_supported(recording), *companion_files(dataset, recording).values()}
    tables = ("channels.tsv", "electrodes.tsv", "coordsystem.json", f"{recording.datatype}.json")
    for ending in tables:
        files |= set(dataset.inherited_files(recording.path, ending))
    hashes = {}
    states: dict[str, FileState] = {}
    for file in sorted(files):
        before = read_states(dataset, file)
        hashes[file] = _digest(dataset, file)
        if not are_equal(before, read_states(dataset, file)):
            raise _changed(file, dataset)
        states |= before
    return HashedFiles(hashes, states)


def _extension(file: str) -> str:
    return PurePosixPath(file).suffix.lower()


def with_partial_states(dataset: Dataset, hashed: HashedFiles) -> HashedFiles:
    """Add the states of the partial files of a dataset that are on this machine."""
    states = dict(hashed.states)
    for file in dataset.remote.partial if dataset.remote is not None else ():
        states |= read_states(dataset, file)
    return HashedFiles(hashed.digests, states)


@contextmanager
def unchanged_files(dataset: Dataset, hashed: HashedFiles) -> Iterator[None]:
    """Check that files are those that were hashed, before and after they are read inside.

    Nothing is hashed again if size, times and inode prove that nothing has changed. A file that
    arrived in the cache after it was planned was verified then.

    Parameters
    ----------
    dataset
        The dataset, in which some files may be partial.
    hashed
        Result of `hash_source_files`, which may be of another process.

    Raises
    ------
    RecordingError
        Stage "source", transient: a file has changed. It replaces an error inside the context,
        because the change explains it.
    """
    states: dict[str, FileState] = {}
    for file, digest in hashed.digests.items():
        known = states_below(hashed.states, file)
        found = read_states(dataset, file)
        if known or not dataset.is_remote(file):
            is_same = are_unchanged(known, found) or _has_digest(dataset, file, digest)
        else:
            is_same = _has_stated_size(dataset, file, found)
        if not is_same:
            raise _changed(file, dataset)
        states |= found
    try:
        yield
    except Exception:
        _check_afterwards(dataset, hashed.digests, states)
        raise
    _check_afterwards(dataset, hashed.digests, states)


def _check_afterwards(
    dataset: Dataset, digests: Mapping[str, str], states: Mapping[str, FileState]
) -> None:
    """Check that files have the states from before they were read."""
    for file, digest in digests.items():
        before = states_below(states, file)
        after = read_states(dataset, file)
        if are_unchanged(before, after):
            continue
        if not (are_equal(before, after) and _has_digest(dataset, file, digest)):
            raise _changed(file, dataset)


def _changed(file: str, dataset: Dataset) -> RecordingError:
    """Return the failure of a file that has changed. The cache forgets it, to fetch it again."""
    advice = "convert again with --overwrite"
    remote = dataset.remote
    if remote is not None and dataset.is_remote(file):
        advice = f"it was removed from the cache; {advice}"
        for path in (file, *remote.inner_files(file)):
            if path in remote.by_path and path not in remote.in_folder:
                with suppress(OSError):  # a cache of another user
                    dataset.path(path).unlink()
    return RecordingError(
        "source", f"{file} has changed since it was planned; {advice}", transient=True
    )


def _digest(dataset: Dataset, file: str) -> str:
    """Return the hash of a file, or its checksum as an archive states it."""
    return _stated_digest(dataset, file) or _sha256(dataset.path(file), file)


def _has_digest(dataset: Dataset, file: str, digest: str) -> bool:
    """Return whether the content of a file has a digest. The content is read."""
    remote = dataset.remote
    if remote is None or file in remote.unlocked or remote.digest(file) is None:
        try:
            return _digest(dataset, file) == digest
        except RecordingError as problem:  # it was readable when it was planned
            raise RecordingError(problem.stage, problem.reason, transient=True) from None
    if file in remote.partial or remote.digest(file) != digest:
        return False  # no checksum covers the ranges of a partial file
    for path in (file,) if file in remote.by_path else remote.inner_files(file):
        stated = remote.by_path[path]
        where = dataset.path(path)
        if not (stated.checksum and where.is_file()) or describe_mismatch(where, stated):
            return False
    return True


def _has_stated_size(dataset: Dataset, file: str, states: Mapping[str, FileState]) -> bool:
    """Return whether a cached file has the size that its archive states, if it states one."""
    remote = dataset.remote
    if remote is None or file not in remote.by_path:
        return True
    size = remote.by_path[file].size
    return size is None or (file in states and states[file].size == size)


def _stated_digest(dataset: Dataset, file: str) -> str | None:
    """Return the checksum of a file as an archive states it, None if none does.

    An unlocked file of a clone may have been edited: its checksum is computed instead.
    """
    remote = dataset.remote
    if remote is None or file not in remote.unlocked:
        return None if remote is None else remote.digest(file)
    stated = remote.by_path[file]
    if not stated.checksum:
        return None
    try:
        return replace(stated, checksum=hash_file(dataset.path(file), stated.algorithm)).digest
    except OSError as error:
        raise RecordingError(
            "source", f"{file} cannot be read ({error.strerror})", transient=True
        ) from None


def _sha256(path: Path, name: str) -> str:
    """Return the SHA-256 of a file, or of the names and hashes of the files in a folder."""
    check_content(path, name)
    try:
        if path.is_dir():
            inner_files = sorted(inner for inner in path.rglob("*") if inner.is_file())
            lines = [
                f"{inner.relative_to(path).as_posix()} {_sha256(inner, name)}"
                for inner in inner_files
            ]
            return hashlib.sha256("\n".join(lines).encode()).hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(
            "source", f"{name} cannot be read ({error.strerror})", transient=True
        ) from None
