"""Event -> Block: what --trim, --within, --exclude, --around and --min-duration leave, cut where a recording is not continuous."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import Block, Dropped, Event
from bids_dl.errors import EventError
from bids_dl.selection.selection import Selection
from bids_dl.selection.states import Interval

TOLERANCE = 1e-6  # s, by which two blocks may overlap: rounding in events.tsv


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is left of the events of a selection; each event has a block or a reason."""

    blocks: tuple[Block, ...]  # in the order of the events
    dropped: tuple[Dropped, ...]


def blocks(
    selection: Selection,
    config: EventsConfig,
    durations: Mapping[str, float | None],
    boundaries: Mapping[str, Sequence[float]] | None = None,
    *,
    sliding: bool = True,
) -> Blocks:
    """The selected stretches of each event.

    Parameters
    ----------
    durations
        Length of each recording in s, None where unknown.
    boundaries
        Where each recording is not continuous, in s: a block there becomes two.
    sliding
        Whether windows will slide in the blocks. Otherwise each event has one block, also a moment (then ``end`` is ``onset``),
        blocks may overlap, and nothing is cut out.

    Returns
    -------
    Blocks
        The ``end`` of a block is None where it depends on a recording of unknown length.

    Raises
    ------
    EventError
        If blocks of two labels overlap, unless ``config.overlap`` allows it.
    """
    labels = {label.label: label for label in config.labels}
    carver = _Carver(
        labels, durations, boundaries or {}, _holes(selection.excluded), selection.near
    )
    if sliding:
        carved = _untangled(
            selection.events, [carver.carve(event) for event in selection.events], config
        )
    else:
        carved = [carver.whole(event) for event in selection.events]
        carved = [
            left if left.pieces else _Left(((e.onset, e.onset),))
            for e, left in zip(selection.events, carved, strict=True)
        ]
    kept: list[Block] = []
    dropped: list[Dropped] = []
    for index, (event, left) in enumerate(zip(selection.events, carved, strict=True)):
        shortest = labels[event.label].min_duration
        if not left.pieces:
            dropped.append(_dropped(event, event.onset, left.cause, left.reason))
        for start, end in left.pieces:
            if end - start < shortest - TOLERANCE:
                lasts = f"the block lasts {end - start:.3f} s, --min-duration is {shortest:g} s"
                dropped.append(_dropped(event, start, "min-duration", lasts))
            else:
                kept.append(
                    Block(
                        event.recording, index, event.label, start, None if math.isinf(end) else end
                    )
                )
    return Blocks(tuple(kept), tuple(dropped))


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of an event: some stretches in order of time, or why there are none."""

    pieces: tuple[Interval, ...]
    cause: str = ""
    reason: str = ""

    def cut(self, pieces: Iterable[Interval], cause: str, reason: str) -> _Left:
        """The same after another cut; the one that leaves nothing is the cause."""
        found = tuple(piece for piece in pieces if piece[1] - piece[0] > TOLERANCE)
        return self if not self.pieces else _Left(found) if found else _Left((), cause, reason)


@dataclass(frozen=True, slots=True)
class _Carver:
    """All that cuts blocks, but for other blocks."""

    labels: Mapping[str, LabelConfig]
    durations: Mapping[str, float | None]
    boundaries: Mapping[str, Sequence[float]]
    holes: Mapping[tuple[str, str], Sequence[Interval]]
    near: Mapping[tuple[str, str], Sequence[Interval]]

    def carve(self, event: Event) -> _Left:
        """The continuous stretches of an event that are neither excluded nor too far away; a moment stays one."""
        left, place = self.whole(event), (event.recording, event.label)
        if not event.end_rule:
            return left
        if place in self.near:
            near = self.near[place]
            left = left.cut(
                (p for piece in left.pieces for p in _shared(piece, near)),
                "around",
                "all of it is farther than --around says",
            )
        if place in self.holes:
            holes = self.holes[place]
            left = left.cut(
                (p for piece in left.pieces for p in _without(piece, holes)),
                "exclude",
                "all of it overlaps what is excluded",
            )
        jumps = [(time, time) for time in self.boundaries.get(event.recording, ())]
        return left.cut(
            (p for piece in left.pieces for p in _without(piece, jumps)),
            "boundary",
            "the signal is not continuous in it",
        )

    def whole(self, event: Event) -> _Left:
        """The stretch of an event after --trim and --within, as far as its recording goes."""
        if not event.end_rule:
            return _Left(((event.onset, event.onset),))
        label, length = self.labels[event.label], self.durations.get(event.recording)
        known = math.inf if length is None else length
        start, end = (
            max(event.onset, 0.0) + label.trim[0],
            min(known, math.inf if event.end is None else event.end) - label.trim[1],
        )
        if label.within:
            start, end = (
                max(start, event.onset + label.within[0]),
                min(end, event.onset + label.within[1]),
            )
        return _Left(((start, end),)) if end > start else _Left((), *_nothing(event, label, known))


def _nothing(event: Event, label: LabelConfig, length: float) -> tuple[str, str]:
    """Cause and reason where --trim, --within and the recording's end leave nothing of an event."""
    if event.onset >= length:
        return (
            "recording",
            f"it begins at {event.onset:.3f} s, the recording ends at {length:.3f} s",
        )
    given = [f"--trim {label.trim[0]:g},{label.trim[1]:g}"] if any(label.trim) else []
    given += [f"--within {label.within[0]:g},{label.within[1]:g}"] if label.within else []
    lasts = min(length, math.inf if event.end is None else event.end) - event.onset
    return (
        "trim" if any(label.trim) else "within"
    ), f"it lasts {lasts:.3f} s, of which {' and '.join(given) or 'its end'} leaves nothing"


def _dropped(event: Event, onset: float, cause: str, reason: str) -> Dropped:
    return Dropped(event.recording, event.row, onset, event.label, "block", cause, reason)


def _holes(excluded: Sequence[Event]) -> dict[tuple[str, str], list[Interval]]:
    """What --exclude matches, by recording and label; a moment as the shortest stretch there is."""
    found: dict[tuple[str, str], list[Interval]] = {}
    for event in excluded:
        end = math.inf if event.end is None else event.end
        lasts = bool(event.end_rule) and end > event.onset
        stretch = event.onset, end if lasts else math.nextafter(event.onset, math.inf)
        found.setdefault((event.recording, event.label), []).append(stretch)
    return found


def _shared(stretch: Interval, kept: Sequence[Interval]) -> Iterator[Interval]:
    """What some disjoint stretches share with one, in order."""
    for start, end in kept:
        if min(end, stretch[1]) > max(start, stretch[0]):
            yield max(start, stretch[0]), min(end, stretch[1])


def _without(stretch: Interval, cuts: Sequence[Interval]) -> Iterator[Interval]:
    """What is left of a stretch beside some others, in order."""
    start, end = stretch
    for cut_start, cut_end in sorted(cuts):
        if cut_end < start or cut_start >= end or (cut_start == cut_end == start):
            continue
        if cut_start > start:
            yield start, cut_start
        start = max(start, cut_end)
    if end > start:
        yield start, end


def _untangled(
    events: Sequence[Event], carved: Sequence[_Left], config: EventsConfig
) -> list[_Left]:
    """What is left where blocks of two labels overlap; an error unless ``config.overlap`` says who wins."""
    order = {label.label: place for place, label in enumerate(config.labels)}
    if config.overlap == "each" or len(order) == 1:
        return list(carved)
    taken: dict[int, list[Interval]] = {}
    for (one, first), (other, second) in _overlaps(events, carved):
        if config.overlap == "error":
            raise EventError(
                f"{events[one].recording}: the block of {events[one].label} from {events[one].onset:.3f} s and "
                f"that of {events[other].label} from {events[other].onset:.3f} s overlap;\n"
                "  end or trim them (--until, --trim, --within), or give --overlap first or --overlap each"
            )
        loser, winner = (
            (other, first)
            if order[events[one].label] < order[events[other].label]
            else (one, second)
        )
        taken.setdefault(loser, []).append(winner)
    reason = "all of it belongs to an earlier label (--overlap first)"
    return [
        left.cut(
            (p for piece in left.pieces for p in _without(piece, taken[index])), "overlap", reason
        )
        if index in taken
        else left
        for index, left in enumerate(carved)
    ]


def _overlaps(
    events: Sequence[Event], carved: Sequence[_Left]
) -> Iterator[tuple[tuple[int, Interval], tuple[int, Interval]]]:
    """Pairs of pieces of different labels that overlap, each with the number of its event; the one that begins first first."""
    pieces = [
        (events[i].recording, piece, i)
        for i, left in enumerate(carved)
        for piece in left.pieces
        if piece[1] > piece[0]
    ]
    active: list[tuple[str, Interval, int]] = []
    for recording, stretch, index in sorted(pieces):
        active = [
            one for one in active if one[0] == recording and one[1][1] > stretch[0] + TOLERANCE
        ]
        for _, earlier, other in active:
            if events[other].label != events[index].label:
                yield (other, earlier), (index, stretch)
        active.append((recording, stretch, index))
