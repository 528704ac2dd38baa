"""Reports on recordings, as a store keeps them in recordings.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bids_dl.errors import DamagedStoreError
from bids_dl.store import Store
from bids_dl.store.json_objects import read_json

DOCUMENT = "recordings.json"
CHANGED_NOTHING = "changed nothing"  # flags of `datamodel.StepReport`
CHANGED_NEARLY_ALL = "changed nearly everything"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StepChange:
    """Changes by one step in one recording.

    Attributes
    ----------
    channels
        Channels changed beyond the plain task of the step, such as interpolated channels.
    share
        Fraction of the samples that the step changed.
    seconds
        Duration of the signal that the step changed, in s; None if an old store lacks it.
    notes
        Notes of the step, without the flag.
    flag
        `CHANGED_NOTHING`, `CHANGED_NEARLY_ALL` or "".
    flag_text
        The flag as text for the reader; "" without a flag.
    """

    step: str
    channels: tuple[str, ...]
    share: float
    seconds: float | None
    notes: tuple[str, ...] = ()
    flag: str = ""
    flag_text: str = ""

    @property
    def changed_nothing(self) -> bool:
        """True if the step is flagged because it changed nothing."""
        return self.flag == CHANGED_NOTHING

    @property
    def changed_nearly_all(self) -> bool:
        """True if the step is flagged because it changed nearly everything."""
        return self.flag == CHANGED_NEARLY_ALL

    @property
    def is_notable(self) -> bool:
        """True if the step changed channels, left notes or a flag, or changed some samples only."""
        return bool(self.channels or self.notes or self.flag or 0 < self.share < 1)


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """An event, block or window that was dropped.

    Attributes
    ----------
    onset
        Its onset in s.
    reason
        The reason in one line, which begins with the step if a step dropped it.
    step
        Name of the step that dropped a window; "" otherwise.
    """

    onset: float
    reason: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """Report on one recording: its windows, the changes by each step and the dropped items.

    Attributes
    ----------
    key
        Key of the recording.
    windows
        Number of windows in the store.
    duration
        Duration of the recording in s; None if the store holds none of its windows.
    clipped
        Number of samples outside the range of int16.
    changes
        Changes by each step, in the order of the steps.
    dropped
        Events, blocks and windows that were dropped.
    """

    key: str
    windows: int
    duration: float | None
    clipped: int
    changes: tuple[StepChange, ...]
    dropped: tuple[DroppedItem, ...]

    @property
    def n_findings(self) -> int:
        """Number of dropped items, clipped samples, changed channels and flagged steps."""
        n_channels = sum(len(change.channels) for change in self.changes)
        n_flagged = sum(change.changed_nearly_all for change in self.changes)
        return len(self.dropped) + self.clipped + n_channels + n_flagged


def read_recording_reports(store: Store) -> tuple[RecordingReport, ...]:
    """Read the reports of all recordings.

    Returns
    -------
    tuple of RecordingReport
        The reports in the order of the store; recordings without windows come last.

    Raises
    ------
    DamagedStoreError
        If recordings.json is missing or has unexpected content.
    """
    try:
        content = read_json(store.location, DOCUMENT)
        return tuple(_parse_recording(key, entry) for key, entry in content.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise DamagedStoreError(
            f"{store.url}: {DOCUMENT} cannot be read ({problem}); "
            "run `bids-dl verify` to see all damage"
        ) from None


def most_notable(items: Sequence[T], limit: int, score: Callable[[T], float]) -> tuple[T, ...]:
    """Select at most ``limit`` items with the highest scores, and keep their order.

    Of equal scores the first items are selected.

    Examples
    --------
    >>> most_notable(["a", "ccc", "bb"], 2, len)
    ('ccc', 'bb')
    """
    by_score = sorted(range(len(items)), key=lambda i: -score(items[i]))
    return tuple(items[i] for i in sorted(by_score[:limit]))


def _parse_recording(key: str, entry: Mapping[str, Any]) -> RecordingReport:
    duration = entry.get("duration")
    return RecordingReport(
        key,
        windows=int(entry.get("windows", 0)),
        duration=None if duration is None else float(duration),
        clipped=int(entry.get("clipped", 0)),
        changes=tuple(map(_parse_step, entry.get("steps", []))),
        dropped=tuple(map(_parse_dropped, entry["dropped"])),
    )


def _parse_step(entry: Mapping[str, Any]) -> StepChange:
    seconds = entry.get("seconds")
    notes = tuple(map(str, entry["notes"]))
    flag = flag_text = str(entry.get("flag", ""))
    if "flag" not in entry:
        flag, flag_text, notes = _flag_of_version_1(notes)
    return StepChange(
        step=str(entry["step"]),
        channels=tuple(map(str, entry["channels"])),
        share=float(entry["share"]),
        seconds=None if seconds is None else float(seconds),
        notes=notes,
        flag=flag,
        flag_text=flag_text,
    )


def _parse_dropped(entry: Mapping[str, Any]) -> DroppedItem:
    reason = str(entry["reason"])
    step = str(entry["step"]) if "step" in entry else _step_of_version_1(reason)
    if step and not reason.startswith(f"{step}: "):
        reason = f"{step}: {reason}"
    return DroppedItem(float(entry["onset"]), reason, step)


def _flag_of_version_1(notes: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Separate the flag from the notes of a step in a store of version 1.

    Such a store has no field for the flag: it is a note that begins with the text of the flag.

    Returns
    -------
    tuple
        The flag, its note and the other notes; "" and "" without a flag.
    """
    for i, note in enumerate(notes):
        for flag in (CHANGED_NOTHING, CHANGED_NEARLY_ALL):
            if note.startswith(flag):
                return flag, note, notes[:i] + notes[i + 1 :]
    return "", "", notes


def _step_of_version_1(reason: str) -> str:
    """Read the step from the reason "STEP: details" in a store of version 1.

    Such a store has no field for the step. The result may be another word if no step dropped the
    item; readers compare it with the names of the steps.
    """
    step, colon, _ = reason.partition(": ")
    return step if colon else ""
