"""Whether a file holds what its name says: not a pointer, a web page, or bytes that went through a text conversion."""

from __future__ import annotations

import re
from pathlib import Path

from bids_dl.errors import RecordingError

ANNEX = re.compile(rb"/annex/objects/")  # a git-annex pointer: the content was never fetched
PAGE = re.compile(
    rb"\s*<(!doctype|html|\?xml|error)\b", re.IGNORECASE
)  # what a server answers instead of a file
SHORT = 1000  # bytes; a pointer is shorter
PIECE = 1 << 22  # bytes read at a time


def check_content(path: Path, name: str) -> None:
    """Refuse a file that is not there, not fetched, empty or a web page.

    Parameters
    ----------
    name
        What messages call it: its path relative to the dataset.

    Raises
    ------
    RecordingError
        Stage "source".
    """
    try:
        if path.is_dir():
            return
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(SHORT)
    except FileNotFoundError:
        hint = f"; a broken link: fetch it with: datalad get {name}" if path.is_symlink() else ""
        raise RecordingError("source", f"{name} is not there{hint}") from None
    except OSError as problem:
        raise RecordingError(
            "source", f"{name} cannot be read ({problem.strerror})", transient=True
        ) from None
    if size < SHORT and ANNEX.search(start):
        raise RecordingError(
            "source",
            f"{name} is a git-annex pointer without content; fetch it with: datalad get {name}",
        )
    if not size:
        raise RecordingError("source", f"{name} is empty; get it again")
    if PAGE.match(start):
        raise RecordingError(
            "source", f"{name} is a web page, not a recording: the download failed; get it again"
        )


def converted(path: Path, start: int = 0) -> str:
    """How binary content was spoilt by a program that took it for text; "" where it does not look so.

    Binary samples are never valid UTF-8 by chance, and never have all their line feeds after a carriage return.

    Parameters
    ----------
    start
        Bytes of plain text at the beginning that do not count.
    """
    feeds = pairs = 0
    text, foreign = True, False
    last = rest = b""
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(PIECE):
            feeds += piece.count(b"\n")
            pairs += (last + piece).count(b"\r\n")
            last = piece[-1:]
            foreign = foreign or not piece.isascii()
            text, rest = _continues(rest + piece) if text else (False, b"")
    if text and foreign and not rest:
        return "decoded as text"
    return "its line ends were rewritten" if feeds > 20 and pairs == feeds else ""


def _continues(piece: bytes) -> tuple[bool, bytes]:
    """Whether bytes are valid UTF-8 so far, and those of a character that the next piece may complete."""
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as problem:
        return (
            (True, piece[problem.start :])
            if problem.reason == "unexpected end of data"
            else (False, b"")
        )
    return True, b""
