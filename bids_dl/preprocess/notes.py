"""Warnings, errors and flags of a step, as they appear in the report of a recording."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from bids_dl.datamodel import ShareFlag
from bids_dl.errors import BidsDlError, RecordingError
from bids_dl.wording import count, one_line, without_folders

MAX_NOTES = 20  # of a step on a recording: a long recording has many excerpts with notes each
MIN_SHARE_FLAGGED = 0.75  # share above which a step is said to change nearly everything
HIDDEN_WARNINGS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


@contextmanager
def capture_warnings() -> Iterator[list[str]]:
    """Collect the warnings issued inside the context, and keep MNE's log off the terminal.

    Yields
    ------
    list of str
        Filled when the context ends: one line per warning, without warnings for developers.
    """
    import mne

    notes: list[str] = []
    log = mne.utils.logger
    was_disabled = log.disabled
    with at_warning_level(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # MNE does not warn at level "error", and at level "warning" it also writes to its log.
        log.disabled = True
        try:
            yield notes
        finally:
            log.disabled = was_disabled
            shown = [item for item in caught if not issubclass(item.category, HIDDEN_WARNINGS)]
            notes.extend(one_line(without_folders(item.message)) for item in shown)


@contextmanager
def at_warning_level() -> Iterator[None]:
    """Let MNE log warnings only. Nested contexts cost nothing; a change takes 0.1 ms."""
    import mne

    if mne.utils.logger.level == logging.WARNING:
        yield
        return
    with mne.utils.use_log_level("warning"):
        yield


@contextmanager
def as_recording_error(stage: str) -> Iterator[None]:
    """Convert any exception into a `RecordingError` of this stage.

    Parameters
    ----------
    stage
        ``"read"``, or the name of a step.

    Raises
    ------
    RecordingError
        Any exception was raised inside the context. A lack of memory is transient.
    """
    try:
        yield
    except RecordingError:
        raise
    except MemoryError as error:
        raise RecordingError(stage, "not enough memory", transient=True) from error
    except Exception as error:
        reason = one_line(without_folders(f"{type(error).__name__}: {error}"))
        raise RecordingError(stage, reason) from error


@contextmanager
def as_planning_error(step: str) -> Iterator[None]:
    """Convert an exception of a step that is asked what it needs, as that of a plug-in may be.

    Errors of bids_dl, such as of a package that is not installed, are not changed.

    Raises
    ------
    RecordingError
        Any other exception was raised inside the context.
    """
    try:
        yield
    except BidsDlError:
        raise
    except Exception as error:
        reason = one_line(without_folders(f"{type(error).__name__}: {error}"))
        raise RecordingError(step, reason) from error


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text once, in order of first occurrence."""
    return tuple(dict.fromkeys(texts))


def merge_notes(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Merge the notes on the excerpts of a recording, and count those beyond `MAX_NOTES`."""
    notes = unique(note for part in parts for note in part)
    if len(notes) <= MAX_NOTES:
        return notes
    return (*notes[:MAX_NOTES], f"and {count(len(notes) - MAX_NOTES, 'more note')}")


def share_flag(share: float) -> ShareFlag:
    """Return the flag of a step that changed nothing, or nearly everything, that it may change.

    Parameters
    ----------
    share
        Changed samples, channels, components or windows over those that the step may change.
    """
    if share == 0:
        return "changed nothing"
    return "changed nearly everything" if share > MIN_SHARE_FLAGGED else ""


def merge_flags(flags: Sequence[ShareFlag]) -> ShareFlag:
    """Return the flag that the reports on all excerpts of a recording share, or ""."""
    return flags[0] if len(set(flags)) == 1 else ""
