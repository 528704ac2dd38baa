"""Files of a clone that differ from its last commit."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from bids_dl.source.archives.git.annex import (
    MAX_POINTER_BYTES,
    AnnexKey,
    parse_link,
    parse_pointer,
)
from bids_dl.source.archives.git.git_snapshot import GitEntry, Snapshot

HASHED_BYTES = 1024**2  # of a file at once
MAX_TEXT_BYTES = 64 * 1024**2  # of a text whose line ends may be those of Windows


def changed_files(snapshot: Snapshot, root: Path) -> list[str]:
    """List the files of a clone whose content in the folder differs from the last commit.

    A missing file counts as changed, a file that was never committed does not. An annexed file is
    unchanged if its link or pointer is, or if a file of its size is in place of it.

    Parameters
    ----------
    snapshot
        The last commit.
    root
        Folder of the clone.

    Returns
    -------
    list of str
        Paths relative to the folder.
    """
    changed = []
    for entry in snapshot.entries():
        if entry.kind != "submodule" and _is_changed(snapshot, entry, root / entry.path):
            changed.append(entry.path)
    return changed


def _is_changed(snapshot: Snapshot, entry: GitEntry, file: Path) -> bool:
    """Return whether a file differs from its blob."""
    try:
        status = file.lstat()
        size = status.st_size
        if stat.S_ISLNK(status.st_mode):
            target = str(file.readlink()).replace("\\", "/").encode()
            if _blob_sha(target) == entry.sha:
                return False
            return parse_link(target.decode()) != _committed_key(snapshot, entry)
        if not stat.S_ISREG(status.st_mode):  # a named pipe would block
            return True
        key = _committed_key(snapshot, entry)
        if key is not None:
            return key.size != size and _pointer_key(file, size) != key
        if _file_sha(file, size) == entry.sha:
            return False
        return size > MAX_TEXT_BYTES or _unix_text_sha(file) != entry.sha
    except OSError:
        return True


def _committed_key(snapshot: Snapshot, entry: GitEntry) -> AnnexKey | None:
    """Return the key of an annexed file in the commit."""
    content = snapshot.read(entry.sha)
    if entry.kind == "link":
        return parse_link(content.decode("utf-8", errors="replace"))
    return parse_pointer(content)


def _pointer_key(file: Path, size: int) -> AnnexKey | None:
    return parse_pointer(file.read_bytes()) if size <= MAX_POINTER_BYTES else None


def _unix_text_sha(file: Path) -> str:
    r"""Return the SHA-1 of a text as a blob, with the line ends that git stores."""
    return _blob_sha(file.read_bytes().replace(b"\r\n", b"\n"))


def _blob_sha(content: bytes) -> str:
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _file_sha(file: Path, size: int) -> str:
    """Return the SHA-1 of a file as a blob."""
    state = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as stream:
        while part := stream.read(HASHED_BYTES):
            state.update(part)
    return state.hexdigest()
