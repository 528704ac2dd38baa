"""Text files of a dataset: read only inside of it, and only regular files of a limited size.

The text of a dataset goes into stores, so a link out of the dataset would publish a file of its
user. Signals are read through such links, because no other file passes as a signal.
"""

from __future__ import annotations

import codecs
import itertools
import os
from pathlib import Path
from typing import Any

from bids_dl.errors import RecordingError, SourceError
from bids_dl.input import parse_json, read_regular
from bids_dl.source.file_checks import check_content, describe_special_file

MAX_TEXT_BYTES = 64_000_000  # a table of this size takes about 1 GB of memory
MAX_POINTER_BYTES = 4096  # of a file .git, which holds one path
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GIT = ".git"
ANNEX_OBJECTS = ("annex", "objects")  # folders of git-annex


def is_inside(path: Path, root: Path) -> bool:
    """Return whether a path leads to a file of a dataset or of its annex.

    Parameters
    ----------
    path
        A path in the dataset. Its links are followed.
    root
        Folder of the dataset.

    Examples
    --------
    >>> is_inside(Path("/data/ds1/README"), Path("/data/ds1"))
    True
    >>> is_inside(Path("/data/ds1/.git/config"), Path("/data/ds1"))
    False
    """
    root = Path(os.path.realpath(root))
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(root):
        folder = _outer_git_folder(root)
        return folder is not None and target.is_relative_to(folder.joinpath(*ANNEX_OBJECTS))
    parts = target.relative_to(root).parts
    if GIT not in parts:
        return True
    in_git = parts[parts.index(GIT) + 1 :]  # whose configuration may hold passwords
    return ANNEX_OBJECTS in itertools.pairwise(in_git)


def _outer_git_folder(root: Path) -> Path | None:
    """Return the git folder of a dataset that is elsewhere, None for any other dataset.

    It is that of a dataset inside another one, or of a further work tree. The repository around
    must confirm it, because a dataset could name the repository of a private dataset.
    """
    git = root / GIT
    try:
        if git.is_file():
            pointer = git.read_bytes()[:MAX_POINTER_BYTES].decode("utf-8", "replace")
            git = root / pointer.strip().removeprefix("gitdir:").strip()
        folder = Path(os.path.realpath(git))
        if any(folder.is_relative_to(parent / GIT / "modules") for parent in root.parents):
            return folder
        confirmed = (folder / "gitdir").read_bytes()[:MAX_POINTER_BYTES].decode().strip()
    except (OSError, ValueError):
        return None
    is_work_tree = folder.parent.name == "worktrees" and Path(confirmed) == root / GIT
    return folder.parent.parent if is_work_tree else None


def read_bytes(path: Path, name: str, root: Path | None) -> bytes:
    """Read a text file of a dataset.

    Parameters
    ----------
    path
        The file.
    name
        Name of the dataset and path in it, for messages.
    root
        Folder of the dataset, which the file must be in; None for a file of the cache.

    Raises
    ------
    SourceError
        The file is outside of the dataset, a named pipe or a device, too large, or unreadable.
    """
    if root is not None and not is_inside(path, root):
        raise SourceError(
            f"{name}: is a link to a place outside of the dataset and was not read; "
            "replace it by a copy of the file"
        )
    try:
        if special := describe_special_file(path.stat().st_mode):
            raise SourceError(f"{name}: is {special}, not a file; remove it")
        return read_regular(path, max_bytes=MAX_TEXT_BYTES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{name}: cannot be read ({reason})") from None


def read_text(path: Path, name: str, root: Path | None) -> str:
    """Read a UTF-8 text file, with or without a byte order mark.

    Parameters are those of `read_bytes`.

    Raises
    ------
    SourceError
        The file cannot be read, is empty, a git-annex pointer or a web page, or is not UTF-8.
    """
    content = read_bytes(path, name, root) if path.exists() else b""
    try:
        dataset, _, file = name.partition("/")
        check_content(path, file)
        text = content.decode("utf-8-sig")
    except RecordingError as error:
        raise SourceError(f"{dataset}: {error.reason}") from None
    except UnicodeDecodeError as error:
        encoding = " (but UTF-16)" if content.startswith(UTF_16_MARKS) else ""
        raise SourceError(
            f"{name}: is not UTF-8 text{encoding}, at byte {error.start}; save it as UTF-8"
        ) from None
    if "\0" in text:
        raise SourceError(
            f"{name}: is not UTF-8 text, it contains NUL characters as UTF-16 does; "
            "save it as UTF-8"
        )
    return text


def read_json_object(path: Path, name: str, root: Path | None) -> dict[str, Any]:
    """Read a JSON object. Characters that UTF-8 cannot encode are replaced.

    Parameters are those of `read_bytes`.

    Raises
    ------
    SourceError
        The file cannot be read, is not a JSON object, or is nested too deeply.
    """
    try:
        text = read_bytes(path, name, root).decode("utf-8-sig")
        content = parse_json(text, allows_nan=True)
    except ValueError as error:
        raise SourceError(
            f"{name}: cannot be read as JSON ({error}); repair it or exclude its recordings"
        ) from None
    if not isinstance(content, dict):
        raise SourceError(f"{name}: contains a JSON {type(content).__name__}, expected an object")
    return _encodable(content) if "\\ud" in text.casefold() else content


def _encodable(content: Any) -> Any:
    """Replace the surrogates of JSON texts, which no file can hold."""
    if isinstance(content, dict):
        return {_encodable(key): _encodable(value) for key, value in content.items()}
    if isinstance(content, list):
        return list(map(_encodable, content))
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    return content
