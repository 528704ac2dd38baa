"""What goes wrong or is warned of inside a step, turned into a recording's failure and a report's notes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from bids_dl.errors import RecordingError

LONGEST_REASON = 300  # characters
NOT_FOR_USERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


@contextmanager
def capture_warnings() -> Iterator[list[str]]:
    """Collect what is warned of meanwhile; MNE's log stays silent."""
    import mne

    notes: list[str] = []
    log = mne.utils.logger
    disabled = log.disabled
    with mne.utils.use_log_level("warning"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        log.disabled = True  # at level "error" MNE would not warn at all; at "warning" it would also write where a log is kept
        try:
            yield notes
        finally:
            log.disabled = disabled
            notes.extend(
                one_line(str(warning.message))
                for warning in caught
                if not issubclass(warning.category, NOT_FOR_USERS)
            )


@contextmanager
def as_recording_error(stage: str) -> Iterator[None]:
    """Whatever goes wrong becomes the recording's failure at this stage."""
    try:
        yield
    except RecordingError:
        raise
    except MemoryError as error:
        raise RecordingError(stage, "not enough memory", transient=True) from error
    except Exception as error:
        raise RecordingError(stage, one_line(f"{type(error).__name__}: {error}")) from error


def one_line(text: str) -> str:
    """A message on one line of bearable length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 3] + "..."


def unique(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


NEARLY_ALL = 0.75


NOTHING, NEARLY_EVERYTHING = "changed nothing", "changed nearly everything"


def share_flag(share: float, what: str) -> tuple[str, ...]:
    """A note where a step changed none or most of what it may change.

    Parameters
    ----------
    share
        How much it changed, of what it may change.
    what
        What that is: "samples".
    """
    if share == 0:
        return (NOTHING,)
    return (f"{NEARLY_EVERYTHING}: {share:.0%} of the {what}",) if share > NEARLY_ALL else ()


def settled(parts: Sequence[Sequence[str]]) -> list[str]:
    """All notes on the parts of a recording; a flag only where each part has it, in the words of the first."""
    kinds = (NOTHING, NEARLY_EVERYTHING)
    flags = [next((note for note in parts[0] if note.startswith(kind)), "") for kind in kinds]
    held = [
        flag
        for kind, flag in zip(kinds, flags, strict=True)
        if all(any(note.startswith(kind) for note in part) for part in parts)
    ]
    return [*(note for part in parts for note in part if not note.startswith(kinds)), *held]
