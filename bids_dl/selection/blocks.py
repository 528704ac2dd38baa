"""Event -> Block: apply --trim, --within, --exclude, --around and --min-duration.

Blocks are cut at the recording's end and at discontinuities. HED knows no blocks: this is what
EEGLAB's ``pop_epochhed`` leaves to the user.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import Block, Dropped, Event
from bids_dl.errors import EventError
from bids_dl.selection.interval import Interval, event_interval, intersect, subtract
from bids_dl.selection.selection import Selection

TOLERANCE = 1e-6  # s, if the sampling rate is unknown: rounding in events.tsv


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """The blocks of a selection. Each event has a block or a reason."""

    blocks: tuple[Block, ...]  # in the order of the events
    dropped: tuple[Dropped, ...]


def plan_blocks(
    selection: Selection,
    config: EventsConfig,
    durations: Mapping[str, float | None],
    boundaries: Mapping[str, Sequence[float]] | None = None,
    *,
    sfreqs: Mapping[str, float | None] | None = None,
    sliding: bool = True,
) -> BlockPlan:
    """Determine the blocks of each event.

    Parameters
    ----------
    selection
        Result of `select`.
    config
        Options of the labels.
    durations
        Length of each recording in s; None if unknown.
    boundaries
        Times in s at which each recording is not continuous. They split a block.
    sfreqs
        Sampling rate of each recording in Hz, as far as it is known. A difference of less than
        half a sample is rounding of events.tsv: no overlap, no part of a block that is cut, and no
        shortage against --min-duration.
    sliding
        True if sliding windows will be placed in the blocks. Otherwise each event has one block,
        even if it has no length (its ``end`` is then its ``onset``), blocks may overlap, and
        nothing is cut out.

    Returns
    -------
    BlockPlan
        The ``end`` of a block is None if it depends on a recording of unknown length.

    Raises
    ------
    EventError
        If blocks of two labels overlap, unless ``config.overlap`` allows it.

    Examples
    --------
    >>> event = Event("ds/a", 0, 10.0, 50.0, "until", "red")
    >>> config = EventsConfig(labels=(LabelConfig("red", "Red", trim=(1, 2)),))
    >>> plan = plan_blocks(Selection((event,), {}, ()), config, {"ds/a": 45.0})
    >>> [(block.onset, block.end) for block in plan.blocks]
    [(11.0, 43.0)]
    """
    labels = {label.label: label for label in config.labels}
    excluded = _excluded_intervals(selection.excluded)
    tolerances = _tolerances(selection.events, sfreqs or {})
    trimmer = _BlockTrimmer(
        labels, durations, boundaries or {}, excluded, selection.around, tolerances
    )
    if sliding:
        remainders = list(map(trimmer.trim, selection.events))
        remainders = _resolve_overlaps(selection.events, remainders, config, tolerances)
    else:
        remainders = list(map(trimmer.trim_or_onset, selection.events))
    blocks: list[Block] = []
    dropped: list[Dropped] = []
    for index, (event, remainder) in enumerate(zip(selection.events, remainders, strict=True)):
        min_duration = labels[event.label].min_duration
        if not remainder.intervals:
            dropped.append(_dropped(event, event.onset, remainder.option, remainder.reason))
        for start, stop in remainder.intervals:
            if stop - start < min_duration - tolerances[event.recording]:
                reason = (
                    f"the block lasts {stop - start:.3f} s, --min-duration is {min_duration:g} s"
                )
                dropped.append(_dropped(event, start, "min-duration", reason))
            else:
                end = None if math.isinf(stop) else stop
                blocks.append(Block(event.recording, index, event.label, start, end))
    return BlockPlan(tuple(blocks), tuple(dropped))


def _tolerances(events: Sequence[Event], sfreqs: Mapping[str, float | None]) -> dict[str, float]:
    """Return half a sample in s for each recording, or `TOLERANCE` if its rate is unknown."""
    tolerances = {}
    for event in events:
        sfreq = sfreqs.get(event.recording)
        tolerances[event.recording] = max(TOLERANCE, 0.5 / sfreq) if sfreq else TOLERANCE
    return tolerances


def _dropped(event: Event, onset: float, option: str, reason: str) -> Dropped:
    return Dropped(event.recording, event.row, onset, event.label, "block", option, reason)


def _excluded_intervals(excluded: Sequence[Event]) -> dict[tuple[str, str], list[Interval]]:
    """Return (recording, label) -> intervals that match --exclude.

    An event without length becomes the shortest interval that floats can represent.
    """
    intervals: dict[tuple[str, str], list[Interval]] = {}
    for event in excluded:
        start, stop = event_interval(event.onset, event.end, event.end_rule)
        interval = Interval(start, stop if stop > start else math.nextafter(start, math.inf))
        intervals.setdefault((event.recording, event.label), []).append(interval)
    return intervals


@dataclass(frozen=True, slots=True)
class _Remainder:
    """The intervals of an event that remain, in order of time, or why none does."""

    intervals: tuple[Interval, ...]
    option: str = ""  # that left nothing
    reason: str = ""

    def split(
        self,
        split: Callable[[Interval], Iterable[Interval]],
        option: str,
        reason: str,
        *,
        tolerance: float,
    ) -> _Remainder:
        """Replace each interval by the parts that ``split`` leaves and that exceed a tolerance.

        ``option`` and ``reason`` are kept if nothing remains that did before.
        """
        if not self.intervals:
            return self
        kept: list[Interval] = []
        for interval in self.intervals:
            for part in split(interval):
                length = part.stop - part.start
                if length > tolerance or (part == interval and length > TOLERANCE):
                    kept.append(part)
        return _Remainder(tuple(kept)) if kept else _Remainder((), option, reason)


@dataclass(frozen=True, slots=True)
class _BlockTrimmer:
    """Applies to one event everything that shortens its block, except other blocks."""

    labels: Mapping[str, LabelConfig]
    durations: Mapping[str, float | None]
    boundaries: Mapping[str, Sequence[float]]
    excluded: Mapping[tuple[str, str], Sequence[Interval]]
    around: Mapping[tuple[str, str], Sequence[Interval]]
    tolerances: Mapping[str, float]

    def trim(self, event: Event) -> _Remainder:
        """Return the continuous parts of an event that no option cuts off.

        An event without length is returned unchanged.
        """
        remainder = self.trim_ends(event)
        if not event.end_rule:
            return remainder
        key = (event.recording, event.label)
        tolerance = self.tolerances[event.recording]
        if key in self.around:
            around = self.around[key]
            remainder = remainder.split(
                lambda interval: intersect(interval, around),
                "around",
                "all of it is farther away than --around allows",
                tolerance=tolerance,
            )
        if key in self.excluded:
            excluded = self.excluded[key]
            remainder = remainder.split(
                lambda interval: subtract(interval, excluded),
                "exclude",
                "all of it overlaps matches of --exclude",
                tolerance=tolerance,
            )
        boundaries = [Interval(time, time) for time in self.boundaries.get(event.recording, ())]
        return remainder.split(
            lambda interval: subtract(interval, boundaries),
            "boundary",
            "the signal in it is not continuous",
            tolerance=tolerance,
        )

    def trim_or_onset(self, event: Event) -> _Remainder:
        """Return an event after --trim and --within, or its onset if they leave nothing."""
        remainder = self.trim_ends(event)
        if remainder.intervals:
            return remainder
        return _Remainder((Interval(event.onset, event.onset),))

    def trim_ends(self, event: Event) -> _Remainder:
        """Return an event after --trim and --within, up to the recording's end."""
        if not event.end_rule:
            return _Remainder((Interval(event.onset, event.onset),))
        label = self.labels[event.label]
        length = self._recording_length(event)
        stop = min(length, event_interval(event.onset, event.end, event.end_rule).stop)
        first = max(event.onset, 0.0) + label.trim[0]
        last = stop - label.trim[1]
        if label.within:
            first = max(first, event.onset + label.within[0])
            last = min(last, event.onset + label.within[1])
        if last > first:
            return _Remainder((Interval(first, last),))
        return _nothing_left(event, label, length, stop - event.onset)

    def _recording_length(self, event: Event) -> float:
        """Return the length of the event's recording in s, inf if unknown."""
        length = self.durations.get(event.recording)
        return math.inf if length is None else length


def _nothing_left(event: Event, label: LabelConfig, length: float, lasts: float) -> _Remainder:
    """Explain why --trim, --within and the recording's end leave nothing of an event.

    Parameters
    ----------
    length
        Of the recording, in s.
    lasts
        Length of the event within the recording, in s.
    """
    if event.onset >= length:
        reason = f"it begins at {event.onset:.3f} s, the recording ends at {length:.3f} s"
        return _Remainder((), "recording", reason)
    options = []
    if any(label.trim):
        options.append(f"--trim {label.trim[0]:g},{label.trim[1]:g}")
    if label.within:
        options.append(f"--within {label.within[0]:g},{label.within[1]:g}")
    reason = f"it lasts {lasts:.3f} s, of which {' and '.join(options) or 'its end'} leaves nothing"
    return _Remainder((), "trim" if any(label.trim) else "within", reason)


class _Piece(NamedTuple):
    """One interval of one event, sorted by recording and time."""

    recording: str
    interval: Interval
    event_index: int


def _resolve_overlaps(
    events: Sequence[Event],
    remainders: Sequence[_Remainder],
    config: EventsConfig,
    tolerances: Mapping[str, float],
) -> list[_Remainder]:
    """Resolve overlaps between blocks of two labels as --overlap says.

    With ``"first"``, the label that comes first in the request keeps the overlap.
    """
    order = {label.label: place for place, label in enumerate(config.labels)}
    if config.overlap == "each" or len(order) == 1:
        return list(remainders)
    taken: dict[int, list[Interval]] = {}  # index of an event -> what other labels keep
    for first, second in _overlaps(events, remainders, tolerances):
        earlier = events[first.event_index]
        later = events[second.event_index]
        if config.overlap == "error":
            raise EventError(
                f"{earlier.recording}: the block of {earlier.label} from {earlier.onset:.3f} s and "
                f"that of {later.label} from {later.onset:.3f} s overlap;\n"
                "  end or trim them (--until, --trim, --within), "
                "or give --overlap first or --overlap each"
            )
        if order[earlier.label] < order[later.label]:
            taken.setdefault(second.event_index, []).append(first.interval)
        else:
            taken.setdefault(first.event_index, []).append(second.interval)
    resolved = list(remainders)
    for index, intervals in taken.items():
        tolerance = tolerances[events[index].recording]
        resolved[index] = _without(remainders[index], intervals, tolerance)
    return resolved


def _without(remainder: _Remainder, intervals: Sequence[Interval], tolerance: float) -> _Remainder:
    """Subtract the blocks of earlier labels from an event."""
    return remainder.split(
        lambda interval: subtract(interval, intervals),
        "overlap",
        "all of it belongs to an earlier label (--overlap first)",
        tolerance=tolerance,
    )


def _overlaps(
    events: Sequence[Event], remainders: Sequence[_Remainder], tolerances: Mapping[str, float]
) -> Iterator[tuple[_Piece, _Piece]]:
    """Yield the pairs of overlapping intervals of different labels, the earlier one first."""
    pieces: list[_Piece] = []
    for index, remainder in enumerate(remainders):
        pieces += [
            _Piece(events[index].recording, interval, index)
            for interval in remainder.intervals
            if interval.stop > interval.start
        ]
    active: list[_Piece] = []  # those that the next one may overlap
    for piece in sorted(pieces):
        start = piece.interval.start + tolerances[piece.recording]
        active = [
            other
            for other in active
            if other.recording == piece.recording and other.interval.stop > start
        ]
        for other in active:
            if events[other.event_index].label != events[piece.event_index].label:
                yield other, piece
        active.append(piece)
