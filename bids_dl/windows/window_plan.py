"""Plan of all windows of a request, and of those that are dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter, itemgetter

from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Dropped, Event, Window, nearest_sample
from bids_dl.windows.obstacles import find_problem, find_suspects
from bids_dl.windows.positions import count_in_block, divide_blocks, event_locked_windows
from bids_dl.windows.recording_limits import RecordingLimits
from bids_dl.windows.window_sequence import WindowSequence


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Windows of a plan, and the windows and blocks that were dropped."""

    windows: WindowSequence
    dropped: tuple[Dropped, ...]  # impossible windows, and blocks shorter than a window
    open: Mapping[str, int]  # label -> number of blocks whose end is not known yet


def plan_windows(
    events: Sequence[Event],
    blocks: Iterable[Block],
    config: WindowsConfig,
    limits: Mapping[str, RecordingLimits],
) -> WindowPlan:
    """Plan all windows of blocks (sliding) or of events (event-locked), in order of the events.

    Parameters
    ----------
    events
        Selected events.
    blocks
        Blocks of the events after trimming. `Block.index` is an index into ``events``.
    config
        Kind and size of the windows.
    limits
        Rate, length, boundaries and exclusions by `Recording.key`. A recording without an entry
        does not limit its windows.

    Returns
    -------
    WindowPlan
        A window that leaves its recording, crosses a boundary or overlaps an exclusion is in
        ``dropped``, with the reason.

    Examples
    --------
    >>> event = Event("ds/sub-1", 0, onset=1.0, end=6.0, end_rule="duration", label="rest")
    >>> block = Block("ds/sub-1", 0, "rest", onset=1.0, end=6.0)
    >>> limits = {"ds/sub-1": RecordingLimits(sfreq=100.0, n_times=1000, boundaries=(4.0,))}
    >>> plan = plan_windows([event], [block], WindowsConfig(window=2.0), limits)
    >>> [(window.onset, window.start) for window in plan.windows]
    [(1.0, 100)]
    >>> plan.dropped[0].reason
    'the signal is not continuous at 4.000 s'
    """
    parts: list[WindowSequence] = []
    dropped: list[Dropped] = []
    n_open: Counter[str] = Counter()
    for key, group in groupby(blocks, key=attrgetter("recording")):
        recording_limits = limits.get(key, RecordingLimits())
        recording_blocks = list(group)
        if config.sliding:
            n_open.update(block.label for block in recording_blocks if block.end is None)
            recording_blocks = [block for block in recording_blocks if block.end is not None]
            counts = [count_in_block(block, config, recording_limits) for block in recording_blocks]
            candidates = divide_blocks(recording_blocks, counts, config, recording_limits)
        else:
            counts = [1] * len(recording_blocks)
            candidates = event_locked_windows(events, recording_blocks, config, recording_limits)
        problems = _find_problems(candidates, events, config, recording_limits)
        counted = zip(recording_blocks, counts, strict=True)
        dropped += _describe_dropped(candidates, problems, events, counted, config)
        parts.append(candidates.without(problems))
    return WindowPlan(WindowSequence.joined(parts), tuple(dropped), dict(n_open))


def _find_problems(
    windows: WindowSequence,
    events: Sequence[Event],
    config: WindowsConfig,
    limits: RecordingLimits,
) -> dict[int, tuple[str, str]]:
    """Return the option and the reason that make windows of a recording impossible, by number."""
    problems = {}
    for number in find_suspects(windows, config, limits).tolist():
        window = _exact_window(windows[number], events, config, limits)
        problem = find_problem(window, config, limits)
        if problem is not None:
            problems[number] = problem
    return problems


def _exact_window(
    window: Window, events: Sequence[Event], config: WindowsConfig, limits: RecordingLimits
) -> Window:
    """Return a window with its samples as integers of any size, for a message about them."""
    if not limits.sfreq:
        return window
    if config.sliding:
        start = nearest_sample(window.onset, limits.sfreq)
        return replace(window, start=start, anchor=start)
    anchor = nearest_sample(events[window.block].onset, limits.sfreq)
    start = anchor + nearest_sample(config.tmin or 0.0, limits.sfreq)
    return replace(window, start=start, anchor=anchor)


def _describe_dropped(
    windows: WindowSequence,
    problems: Mapping[int, tuple[str, str]],
    events: Sequence[Event],
    blocks: Iterable[tuple[Block, int]],
    config: WindowsConfig,
) -> list[Dropped]:
    """List the blocks of a recording without windows, and its impossible windows, in order.

    Blocks have the number of their windows.
    """
    losses: list[tuple[int, bool, Dropped]] = []  # number of windows before, is a window
    n_before = 0
    for block, n_windows in blocks:
        if not n_windows:
            losses.append((n_before, False, _too_short(events[block.index], block, config)))
        n_before += n_windows
    for number, problem in problems.items():
        window = windows[number]
        losses.append((number, True, _dropped_window(events[window.block], window, *problem)))
    losses.sort(key=itemgetter(0, 1))
    return [dropped for _, _, dropped in losses]


def _too_short(event: Event, block: Block, config: WindowsConfig) -> Dropped:
    """Report a block that is shorter than a window."""
    duration = (block.end or 0.0) - block.onset
    reason = f"the block lasts {duration:.3f} s, a window {config.duration:g} s"
    return Dropped(event.recording, event.row, block.onset, event.label, "block", "window", reason)


def _dropped_window(event: Event, window: Window, option: str, reason: str) -> Dropped:
    """Report a window that cannot be read from its recording."""
    return Dropped(event.recording, event.row, window.onset, event.label, "window", option, reason)
