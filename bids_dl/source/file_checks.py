"""Checks for files that are not what their name says: pointers, web pages, converted text."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from bids_dl.errors import RecordingError

ANNEX_POINTER = re.compile(rb"/annex/objects/")  # git-annex writes it in place of absent content
WEB_PAGE = re.compile(rb"\s*<(!doctype|html|\?xml|error)\b", re.IGNORECASE)  # a failed download
MAX_POINTER_BYTES = 1000
READ_BYTES = 1 << 22  # at a time
SPECIAL_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
MIN_LINE_FEEDS = 20  # below, all line feeds of binary data may follow a carriage return by chance


def check_content(path: Path, name: str) -> None:
    """Check that a file exists and is not empty, a pipe, a git-annex pointer or a web page.

    Parameters
    ----------
    path
        The file. A folder passes.
    name
        Name of the file in messages: its path relative to the dataset.

    Raises
    ------
    RecordingError
        Stage "source", with the way to get the file.
    """
    try:
        if path.is_dir():
            return
        status = path.stat()
        if special := describe_special_file(status.st_mode):
            raise RecordingError("source", f"{name} is {special}, not a file; remove it")
        size = status.st_size
        with path.open("rb") as file:
            head = file.read(MAX_POINTER_BYTES)
    except FileNotFoundError:
        hint = f" (broken link); fetch it with: datalad get {name}" if path.is_symlink() else ""
        raise RecordingError("source", f"{name} does not exist{hint}") from None
    except OSError as error:
        raise RecordingError(
            "source", f"{name} cannot be read ({error.strerror})", transient=True
        ) from None
    if size < MAX_POINTER_BYTES and ANNEX_POINTER.search(head):
        raise RecordingError(
            "source",
            f"{name} is a git-annex pointer without content; fetch it with: datalad get {name}",
        )
    if not size:
        raise RecordingError("source", f"{name} is empty; download it again")
    if WEB_PAGE.match(head):
        raise RecordingError(
            "source",
            f"{name} is a web page, not a recording: the download failed; download it again",
        )


def describe_special_file(mode: int) -> str:
    """Describe a file that blocks or never ends when it is read, "" for any other file.

    Parameters
    ----------
    mode
        ``st_mode`` of the file.

    Examples
    --------
    >>> describe_special_file(stat.S_IFIFO), describe_special_file(stat.S_IFREG)
    ('a named pipe', '')
    """
    return SPECIAL_FILES.get(stat.S_IFMT(mode), "")


def text_conversion_damage(path: Path, start: int = 0) -> str:
    """Describe the damage of binary content that a program converted as text.

    Binary samples are never valid UTF-8 by chance, and not all of their line feeds follow a
    carriage return.

    Parameters
    ----------
    path
        The file.
    start
        Bytes of plain text at the beginning to skip.

    Returns
    -------
    str
        ``"decoded as text"``, ``"line ends were rewritten"``, or "" without such damage.
    """
    n_feeds = 0
    n_crlf = 0
    is_text = True
    is_ascii = True
    last_byte = b""
    incomplete = b""
    with path.open("rb") as file:
        file.seek(start)
        while content := file.read(READ_BYTES):
            n_feeds += content.count(b"\n")
            n_crlf += (last_byte + content).count(b"\r\n")
            last_byte = content[-1:]
            is_ascii = is_ascii and content.isascii()
            if is_text:
                is_text, incomplete = _is_utf8(incomplete + content)
    if is_text and not is_ascii and not incomplete:
        return "decoded as text"
    return "line ends were rewritten" if n_feeds > MIN_LINE_FEEDS and n_crlf == n_feeds else ""


def _is_utf8(content: bytes) -> tuple[bool, bytes]:
    """Return whether bytes are valid UTF-8 so far, and the incomplete character at their end."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return True, content[error.start :]
        return False, b""
    return True, b""
