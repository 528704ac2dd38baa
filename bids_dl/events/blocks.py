"""Event -> Block: the stretches left after --trim, --within, --exclude and --min-duration, cut where a recording is not continuous."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bids_dl.config import EventsConfig, LabelConfig
from bids_dl.datamodel import Block, Event
from bids_dl.errors import EventError

TOLERANCE = 1e-6  # s, by which two blocks may overlap: rounding in events.tsv
Stretch = tuple[float, float]
"""From (included), to (excluded), in s; to ``math.inf`` where the end is unknown."""


def blocks(
    events: Sequence[Event],
    config: EventsConfig,
    durations: Mapping[str, float | None],
    boundaries: Mapping[str, Sequence[float]] | None = None,
    *,
    excluded: Sequence[Event] = (),
    sliding: bool = True,
) -> list[Block]:
    """The selected stretches of each event, in the order of ``events``.

    Parameters
    ----------
    events
        Of a `Selection`.
    durations
        Length of each recording in s, None where unknown.
    boundaries
        Where each recording is not continuous, in s: a block there becomes two.
    excluded
        Of the same `Selection`: a block that overlaps one keeps the parts beside it.
    sliding
        Whether windows will slide in the blocks. Otherwise each event has one block, also a moment (then ``end`` is ``onset``),
        blocks may overlap, and nothing is cut out.

    Returns
    -------
    list of Block
        ``end`` is None where it depends on a recording of unknown length.

    Raises
    ------
    EventError
        If blocks of two labels overlap, unless ``config.overlap`` allows it.
    """
    labels = {label.label: label for label in config.labels}
    whole = [_whole(event, labels[event.label], durations.get(event.recording)) for event in events]
    taken = _taken(events, whole, config) if sliding else {}
    holes = _holes(excluded) if sliding else {}
    found = []
    for index, (event, stretch) in enumerate(zip(events, whole, strict=True)):
        shortest = labels[event.label].min_duration - TOLERANCE
        if not sliding or not event.end_rule:
            pieces: Iterable[Stretch] = [stretch or (event.onset, event.onset)]
        else:
            cuts = [*holes.get(event.recording, ()), *taken.get(index, ()), *_points(boundaries, event.recording)]
            pieces = [piece for piece in _without(stretch, cuts) if piece[1] - piece[0] > TOLERANCE] if stretch else []
        kept = [piece for piece in pieces if piece[1] - piece[0] >= shortest]
        found += [Block(event.recording, index, event.label, start, None if math.isinf(end) else end) for start, end in kept]
    return found


def _whole(event: Event, label: LabelConfig, length: float | None) -> Stretch | None:
    """The stretch of an event before anything is cut out of it; None if nothing is left."""
    if not event.end_rule:
        return None
    known = math.inf if length is None else length
    start, end = max(event.onset, 0.0) + label.trim[0], min(known, math.inf if event.end is None else event.end) - label.trim[1]
    if label.within:
        start, end = max(start, event.onset + label.within[0]), min(end, event.onset + label.within[1])
    return (start, end) if end > start else None


def _holes(excluded: Sequence[Event]) -> dict[str, list[Stretch]]:
    """What --exclude matches, by recording; a moment as the shortest stretch there is."""
    found: dict[str, list[Stretch]] = {}
    for event in excluded:
        end = math.inf if event.end is None else event.end
        lasts = bool(event.end_rule) and end > event.onset
        found.setdefault(event.recording, []).append((event.onset, end if lasts else math.nextafter(event.onset, math.inf)))
    return found


def _points(boundaries: Mapping[str, Sequence[float]] | None, recording: str) -> list[Stretch]:
    return [(time, time) for time in (boundaries or {}).get(recording, ())]


def _without(stretch: Stretch, cuts: Sequence[Stretch]) -> Iterator[Stretch]:
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


def _taken(events: Sequence[Event], whole: Sequence[Stretch | None], config: EventsConfig) -> dict[int, list[Stretch]]:
    """What earlier labels leave no room for, by event; an error unless ``config.overlap`` says who wins."""
    order = {label.label: place for place, label in enumerate(config.labels)}
    found: dict[int, list[Stretch]] = {}
    if config.overlap == "each" or len(order) == 1:
        return found
    for one, other in _overlaps(events, whole):
        if config.overlap == "error":
            raise EventError(
                f"{events[one].recording}: the block of {events[one].label} from {events[one].onset:.3f} s and "
                f"that of {events[other].label} from {events[other].onset:.3f} s overlap;\n"
                "  end or trim them (--until, --trim, --within), or give --overlap first or --overlap each"
            )
        first, last = sorted((one, other), key=lambda index: order[events[index].label])
        found.setdefault(last, []).append(whole[first] or (0.0, 0.0))
    return found


def _overlaps(events: Sequence[Event], whole: Sequence[Stretch | None]) -> Iterator[tuple[int, int]]:
    """Pairs of events of different labels whose stretches overlap, the one that begins first first."""
    begun = sorted((events[i].recording, stretch, i) for i, stretch in enumerate(whole) if stretch is not None)
    active: list[tuple[str, Stretch, int]] = []
    for recording, stretch, index in begun:
        active = [one for one in active if one[0] == recording and one[1][1] > stretch[0] + TOLERANCE]
        for _, _, other in active:
            if events[other].label != events[index].label:
                yield other, index
        active.append((recording, stretch, index))
