"""Log file of a command: what it says, its stages and durations, and the traceback of a failure.

A line holds time, process and kind of an entry: ``2026-11-30T06:12:16+00:00 [4711] stage: ...``
Lines are appended, each by one write, so that several processes may share a file. Secrets are
masked. A log that cannot be written any more ends, and the command continues.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import shlex
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bids_dl.config.values import SECRET_FLAGS, parse_assignments
from bids_dl.errors import MASK, ConfigError, escape_controls, mask_secrets
from bids_dl.output import check_output, describe_os_error

FLAG = "--log-file"
VARIABLE = "BIDS_DL_LOG"
"""Variable of the environment that names the log file of commands without `--log-file`."""
SOFTWARE = ("bids_dl", "numpy", "torch", "zarr", "mne", "mne-bids", "hedtools", "fsspec", "dask")
"""Distributions whose versions are logged."""
MIN_SECRET_CHARS = 6  # shorter values are too common in other texts to be replaced
SECRET_VARIABLES = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|CONNECTION_STRING|_KEY|_KEY_ID)$", re.IGNORECASE
)
"""Variables of the environment whose values are never written, such as ``HF_TOKEN``."""
USER_OF_URL = re.compile(r"://([^\s/?#]*)@")
STORE_ROOT = "zarr.json"

durations = logging.getLogger("bids_dl.durations")
"""Seconds of each recording, as the pipeline reports them."""


class LogFile:
    """A file to which a command appends lines.

    Parameters
    ----------
    file
        File to append to. It is created if it does not exist.
    secrets
        Values that are never written.
    origin
        Option or variable that names the file, for messages.

    Raises
    ------
    ConfigError
        The file cannot be written, or is inside a store.
    """

    def __init__(self, file: Path, secrets: Sequence[str] = (), *, origin: str = FLAG) -> None:
        self._title = f"{origin} {file}"
        check_output(self._title, file)
        _check_not_in_store(self._title, file)
        try:
            self._descriptor = _open_for_appending(file)
        except OSError as problem:
            raise ConfigError(f"{self._title}: cannot be written ({problem.strerror})") from None
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)
        self._start = time.monotonic()
        self._stages: dict[str, float] = {}  # start in s, by name

    def write(self, kind: str, text: str) -> None:
        """Append a text, one line for each of its lines.

        Parameters
        ----------
        kind
            ``"command"``, ``"message"``, ``"stage"``, ``"recording"``, ``"error"``, ...
        """
        if self._descriptor < 0:
            return
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        prefix = f"{now} [{os.getpid()}] {kind}: "
        lines = [f"{prefix}{line}\n" for line in escape_controls(mask_secrets(text)).splitlines()]
        try:
            os.write(self._descriptor, "".join(lines).encode("utf-8", "backslashreplace"))
        except OSError as problem:
            self._end()
            reason = describe_os_error(problem)
            line = f"warning {self._title}: {reason}; the log ends here"
            print(line, file=sys.stderr)  # noqa: T201

    def write_progress(self, stage: str, done: int, total: int, description: str) -> None:
        """Log the start of a stage, and its end with its duration."""
        now = time.monotonic()
        if stage not in self._stages:
            self._stages[stage] = now
            self.write("stage", f"{description} begins: {total} to do")
        if done >= total and self._stages[stage] >= 0:
            self.write("stage", f"{description}: {total} in {now - self._stages[stage]:.1f} s")
            self._stages[stage] = -1.0  # ended

    def close(self, status: object) -> None:
        """Log the exit status and the duration of the command, and close the file."""
        self.write("end", f"status {status} after {time.monotonic() - self._start:.1f} s")
        self._end()

    def _end(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


class _LogHandler(logging.Handler):
    """Writes records of the module `logging` to the log file that is open."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = "recording" if record.name == durations.name else record.levelname.lower()
        log(kind, record.getMessage())


_OPEN: list[LogFile] = []  # the log file of the command that runs, if it has one
_HANDLER = _LogHandler()


def open_log(file: str | None, environment: Mapping[str, str] = os.environ) -> None:
    """Open the log file of a command, and log the command and the versions of the software.

    Parameters
    ----------
    file
        Value of `--log-file`; None for the file that the environment names, if any.

    Raises
    ------
    ConfigError
        The file cannot be written, or is inside a store.
    """
    chosen = environment.get(VARIABLE, "") if file is None else file
    if _OPEN or (file is None and not chosen):
        return
    words, hidden = mask_arguments(sys.argv[1:])
    secrets = list(_find_secrets(sys.argv[1:], hidden, environment))
    origin = VARIABLE if file is None else FLAG
    opened = LogFile(Path(chosen).expanduser(), secrets, origin=origin)
    _OPEN.append(opened)
    opened.write("command", shlex.join(["bids-dl", *words]))
    opened.write("folder", os.getcwd())  # noqa: PTH109
    opened.write("software", _describe_software())
    root = logging.getLogger()
    if not root.handlers and logging.lastResort is not None:
        root.addHandler(logging.lastResort)  # because it is silent once there is a handler
    root.addHandler(_HANDLER)
    durations.setLevel(logging.DEBUG)


def open_log_of_arguments() -> None:
    """Open the log file of a command whose arguments are wrong, before they were parsed.

    A file that cannot be written is ignored, because the error of the arguments comes first.
    """
    words = sys.argv[1:]
    file = None
    for number, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag == FLAG:
            file = value if equals else "".join(words[number + 1 : number + 2])
    with suppress(ConfigError):
        open_log(file or None)


def close_log(status: object) -> None:
    """Log the exit status of a command, and close its log file if it has one."""
    root = logging.getLogger()
    root.removeHandler(_HANDLER)
    if logging.lastResort is not None:
        root.removeHandler(logging.lastResort)
    durations.setLevel(logging.NOTSET)
    while _OPEN:
        _OPEN.pop().close(status)


def is_logging() -> bool:
    """Return whether the command has a log file."""
    return bool(_OPEN)


def log(kind: str, text: str) -> None:
    """Append a text to the log file of the command, if it has one."""
    for opened in _OPEN:
        opened.write(kind, text)


def log_progress(stage: str, done: int, total: int, description: str) -> None:
    """Log the start and the end of a stage, if the command has a log file."""
    for opened in _OPEN:
        opened.write_progress(stage, done, total, description)


def log_traceback(problem: BaseException) -> None:
    """Log an exception with its causes and the lines that raised them."""
    if _OPEN:
        log("traceback", "".join(traceback.format_exception(problem)).rstrip())


def mask_arguments(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Mask the values of the options that may hold secrets.

    Parameters
    ----------
    words
        Arguments of a command.

    Returns
    -------
    masked : list of str
        The arguments as they may be logged.
    hidden : list of str
        The values that were masked.

    Examples
    --------
    >>> mask_arguments(["info", "s3://b/x", "--storage-option", "secret=abcdefgh"])
    (['info', 's3://b/x', '--storage-option', 'secret=***'], ['abcdefgh'])
    """
    masked: list[str] = []
    hidden: list[str] = []
    is_secret = False
    for word in words:
        flag, equals, value = word.partition("=")
        if is_secret:
            masked.append(f"{flag}={MASK}")
            hidden.append(value)
        elif equals and flag in SECRET_FLAGS:
            name, _, inner = value.partition("=")
            masked.append(f"{flag}={name}={MASK}")
            hidden.append(inner)
        else:
            masked.append(word)
        is_secret = not is_secret and word in SECRET_FLAGS
    return masked, hidden


def _find_secrets(
    words: Sequence[str], hidden: Sequence[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the values that the log never holds, also where a message repeats one alone.

    Parameters
    ----------
    words
        Arguments of the command. The users and passwords of their URLs are secrets.
    hidden
        Values of options that may be secrets. So may be each value inside them.
    """
    found = [value for name, value in environment.items() if SECRET_VARIABLES.search(name)]
    for text in hidden:
        found += [text, *_values_in(parse_assignments([f"option={text}"], "") or {})]
    for word in words:
        for user in USER_OF_URL.findall(word):
            parts = str(user).split(":", 1)
            found += [*parts, *map(unquote, parts)]
    yield from (text for text in found if len(text) >= MIN_SECRET_CHARS)


def _values_in(content: Any) -> Iterator[str]:
    """Yield the values in mappings and lists, as text."""
    if isinstance(content, Mapping):
        content = list(content.values())
    if not isinstance(content, list):
        yield str(content)
        return
    for item in content:
        yield from _values_in(item)


def _open_for_appending(file: Path) -> int:
    """Open a file, and refuse a named pipe that no process reads instead of waiting for one."""
    no_wait = getattr(os, "O_NONBLOCK", 0)  # which Windows has not
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | no_wait, 0o666)
    if no_wait:
        os.set_blocking(descriptor, True)
    return descriptor


def _describe_software() -> str:
    """Return the versions of Python, the system and the main packages."""
    parts = [f"Python {platform.python_version()}", platform.platform()]
    for name in SOFTWARE:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} (not installed)")
    return ", ".join(parts)


def _check_not_in_store(title: str, file: Path) -> None:
    """Refuse a file inside a store or its staging folder, whose files are all known."""
    for folder in file.resolve().parents:
        if folder.name.endswith((".zarr", ".staging")) or (folder / STORE_ROOT).is_file():
            raise ConfigError(f"{title}: is inside the store {folder}; choose another folder")
