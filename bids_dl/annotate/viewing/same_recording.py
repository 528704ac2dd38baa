"""Check that files are those that a pool was converted from, without reading large ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from bids_dl import source
from bids_dl.errors import RecordingError

MAX_HASHED_BYTES = 64_000_000  # of a file: hashing it takes about 0.1 s, once per recording
TEXT_SUFFIXES = {".tsv", ".json"}  # of tables, which may be corrected after a conversion
SHA256 = re.compile(r"[0-9a-f]{64}")
ADVICE = "give the source that the pool was converted from, or convert again"


def check_digests(dataset: source.Dataset, digests: Mapping[str, str]) -> None:
    """Check the checksums of the signal files of a recording.

    Files over 64 MB are not read. A checksum that an archive states is compared as it is.

    Parameters
    ----------
    dataset
        Dataset of the recording.
    digests
        Checksums that the pool states, by path relative to the dataset.

    Raises
    ------
    RecordingError
        Stage "source": a file is missing, cannot be read, or is another one.

    Examples
    --------
    >>> from bids_dl.demo import sample_folder
    >>> check_digests(source.open_dataset(str(sample_folder())), {})
    """
    for file, expected in digests.items():
        if PurePosixPath(file).suffix.lower() in TEXT_SUFFIXES:
            continue
        found = _digest(dataset, file)
        if found and _is_sha256(found) == _is_sha256(expected) and found != expected:
            raise RecordingError(
                "source",
                f"{file} is not the file that the pool was converted from (its checksum differs); "
                f"{ADVICE}",
            )


def check_duration(found: float, expected: float | None, sfreq: float) -> None:
    """Check that a recording is as long as the pool says, to a sample.

    Parameters
    ----------
    found, expected
        Length in s of the recording, and according to the pool. None if it states none.
    sfreq
        Rate of the recording in Hz.

    Raises
    ------
    RecordingError
        Stage "source": the lengths differ.

    Examples
    --------
    >>> check_duration(61.0, 61.0, 160.0)
    """
    if expected is not None and abs(found - expected) > 1 / sfreq:
        raise RecordingError(
            "source", f"it is {found:g} s long, the pool says {expected:g} s; {ADVICE}"
        )


def _digest(dataset: source.Dataset, file: str) -> str:
    """Return the checksum of a file, "" if it would take long to compute."""
    if dataset.remote is not None and dataset.is_remote(file):
        return dataset.remote.digest(file) or ""
    path = dataset.path(file)
    try:
        if path.is_dir() or path.stat().st_size > MAX_HASHED_BYTES:
            return ""
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError("source", f"{file} cannot be read ({error.strerror})") from None


def _is_sha256(digest: str) -> bool:
    return bool(SHA256.fullmatch(digest))
