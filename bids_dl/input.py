"""Read files of unknown origin: regular files only, up to a size, and JSON up to a depth."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import Any

MAX_TEXT_BYTES = 16_000_000  # of a file that a person writes
MAX_JSON_DEPTH = 64  # lists and objects within one another; a store needs about 10
MAX_JSON_VALUES = 4_000_000  # of up to 72 bytes in memory


def open_regular(path: str | os.PathLike[str]) -> FileIO:
    """Open a regular file for reading, unbuffered.

    Raises
    ------
    OSError
        The file cannot be opened, or is a named pipe, a device or a socket. These may have no end,
        or wait for a writer for ever.

    Examples
    --------
    >>> open_regular("/dev/zero")
    Traceback (most recent call last):
    ...
    OSError: [Errno 22] not a regular file: '/dev/zero'
    """
    return FileIO(path, opener=_open_regular)


def _open_regular(path: str, flags: int) -> int:
    # without O_NONBLOCK, the opening of a named pipe would wait for its writer
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor  # FileIO refuses folders itself


def read_regular(
    path: str | os.PathLike[str],
    start: int | None = None,
    stop: int | None = None,
    *,
    max_bytes: int | None = None,
) -> bytes:
    """Read a regular file, or its bytes from ``start`` to ``stop``.

    Parameters
    ----------
    start
        First byte. A negative number counts from the end.
    stop
        Byte after the last one; None reads to the end.
    max_bytes
        Size from which a file is refused before it is read; None reads any size.

    Raises
    ------
    OSError
        The file cannot be opened, is not a regular file, or is larger than ``max_bytes``.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if max_bytes is not None and size > max_bytes:
            reason = f"{size} bytes, more than the {max_bytes} of such a file"
            raise OSError(errno.EFBIG, reason, os.fspath(path))
        first, last, _ = slice(start, stop).indices(size)
        file.seek(first)
        parts = []
        rest = max(last - first, 0)
        while rest and (part := file.read(rest)):  # the system reads at most 2 GB at a time
            parts.append(part)
            rest -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_text(path: Path, *, encoding: str = "utf-8", max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Read a file that a person wrote, with its line ends as line feeds.

    Raises
    ------
    OSError
        The file cannot be opened, is not a regular file, or is larger than ``max_bytes``.
    UnicodeDecodeError
        The file is not text of this encoding.
    """
    text = read_regular(path, max_bytes=max_bytes).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_json(content: bytes | str, *, allows_nan: bool = False) -> Any:
    """Parse JSON of unknown origin in bounded memory.

    Parameters
    ----------
    content
        Text, or its bytes in UTF-8.
    allows_nan
        Accept NaN and infinity, which programs write into sidecars although JSON has none.

    Raises
    ------
    ValueError
        The content is not JSON, is nested too deeply, has too many values, or contains NaN,
        infinity or an integer of thousands of digits. The message is short.

    Examples
    --------
    >>> parse_json(b'{"a": [1]}')
    {'a': [1]}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    ValueError: nested more than 64 levels deep
    """
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    if sum(text.count(mark) for mark in ",[{") > MAX_JSON_VALUES:
        raise ValueError(f"more than {MAX_JSON_VALUES} values")
    try:
        parsed = json.loads(text, parse_constant=None if allows_nan else _refuse_constant)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_JSON_DEPTH} levels deep") from None
    except json.JSONDecodeError:
        raise
    except ValueError as problem:
        is_constant = str(problem).endswith("is not JSON")
        raise ValueError(str(problem) if is_constant else "an integer is too long") from None
    _check_depth(parsed)
    return parsed


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_depth(parsed: Any) -> None:
    """Raise if lists and objects are nested too deeply for functions that call themselves."""
    level: list[Any] = [[parsed]]
    for _ in range(MAX_JSON_DEPTH + 1):
        below: list[Any] = []
        for container in level:
            values: Iterable[Any] = container.values() if isinstance(container, dict) else container
            below += [value for value in values if isinstance(value, dict | list)]
        if not below:
            return
        level = below
    raise ValueError(f"nested more than {MAX_JSON_DEPTH} levels deep")
