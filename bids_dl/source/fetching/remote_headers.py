"""Headers of remote recordings: the few bytes that tell channels, rate and length.

A file of full size, in which only the header is filled, opens like the whole file. It is never used
to read samples.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.remote.caching.partial_file import Interval, PartialFile
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.caching.remote_reader import RemoteReader
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch import fetch_files, fetch_partial, remote_files_of
from bids_dl.source.fetching.remote_ranges import join_ranges
from bids_dl.source.formats import brainvision, edf
from bids_dl.source.formats.inspect import (
    EDF_EXTENSIONS,
    check_supported,
    companion_files,
    signal_extension,
)
from bids_dl.source.formats.mat5 import SampleBlock, find_samples
from bids_dl.source.formats.zarr_copy import inspect_copy

if TYPE_CHECKING:
    from bids_dl.source.archives.access import Access

WHOLE_BYTES = 1_000_000  # up to which a file is fetched whole, because a request costs as much
FIRST_BYTES = 16_384  # of an EDF file: the header of 63 signals
BUFFER_BYTES = 65_536  # that one request for a part of a .set file asks for
HEADER_LINK = "header"  # beside the partial files of a .set file: the one without its samples


def fetch_header(dataset: Dataset, recording: Recording, access: Access) -> Dataset:
    """Make the header of a recording available, by its fewest bytes.

    Parameters
    ----------
    dataset, recording
        Recording as returned by `find_recordings`.

    Returns
    -------
    Dataset
        The dataset with the files of the recording alone, some of which may be partial. Use it to
        read the header.

    Raises
    ------
    RecordingError
        Stage "source": a file cannot be fetched. Stage "header": the header is damaged.
    FullDiskError
        The disk of the cache is full.
    """
    if dataset.remote is None:
        return dataset
    signal = check_supported(recording)
    dataset = dataset.around(recording.path)  # a copy of which is made quickly
    extension = signal_extension(signal)
    partial: dict[str, PartialFile] = {}
    if extension in EDF_EXTENSIONS:
        partial |= _fetch_edf_header(dataset, signal, access)
    elif extension == ".set":
        partial |= _fetch_set_header(dataset, signal, access)
    elif extension == ".zarr":
        inspect_copy(dataset.path(signal), signal, dataset.copies)
    else:
        fetch_files(dataset, [signal], access)
    companions = companion_files(dataset, recording)
    binary_files = _files_of_binary_samples(dataset, signal, companions)
    for file in companions.values():
        path = _fetch_ranges(dataset, file, [], access) if file in binary_files else None
        if path is None:
            fetch_files(dataset, [file], access)
        else:
            partial[file] = path
    return _with_partial(dataset, partial)


def _files_of_binary_samples(
    dataset: Dataset, signal: str, companions: Mapping[str, str]
) -> set[str]:
    """Return the companion files that hold nothing but samples, of which the size is enough."""
    extension = signal_extension(signal)
    if extension == ".set":
        return {file for file in companions.values() if file.lower().endswith(".fdt")}
    if extension == ".vhdr":
        header = brainvision.read_vhdr(dataset.path(signal))
        if header.sample_bytes:  # samples of text are counted by reading them
            return {companions[header.data_file]}
    return set()


def _with_partial(dataset: Dataset, partial: Mapping[str, PartialFile]) -> Dataset:
    if dataset.remote is None or not partial:
        return dataset
    return replace(dataset, remote=replace(dataset.remote, partial=partial))


def _fetch_edf_header(dataset: Dataset, signal: str, access: Access) -> dict[str, PartialFile]:
    """Fetch the header of an EDF or BDF file, or the whole file if its records hold text.

    Annotations of EDF+ may be boundaries, and they are spread over the whole file.
    """
    remote_file = _large_file(dataset, signal)
    if remote_file is None or remote_file.size is None:
        fetch_files(dataset, [signal], access)
        return {}
    first = [(0, min(FIRST_BYTES, remote_file.size))]
    header = _fetch_ranges(dataset, signal, first, access)
    if header is not None:
        try:
            n_bytes = min(edf.header_size(header.path), remote_file.size)
        except RecordingError:  # raised again when the header is read
            return {signal: header}
        header = _fetch_ranges(dataset, signal, [(0, n_bytes)], access, known=header)
    if header is None or edf.has_annotation_label(header.path):
        fetch_files(dataset, [signal], access, known={signal: header})
        return {}
    return {signal: header}


def _fetch_set_header(dataset: Dataset, signal: str, access: Access) -> dict[str, PartialFile]:
    """Fetch a .set file without its samples, or the whole file if it is compressed or small."""
    remote_file = _large_file(dataset, signal)
    if dataset.remote is None or remote_file is None or remote_file.size is None:
        fetch_files(dataset, [signal], access)
        return {}
    link = dataset.remote.cache.partial_file(remote_file, []).path.with_name(HEADER_LINK)
    block = _find_samples(link, remote_file, access)
    if block is None:
        fetch_files(dataset, [signal], access)
        return {}
    ranges = join_ranges(block.other_ranges(remote_file.size), BUFFER_BYTES)
    partial = _fetch_ranges(dataset, signal, ranges, access)
    if partial is None:
        return {}
    with suppress(OSError):  # exists already, or a file system without links
        link.symlink_to(partial.path.name)
    return {signal: partial}


def _find_samples(link: Path, remote_file: RemoteFile, access: Access) -> SampleBlock | None:
    """Find the samples of a remote .set file, in its partial file if that was fetched before."""
    if link.is_file():
        with link.open("rb") as header:
            return find_samples(header)
    with io.BufferedReader(RemoteReader(remote_file, access.client), BUFFER_BYTES) as opened:
        try:
            return find_samples(opened)
        except Exception:  # noqa: BLE001  (clients raise anything; the next request reports it)
            return None


def _large_file(dataset: Dataset, file: str) -> RemoteFile | None:
    """Return a remote file that is large and not in the cache, None for any other file."""
    remote_file = _absent_file(dataset, file)
    if remote_file is None or (remote_file.size or 0) <= WHOLE_BYTES:
        return None
    return remote_file


def _absent_file(dataset: Dataset, file: str) -> RemoteFile | None:
    """Return a remote file of known size that is not in the cache, None for any other file."""
    remote_file = remote_files_of(dataset, [file]).get(file)
    if dataset.remote is None or remote_file is None or remote_file.size is None:
        return None
    return None if dataset.remote.cache.holds(remote_file) else remote_file


def _fetch_ranges(
    dataset: Dataset,
    file: str,
    ranges: list[Interval],
    access: Access,
    known: PartialFile | None = None,
) -> PartialFile | None:
    """Fetch ranges of a file of known size that is not in the cache; None for any other file."""
    if _absent_file(dataset, file) is None:
        return None
    return fetch_partial(dataset, file, ranges, access, known=known)
