"""What each step of the recipe did, over all recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bids_dl.reporting.message_groups import MessageGroup, grouped
from bids_dl.reporting.recordings import Change, RecordingReport


@dataclass(frozen=True, slots=True)
class Share:
    """Share of the samples that a step changed: over recordings, the least, the median and the greatest."""

    least: float
    middle: float
    most: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the recipe and what it did.

    Attributes
    ----------
    parameters
        Name and value, as text.
    recordings
        How many it was applied to.
    seconds
        Of signal that it changed, over all of them; None where the store does not say.
    left_out
        Windows that it left out.
    touched
        Channels it changed beyond its plain task, with the number of recordings, the most frequent first.
    with_channels
        In how many recordings it did so.
    nothing, nearly_all
        Keys of the recordings in which it flagged itself.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    recordings: int
    share: Share | None
    seconds: float | None
    left_out: int
    touched: tuple[tuple[str, int], ...]
    with_channels: int
    nothing: tuple[str, ...]
    nearly_all: tuple[str, ...]
    notes: tuple[MessageGroup, ...]


Applied = tuple[str, Change]
"""Key of a recording, and what a step did to it."""


def steps(
    recipe: Sequence[Mapping[str, Any]], recordings: Sequence[RecordingReport]
) -> tuple[Step, ...]:
    """What each step of a recipe did.

    Parameters
    ----------
    recipe
        ``{name: parameters}`` of each step, as a store's request has them.
    """
    names = [next(iter(step)) for step in recipe]
    applied = _aligned(names, recordings)
    dropped = Counter(reason.partition(": ")[0] for one in recordings for _, reason in one.dropped)
    left_out = {
        name: dropped[name] if names.count(name) == 1 else 0 for name in names
    }  # of two with a name nobody knows which it was
    return tuple(
        _summary(name, step[name] or {}, applied[place], left_out[name])
        for name, place, step in zip(names, _places(names), recipe, strict=True)
    )


def others(
    recipe: Sequence[Mapping[str, Any]], recordings: Sequence[RecordingReport]
) -> tuple[Step, ...]:
    """What was told that no step of the recipe did, such as what was seen when a recording was read."""
    names = [next(iter(step)) for step in recipe]
    known = set(_places(names))
    return tuple(
        _summary(place[0], {}, told)
        for place, told in _aligned(names, recordings).items()
        if place not in known
    )


def _aligned(
    names: Sequence[str], recordings: Sequence[RecordingReport]
) -> dict[tuple[str, int], list[Applied]]:
    """What was done by the first, second, ... step of a name."""
    applied: dict[tuple[str, int], list[Applied]] = {place: [] for place in _places(names)}
    for one in recordings:
        for place, change in zip(
            _places([change.step for change in one.changes]), one.changes, strict=True
        ):
            applied.setdefault(place, []).append((one.key, change))
    return applied


def _places(names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each name with how many times it came before."""
    seen: Counter[str] = Counter()
    for name in names:
        yield name, seen[name]
        seen[name] += 1


def _summary(
    name: str, parameters: Mapping[str, Any], applied: Sequence[Applied], left_out: int = 0
) -> Step:
    changes = [change for _, change in applied]
    shares = [change.share for change in changes]
    seconds = [change.seconds for change in changes if change.seconds is not None]
    touched = Counter(channel for change in changes for channel in dict.fromkeys(change.channels))
    remarks = ((key, note) for key, change in applied for note in change.remarks)
    return Step(
        name,
        tuple((key, in_words(value)) for key, value in parameters.items() if value is not None),
        len(applied),
        Share(min(shares), median(shares), max(shares)) if shares else None,
        sum(seconds) if seconds and len(seconds) == len(changes) else None,
        left_out,
        tuple(sorted(touched.items(), key=lambda item: -item[1])),
        sum(bool(change.channels) for change in changes),
        tuple(key for key, change in applied if change.changed_nothing),
        tuple(key for key, change in applied if change.changed_nearly_all),
        grouped(remarks, loosely=True),
    )


def in_words(value: Any) -> str:
    """A parameter as a reader would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} → {in_words(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(in_words(inner) for inner in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
