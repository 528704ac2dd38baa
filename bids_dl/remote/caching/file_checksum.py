"""Comparison of a file with the size and the checksum that an archive states."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bids_dl.remote.caching.remote_file import Algorithm, RemoteFile

HASH_BYTES = 1 << 22  # at a time


def describe_mismatch(path: Path, file: RemoteFile) -> str:
    """Describe how a file differs from what the archive states, "" if it does not.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "abc")
    ...     _ = path.write_bytes(b"abd")
    ...     print(describe_mismatch(path, RemoteFile(2)))
    3 bytes arrived, the archive states 2
    """
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes arrived, the archive states {file.size}"
    if not file.checksum:
        return ""
    checksum = hash_file(path, file.algorithm)
    if checksum != file.checksum.lower():
        return (
            f"its {file.algorithm} checksum is {checksum[:12]}..., "
            f"the archive states {file.checksum[:12]}..."
        )
    return ""


def hash_file(path: Path, algorithm: Algorithm) -> str:
    """Return a checksum of a file in hexadecimal digits, by an algorithm of `RemoteFile`."""
    # these checksums come from the archives and detect damage, not attacks
    if algorithm == "git":
        state = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        state = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while content := file.read(HASH_BYTES):
            state.update(content)
    return state.hexdigest()
