"""Windows in the time of their recordings: last parts, and gaps between sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.errors import TargetError
from bids_dl.training.folds.people import Codes, combine_codes, number_groups
from bids_dl.training.folds.request import FoldRequest

MICROSECOND = 1_000_000  # onsets are compared as integers, because sums of floats are not exact
ROUNDING = 2  # µs, of two rounded onsets

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowTimeline:
    """Positions of windows in their recordings.

    Attributes
    ----------
    recordings
        Number of the recording of each window (n_windows,).
    blocks
        Number of the block (n_windows,).
    groups
        Number of the part that is divided by itself: a recording, or the windows of one class in
        it (n_windows,).
    starts
        Onset of each window in µs from the earliest one of the store (n_windows,).
    window
        Length of a window in µs.
    """

    recordings: Codes
    blocks: Codes
    groups: Codes
    starts: Codes
    window: int


def read_timeline(request: FoldRequest, option: str) -> WindowTimeline:
    """Return the positions of the windows of a request.

    Classes are divided each by itself, so that all are on both sides. A recording with a block of
    several classes is divided as a whole, so that the block stays on one side. Without the column
    block, a recording is one block.

    Raises
    ------
    TargetError
        The store has no onsets, or the onset of a window is missing.
    """
    request.require_columns(["dataset", "recording", "onset"], option)
    table = request.table
    recordings = number_groups(table, ("dataset", "recording"))
    blocks = recordings
    if "block" in table.columns:
        blocks = number_groups(table, ("dataset", "recording", "block"))
    groups = recordings
    if request.classes is not None:
        classes = _classes_to_divide(recordings, blocks, request.classes)
        groups = combine_codes(recordings, classes)
    onsets = table["onset"].to_numpy(dtype=float)
    unknown = np.flatnonzero(~np.isfinite(onsets))
    if len(unknown):
        raise TargetError(
            f"{request.store_name}: {table['recording'].iloc[unknown[0]]}: a window has no onset, "
            f"which {option} needs; train with --folds loso"
        )
    starts = np.round((onsets - onsets.min()) * MICROSECOND).astype(np.int64)
    window = round(request.window_seconds * MICROSECOND)
    return WindowTimeline(recordings, blocks, groups, starts, window)


def find_last_part(timeline: WindowTimeline, among: Mask, fraction: float) -> Mask:
    """Return the last windows of each group, as a mask (n_windows,).

    A group with several blocks is cut at the boundary of blocks that is nearest to the fraction,
    and a single block between two windows. A group with one window has no last part.

    Parameters
    ----------
    among
        Windows to divide (n_windows,).
    fraction
        Share of the windows of a group in its last part.

    Examples
    --------
    >>> zeros = np.zeros(8, np.int64)
    >>> timeline = WindowTimeline(zeros, zeros, zeros, np.arange(8), 1)
    >>> find_last_part(timeline, np.ones(8, bool), 0.25).astype(int).tolist()
    [0, 0, 0, 0, 0, 0, 1, 1]
    """
    last = np.zeros(len(among), dtype=bool)
    indices = np.flatnonzero(among)
    if not len(indices):
        return last
    starts = timeline.starts[indices]
    _, groups = np.unique(timeline.groups[indices], return_inverse=True)
    units = _units_to_cut(groups, timeline.blocks[indices])
    unit_starts = np.full(units.max() + 1, starts.max())
    np.minimum.at(unit_starts, units, starts)
    order = np.lexsort((starts, units, unit_starts[units], groups))
    groups = groups[order]
    sizes = np.bincount(groups)
    positions = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    may_cut = (np.diff(units[order], prepend=-1) != 0) & (positions > 0)
    cuts = _nearest_cuts(groups[may_cut], positions[may_cut], sizes, fraction)
    last[indices[order]] = positions >= cuts[groups]
    return last


def find_near(timeline: WindowTimeline, windows: Mask, others: Mask, gap_seconds: float) -> Mask:
    """Return the windows that are closer than a gap to another window of their recording.

    Overlapping windows are always near. Windows at a distance of exactly the gap are not.

    Parameters
    ----------
    windows, others
        Windows to compare with each other (n_windows,).
    gap_seconds
        Distance in s from the end of one window to the start of the next.

    Returns
    -------
    numpy.ndarray
        Mask (n_windows,), a part of ``windows``.

    Examples
    --------
    >>> zeros = np.zeros(5, np.int64)
    >>> timeline = WindowTimeline(zeros, zeros, zeros, np.arange(5) * MICROSECOND, MICROSECOND)
    >>> test = np.array([False, False, False, False, True])
    >>> find_near(timeline, ~test, test, 1.0).astype(int).tolist()
    [0, 0, 0, 1, 0]
    """
    near: Mask = np.zeros(len(windows), dtype=bool)
    if not (windows.any() and others.any()):
        return near
    span = int(timeline.starts.max()) + timeline.window + ROUNDING + 1
    gap = round(min(gap_seconds * MICROSECOND, span))
    # recordings are so far apart on this axis that windows of two of them are never near
    axis = timeline.recordings * (span + timeline.window + gap + ROUNDING) + timeline.starts
    indices = np.flatnonzero(windows)
    others_axis = np.sort(axis[others])
    following = np.searchsorted(others_axis, axis[indices])
    after = others_axis[np.minimum(following, len(others_axis) - 1)]
    before = others_axis[np.maximum(following - 1, 0)]
    distance = np.minimum(np.abs(after - axis[indices]), np.abs(axis[indices] - before))
    near[indices] = distance - timeline.window + ROUNDING < gap
    return near


def _classes_to_divide(recordings: Codes, blocks: Codes, classes: Codes) -> Codes:
    """Return the classes, but 0 in recordings of which a block has several classes."""
    lowest = np.full(blocks.max() + 1, classes.max())
    highest = np.full(blocks.max() + 1, classes.min())
    np.minimum.at(lowest, blocks, classes)
    np.maximum.at(highest, blocks, classes)
    mixed = recordings[(lowest != highest)[blocks]]
    shifted: Codes = classes - classes.min()
    shifted[np.isin(recordings, mixed)] = 0
    return shifted


def _units_to_cut(groups: Codes, blocks: Codes) -> Codes:
    """Return numbers of the blocks of a group, or of its windows if it has one block."""
    pairs = combine_codes(groups, blocks)
    group_of_pair = np.zeros(pairs.max() + 1, np.int64)
    group_of_pair[pairs] = groups
    is_single = np.bincount(group_of_pair)[groups] == 1
    units: Codes = np.where(is_single, pairs.max() + 1 + np.arange(len(pairs)), pairs)
    return units


def _nearest_cuts(groups: Codes, positions: Codes, sizes: Codes, fraction: float) -> Codes:
    """Return the first position of the last part of each group, or its size without a cut."""
    cost = np.abs(positions - sizes[groups] * (1 - fraction))
    order = np.lexsort((positions, cost, groups))
    cut_groups, first = np.unique(groups[order], return_index=True)
    cuts = sizes.copy()
    cuts[cut_groups] = positions[order][first]
    return cuts
