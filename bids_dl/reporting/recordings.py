"""recordings.json: what was done to each recording and what was left out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bids_dl.errors import DamagedStoreError
from bids_dl.store import Store

DOCUMENT = "recordings.json"
NOTHING, NEARLY_ALL = (
    "changed nothing",
    "changed nearly everything",
)  # how a step flags itself in its notes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """What one step did to one recording.

    Attributes
    ----------
    share
        Share of the samples it changed.
    seconds
        The same in s of signal; None in stores made before it was noted.
    """

    step: str
    channels: tuple[str, ...]
    share: float
    seconds: float | None
    notes: tuple[str, ...]

    @property
    def changed_nothing(self) -> bool:
        return any(note.startswith(NOTHING) for note in self.notes)

    @property
    def changed_nearly_all(self) -> bool:
        return any(note.startswith(NEARLY_ALL) for note in self.notes)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes that are no flags."""
        return tuple(note for note in self.notes if not note.startswith((NOTHING, NEARLY_ALL)))

    @property
    def tells(self) -> bool:
        """Whether there is more to say than that the step did its plain task."""
        return bool(self.channels or self.notes or 0 < self.share < 1)


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """One recording: its windows, what was done to it and what was left out.

    Attributes
    ----------
    duration
        Of the recording, in s; None where all of it was left out.
    dropped
        (onset in s, reason) of each event, block or window that was left out.
    """

    key: str
    windows: int
    duration: float | None
    clipped: int
    changes: tuple[Change, ...]
    dropped: tuple[tuple[float, str], ...]

    @property
    def flags(self) -> int:
        """How much there is to look at."""
        share_flag = sum(change.changed_nearly_all for change in self.changes)
        return (
            len(self.dropped)
            + self.clipped
            + share_flag
            + sum(len(change.channels) for change in self.changes)
        )


def treated(store: Store) -> tuple[RecordingReport, ...]:
    """What recordings.json says, in the order of the store; recordings without a window come last.

    Raises
    ------
    DamagedStoreError
        It is not there, or not what a store holds.
    """
    try:
        said = json.loads(store.location.read(DOCUMENT))
        return tuple(_treated(key, one) for key, one in said.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        what = f"{type(problem).__name__}: {problem}"
        raise DamagedStoreError(
            f"{store.url}: {DOCUMENT} cannot be read ({what}); `bids-dl verify` says what else is damaged"
        ) from None


def most_telling(items: Sequence[T], limit: int, telling: Callable[[T], float]) -> tuple[T, ...]:
    """At most ``limit`` items, those that tell most, in their order."""
    if len(items) <= limit:
        return tuple(items)
    chosen = sorted(range(len(items)), key=lambda i: -telling(items[i]))[:limit]
    return tuple(items[i] for i in sorted(chosen))


def _treated(key: str, said: Mapping[str, Any]) -> RecordingReport:
    duration = said.get("duration")
    return RecordingReport(
        key,
        int(said.get("windows", 0)),
        None if duration is None else float(duration),
        int(said.get("clipped", 0)),
        tuple(_change(step) for step in said.get("steps", [])),
        tuple((float(one["onset"]), str(one["reason"])) for one in said["dropped"]),
    )


def _change(said: Mapping[str, Any]) -> Change:
    seconds = said.get("seconds")
    return Change(
        str(said["step"]),
        tuple(str(name) for name in said["channels"]),
        float(said["share"]),
        None if seconds is None else float(seconds),
        tuple(str(note) for note in said["notes"]),
    )
