"""The log of answers: JSON lines that are appended, one write each, and never changed.

An appended line is on the disk (fsync) when `Journal.append` returns. An interrupted write leaves
a torn last line. The next writer ends it with a line feed, and every reader reports it.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.annotate.answers.lines import MAX_LINE_BYTES, AnswerError, find_problem
from bids_dl.input import open_regular, parse_json
from bids_dl.output import writing
from bids_dl.remote.caching.file_lock import file_lock

JOURNAL = "code/answers.jsonl"  # in the folder of the derivative; BIDS allows code/
OWNER_ONLY = 0o600  # mode of the log, which tells who answered what and when
MAX_JOURNAL_BYTES = 2_000_000_000  # five million lines


@dataclass(frozen=True, slots=True)
class JournalContent:
    """Lines of a log in the order in which they were appended, whatever their times say.

    Attributes
    ----------
    lines
        Valid lines. Only the first line with an id counts.
    problems
        One line of text for each line that is not valid or repeats an id, with its number.
    """

    lines: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...] = ()


def read_journal(folder: Path) -> JournalContent:
    """Read the log of a folder of annotations.

    Parameters
    ----------
    folder
        Folder of the derivative. Without a log, there are no lines.

    Raises
    ------
    ConfigError
        The log cannot be read.

    Examples
    --------
    >>> read_journal(Path("no-such-folder")).lines
    ()
    """
    reader = _Reader(folder / JOURNAL)
    reader.read_new(is_last=True)
    return JournalContent(tuple(reader.by_id.values()), tuple(reader.problems))


class Journal:
    """The log of a folder, to which several processes may append at once.

    Parameters
    ----------
    folder
        Folder of the derivative. ``code/`` is created in it.

    Raises
    ------
    ConfigError
        The folder cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> with TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder))
    ...     line = example_answer()
    ...     print(journal.append(line), journal.append(line), len(journal.content().lines))
    True False 1
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        with writing(str(folder)):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._reader = _Reader(self.path)

    def append(self, line: Mapping[str, Any]) -> bool:
        """Append a line, which is on the disk afterwards.

        Parameters
        ----------
        line
            Fields as in `bids_dl.annotate.answers.lines`.

        Returns
        -------
        bool
            False if the log has the same line already. Nothing is written then, so that a line
            may be sent again.

        Raises
        ------
        AnswerError
            The line is not valid, its id is that of another line, it names no line of the same
            annotator, or it changes an undo. Nothing was written.
        ConfigError
            The log cannot be written, or another program has removed or shortened it.
        """
        if problem := find_problem(dict(line)):
            raise AnswerError(f"{self.path.name}: {problem}; the line was not appended")
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        content = text.encode() + b"\n"
        if len(content) > MAX_LINE_BYTES:
            raise AnswerError(
                f"{self.path.name}: the line has {len(content)} bytes, more than {MAX_LINE_BYTES}; "
                "send fewer channels or classes"
            )
        with writing(str(self.path)), file_lock(self.path):
            self._reader.read_new()
            if self._reader.is_torn:  # an interrupted write; the torn line is kept and reported
                self._write(b"\n")
                self._reader.read_new()
            if not self._is_new(line):
                return False
            self._write(content)
            self._reader.read_new()
        return True

    def content(self) -> JournalContent:
        """Return the lines of all processes so far."""
        return read_journal(self.path.parents[1])

    def _is_new(self, line: Mapping[str, Any]) -> bool:
        """Return False for a line of the log, and refuse a line that contradicts the log."""
        known = self._reader.by_id.get(line["id"])
        if known is not None:
            if dict(known) == json.loads(json.dumps(line)):
                return False
            raise AnswerError(
                f"{self.path.name}: the id {line['id']} is that of another line; "
                "give each line its own UUID"
            )
        if line["kind"] == "answer":
            return True
        target = self._reader.by_id.get(line["of"])
        if target is None:
            raise AnswerError(
                f"{self.path.name}: of names {line['of']}, which is no line of the log; "
                "append that line first"
            )
        if line["kind"] == "change" and target["kind"] == "undo":
            raise AnswerError(
                f"{self.path.name}: of names {line['of']}, which is an undo and has no label to "
                "change; name the answer"
            )
        if target["annotator"] != line["annotator"]:
            raise AnswerError(
                f"{self.path.name}: {line['annotator']} cannot {line['kind']} a line of "
                f"{target['annotator']}; the annotator must be the same"
            )
        return True

    def _write(self, content: bytes) -> None:
        """Append bytes to the file by one write."""
        is_first = not self.path.exists()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        number = os.open(self.path, flags, OWNER_ONLY)
        try:
            if os.write(number, content) != len(content):
                raise OSError(None, "only a part of the line was written", str(self.path))
            os.fsync(number)
        finally:
            os.close(number)
        if is_first:
            _sync_folder(self.path.parent)


class _Reader:
    """Reads a log that grows, each byte once."""

    def __init__(self, path: Path) -> None:
        self.by_id: dict[str, Mapping[str, Any]] = {}
        self.problems: list[str] = []
        self._path = path
        self._n_bytes = 0  # that were read
        self._n_lines = 0
        self._rest = b""  # of a line without its line feed

    @property
    def is_torn(self) -> bool:
        """True if the last byte is no line feed."""
        return bool(self._rest)

    def read_new(self, *, is_last: bool = False) -> None:
        """Read the lines that were appended since the last call.

        Parameters
        ----------
        is_last
            Read a last line without a line feed too.
        """
        with writing(str(self._path), "check that it is a file of yours"):
            content = self._read_bytes()
        self._n_bytes += len(content)
        *whole, self._rest = (self._rest + content).split(b"\n")
        for line in whole:
            self._add(line)
        if is_last and self._rest:
            self._add(self._rest)

    def _read_bytes(self) -> bytes:
        if self._path.is_symlink():  # lines would be appended to a file of another purpose
            raise OSError(errno.ELOOP, "it is a link, replace it by the file", str(self._path))
        try:
            file = open_regular(self._path)
        except FileNotFoundError:
            if self._n_bytes:
                raise  # or a new file would begin, without the answers so far
            return b""
        with file:
            size = os.fstat(file.fileno()).st_size
            if size < self._n_bytes:
                raise OSError(None, f"{size} bytes, {self._n_bytes} before", self._path)
            if size > MAX_JOURNAL_BYTES:
                raise OSError(None, f"{size} bytes, more than {MAX_JOURNAL_BYTES}", self._path)
            file.seek(self._n_bytes)
            return file.readall()

    def _add(self, content: bytes) -> None:
        """Add a line, or the reason for which it is ignored."""
        self._n_lines += 1
        try:
            if len(content) > MAX_LINE_BYTES:
                raise ValueError(f"{len(content)} bytes, more than {MAX_LINE_BYTES}")
            line = parse_json(content)
        except ValueError as error:
            self._ignore(f"is no JSON, perhaps of an interrupted write ({error})")
            return
        if problem := find_problem(line):
            self._ignore(problem)
        elif line["id"] in self.by_id:
            self._ignore(f"repeats the id {line['id']}")
        else:
            self.by_id[line["id"]] = line

    def _ignore(self, reason: str) -> None:
        self.problems.append(f"{self._path.name}: line {self._n_lines} is ignored: {reason}")


def _sync_folder(folder: Path) -> None:
    """Write the name of a new file to the disk. Some file systems cannot sync folders."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        return
    finally:
        os.close(number)
