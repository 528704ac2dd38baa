"""Output of commands: results on standard output, messages on standard error, progress bars."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.control import Control
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.segment import Segment
from rich.text import Text

from bids_dl.cli.log_file import is_logging, log, log_progress
from bids_dl.cli.progress_lines import ProgressLines, wants_lines
from bids_dl.errors import CONTROLS, escape_controls, mask_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from bids_dl.datamodel import Failure
    from bids_dl.pipeline.outcome import Progress
    from bids_dl.training import TrainingEvent


class _CleanConsole(Console):
    """Console whose texts steer no terminal and show no secret, whatever a dataset holds.

    What is printed is also logged, if the command has a log file.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects, and log them as text."""
        super().print(*objects, **options)
        for shown in objects if is_logging() else ():
            if not isinstance(shown, Control):  # of a progress bar
                log("message" if self.stderr else "result", _as_text(shown))

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render an object, with the text of each segment cleaned. Styles are not changed."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(clean(segment.text), segment.style)


def _as_text(shown: RenderableType) -> str:
    """Return an object that is printed as plain text."""
    if isinstance(shown, str | Text):
        return str(shown)
    width = LOGGED_TABLE_WIDTH
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def clean(text: str) -> str:
    """Mask the secrets of a text, and escape its control characters."""
    return escape_controls(mask_secrets(text))


# names of users may contain brackets and colons, so no text is interpreted as markup
out = _CleanConsole(highlight=False, markup=False, emoji=False)
err = _CleanConsole(stderr=True, highlight=False, markup=False, emoji=False)
notes = _CleanConsole(stderr=True, highlight=False, markup=False, emoji=False)
"""Progress and warnings on standard error; silent with --quiet."""

LOGGED_TABLE_WIDTH = 160  # characters
MAX_LINES = 20  # of warnings and failures on a terminal; JSON and the store have all of them
STAGES = {
    "plan": "planning",
    "fetch": "fetching",
    "stage": "recordings",
    "pack": "windows written",
    "objects": "bytes checked",
    "source": "recordings compared",
    "send": "sent",
    "receive": "received",
    "read back": "read back",
}
"""Descriptions of the stages of conversions, verifications and transfers."""
STAGES_IN_BYTES = {"fetch", "objects", "send", "receive", "read back"}
TRAINING = "training"
"""Key of the progress bar of an epoch."""

logger = logging.getLogger("bids_dl")


def replace_unencodable() -> None:
    """Let both outputs escape characters that they cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)


def flush_output() -> None:
    """Write what standard output still holds.

    If that fails, it is discarded, because Python would try again when the process ends.

    Raises
    ------
    OSError
        Standard output cannot be written to, for example because the disk is full.
    """
    try:
        sys.stdout.flush()
    except OSError as problem:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OSError(problem.errno, problem.strerror, "standard output") from None


def print_bytes(content: bytes) -> None:
    """Write a file to standard output, with escapes of control characters on a terminal.

    Raises
    ------
    OSError
        Standard output cannot be written to.
    """
    if sys.stdout.isatty():
        content = escape_controls(content.decode()).encode()
    try:
        sys.stdout.buffer.write(content)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, "standard output") from None


def print_line(text: str) -> None:
    """Print a message on standard error, also one that --quiet does not silence."""
    log("message", text)
    print(clean(text), file=sys.stderr)  # noqa: T201


class _StderrHandler(logging.Handler):
    """Prints log records on the standard error of the moment, which tests replace."""

    def emit(self, record: logging.LogRecord) -> None:
        print_line(self.format(record))


_HANDLER = _StderrHandler()
_HANDLER.setLevel(logging.INFO)
_HANDLER.setFormatter(logging.Formatter("%(name)s: %(message)s"))


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Choose the messages of a command.

    Parameters
    ----------
    quiet
        Print results and errors only.
    verbose
        Print the warnings of libraries, and the causes of errors.
    """
    notes.quiet = quiet
    root = logging.getLogger()
    root.removeHandler(_HANDLER)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(verbose)
    if verbose:
        root.addHandler(_HANDLER)


def log_causes(problem: BaseException) -> None:
    """Log the exceptions that caused an error, one line each, if the command is verbose."""
    cause = problem.__cause__ or problem.__context__
    while cause is not None:
        logger.info("caused by %s: %s%s", type(cause).__name__, cause, _origin(cause))
        cause = cause.__cause__ or cause.__context__


def _origin(problem: BaseException) -> str:
    """Return the file, line and function that raised an exception, or "" if it was never raised."""
    trace = problem.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f" ({code.co_filename}:{trace.tb_lineno} in {code.co_name})"


def format_pairs(values: Mapping[str, object]) -> str:
    """Format names with their values for one line.

    Examples
    --------
    >>> format_pairs({"eyes_open": 120, "eyes_closed": 118})
    'eyes_open 120, eyes_closed 118'
    """
    return ", ".join(f"{name} {value}" for name, value in values.items())


def format_failure(failure: Failure) -> str:
    """Format a failed recording with its stage and reason for one line."""
    return f"{failure.recording}: {failure.stage}: {failure.reason}"


def print_json(content: Any) -> None:
    """Print a result as one JSON object, with escapes if the output cannot encode its texts."""
    text = dump_json(content, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = dump_json(content, ensure_ascii=True)
    sys.stdout.write(text + "\n")
    log("result", f"printed one JSON document of {len(text)} characters")


def dump_json(content: Any, *, ensure_ascii: bool) -> str:
    """Write JSON without secrets, and with escapes of all control characters."""
    text = json.dumps(content, ensure_ascii=ensure_ascii, indent=1)
    if "://" in text:
        text = mask_secrets(text)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_path(file: Path) -> None:
    """Print the path of a file that a command wrote."""
    out.print(str(file), soft_wrap=True)


def print_message(text: str) -> None:
    """Print a line about the course of a command."""
    notes.print(text, style="dim", soft_wrap=True)


def print_warnings(texts: Sequence[str]) -> None:
    """Print warnings on standard error, one line each, up to `MAX_LINES`."""
    _print_lines(notes, texts, "warning")


def print_failures(texts: Sequence[str]) -> None:
    """Print failed recordings on standard error, one line each, up to `MAX_LINES`."""
    _print_lines(err, texts, "failed")


def _print_lines(console: Console, texts: Sequence[str], word: str) -> None:
    for text in texts[:MAX_LINES]:
        console.print(Text.assemble((f"{word} ", "yellow"), text), soft_wrap=True)
    if len(texts) > MAX_LINES:
        more = f"and {len(texts) - MAX_LINES} more"
        console.print(Text.assemble((f"{word} ", "yellow"), more))


class _AmountColumn(ProgressColumn):
    """What is done and the total; of bytes also the rate and the time left."""

    def render(self, task: Task) -> Text:
        """Format the amount of a bar."""
        total = task.total or 0
        if not task.fields.get("in_bytes"):
            return Text(f"{task.completed:.0f}/{total:.0f}")
        parts = [f"{decimal(int(task.completed))} of {decimal(int(total))}"]
        if task.speed:
            parts.append(f"{decimal(int(task.speed))}/s")
        if task.time_remaining is not None and not task.finished:
            parts.append(f"{timedelta(seconds=int(task.time_remaining))} left")
        return Text(", ".join(parts))


def format_training_progress(event: TrainingEvent) -> str:
    """Format the loss and the speed of an epoch that is running.

    Examples
    --------
    >>> from bids_dl.training.events import TrainingEvent
    >>> values = {"windows_per_second": 812.3, "waiting_share": 0.04, "loss": 0.412}
    >>> format_training_progress(TrainingEvent("progress", "", 4, 0, values))
    'fold 1 of 4, loss 0.412, 812 windows/s, 4 % waiting for data'
    """
    parts = []
    if event.n_folds > 1 and event.fold is not None:
        parts.append(f"fold {event.fold + 1} of {event.n_folds}")
    values = event.values
    parts.append(f"loss {values['loss']:.3f}")
    parts.append(f"{values['windows_per_second']:.0f} windows/s")
    parts.append(f"{values['waiting_share']:.0%} waiting for data".replace("%", " %"))
    return ", ".join(parts)


class ProgressBars:
    """One progress bar per stage of a command."""

    def __init__(self, bars: Bars, lines: ProgressLines | None = None) -> None:
        self._bars = bars
        self._lines = lines
        self._tasks: dict[str, Any] = {}

    def show_conversion(self, progress: Progress) -> None:
        """Show the progress of a conversion. Its failures are printed when it has ended.

        Messages of the stage "plan" are printed above the bars, also without a terminal.
        """
        if progress.stage == "plan" and progress.note:
            print_message(progress.note)
        elif progress.note:
            log(progress.stage, progress.note)
        parts = [STAGES.get(progress.stage, progress.stage)]
        if progress.speed:
            parts.append(f"{progress.speed:.0f} x real time")
        if progress.failed:
            parts.append(f"{progress.failed} failed")
        self._update(progress.stage, progress.done, progress.total, ", ".join(parts))

    def show_verification(self, stage: str, done: int, total: int) -> None:
        """Show the progress of a verification."""
        self._update(stage, done, total, STAGES.get(stage, stage))

    def show_training(self, event: TrainingEvent) -> None:
        """Show the progress within an epoch, and print all other events above it as lines."""
        if event.kind == "progress":
            values = event.values
            text = format_training_progress(event)
            self._update(TRAINING, int(values["step"]), int(values["n_steps"]), text)
            return
        if event.text:
            print_message(event.text)
        if TRAINING in self._tasks:
            self._bars.update(self._tasks[TRAINING], visible=False)

    def _update(self, stage: str, done: int, total: int, description: str) -> None:
        in_bytes = stage in STAGES_IN_BYTES
        log_progress(stage, done, total, STAGES.get(stage, stage))
        if self._lines is not None:
            self._lines.update(stage, done, total, description, in_bytes=in_bytes)
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(description, total=total, in_bytes=in_bytes)
        self._bars.update(
            self._tasks[stage],
            completed=done,
            total=total,
            description=description,
            visible=True,
        )


@contextmanager
def progress_bars() -> Iterator[ProgressBars]:
    """Show progress bars inside the context, on a terminal only, or lines if these are asked."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _AmountColumn(),
        TimeElapsedColumn(),
    )
    hidden = notes.quiet or not notes.is_terminal
    lines = ProgressLines(print_message) if wants_lines() and not notes.is_terminal else None
    with Bars(*columns, console=notes, disable=hidden, transient=True) as bars:
        yield ProgressBars(bars, lines)
