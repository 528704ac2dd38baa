"""The fold that tests the last part of each recording, and validation on last parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bids_dl.errors import TargetError
from bids_dl.training.folds.fold import FoldPlan, make_fold
from bids_dl.training.folds.request import FoldRequest
from bids_dl.training.folds.timeline import (
    Mask,
    WindowTimeline,
    find_last_part,
    find_near,
    read_timeline,
)
from bids_dl.wording import count

TEST_FRACTION = 0.25  # of the windows of a recording and class
VALIDATION_FRACTION = 0.2  # of the training windows of a recording and class
SMALLER_GAPS = (60.0, 30.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.0)  # s, proposed in messages

Sides = tuple[Mask, Mask, Mask]
"""Training, validation and test windows."""


def fold_by_time(request: FoldRequest) -> FoldPlan:
    """Return one fold, which tests the last quarter of each recording.

    Each class of a recording is divided by itself, between blocks if it has several. Training
    windows closer to a test window than the gap are left out. With ``patience``, the last fifth of
    the training windows validates, again with a gap.

    Raises
    ------
    TargetError
        The store has no onsets, or the gap leaves too few windows.
    """
    timeline = read_timeline(request, "--folds time")
    sides = _divide(request, timeline)
    problem = _describe_problem(request, sides)
    if problem:
        smaller = _find_smaller_gap(
            request, lambda trial: not _describe_problem(trial, _divide(trial, timeline))
        )
        advice = f"give --gap {smaller:g}" if smaller is not None else "train with --folds loso"
        if smaller is None and request.config.patience is not None:
            advice += " or without --patience"
        raise TargetError(
            f"{request.store_name}: --folds time with --gap {request.config.gap:g} leaves "
            f"{problem}; {advice}"
        )
    train, validation, test = (request.rows[mask] for mask in sides)
    fold = make_fold(
        0,
        "last part of each recording",
        same_person=True,
        train=train,
        validation=validation,
        test=test,
    )
    return FoldPlan((fold,), tuple(_warn_about_one_sided(request, timeline, sides)))


def hold_out_end(
    request: FoldRequest, timeline: WindowTimeline, is_train: Mask
) -> tuple[Mask, Mask]:
    """Hold out the last fifth of each training recording for validation.

    Windows closer to a validation window than the gap are neither trained on nor validated with.

    Parameters
    ----------
    timeline
        Positions of the windows of the request.
    is_train
        Windows of the training side (n_windows,).

    Returns
    -------
    validation, train : numpy.ndarray
        Masks (n_windows,).

    Raises
    ------
    TargetError
        The gap leaves too few windows.
    """

    def problem_with(trial: FoldRequest) -> str:
        validation, train = _split_end(trial, timeline, is_train)
        if not validation.any():
            return "no validation window"
        missing = _missing_classes(trial, train, is_train)
        return "" if train.any() and not missing else f"no training window{missing}"

    problem = problem_with(request)
    if problem:
        smaller = _find_smaller_gap(request, lambda trial: not problem_with(trial))
        advice = "" if smaller is None else f"--gap {smaller:g} or "
        raise TargetError(
            f"{request.store_name}: --patience with --folds {request.config.folds} and "
            f"--gap {request.config.gap:g} leaves {problem}; "
            f"train with {advice}a fixed number of epochs"
        )
    return _split_end(request, timeline, is_train)


def _divide(request: FoldRequest, timeline: WindowTimeline) -> Sides:
    """Divide all windows by time."""
    everything = np.ones(len(request.rows), dtype=bool)
    test = find_last_part(timeline, everything, TEST_FRACTION)
    train = ~test & ~find_near(timeline, ~test, test, request.config.gap)
    validation = np.zeros(len(test), dtype=bool)
    if request.config.patience is not None:
        validation, train = _split_end(request, timeline, train)
    return train, validation, test


def _split_end(request: FoldRequest, timeline: WindowTimeline, is_train: Mask) -> tuple[Mask, Mask]:
    """Return the last fifth of some windows, and those before with a gap."""
    validation = find_last_part(timeline, is_train, VALIDATION_FRACTION)
    others = is_train & ~validation
    return validation, others & ~find_near(timeline, others, validation, request.config.gap)


def _describe_problem(request: FoldRequest, sides: Sides) -> str:
    """Describe which windows a fold lacks, "" if none."""
    train, validation, test = sides
    if not test.any():
        return "no test window, because each recording has one window"
    if not train.any():
        return "no training window"
    if request.config.patience is not None and not validation.any():
        return "no validation window"
    missing = _missing_classes(request, train, test)
    return f"no training window{missing}" if missing else ""


def _missing_classes(request: FoldRequest, train: Mask, needed: Mask) -> str:
    """Name a class that some windows have and the training windows lack, "" if there is none."""
    if request.classes is None:
        return ""
    missing = np.setdiff1d(request.classes[needed], request.classes[train])
    return f" of class {request.class_name(int(missing[0]))!r}" if len(missing) else ""


def _find_smaller_gap(
    request: FoldRequest, is_possible: Callable[[FoldRequest], bool]
) -> float | None:
    """Return the largest usual gap with which a fold is possible, None if there is none."""
    for gap in SMALLER_GAPS:
        if gap < request.config.gap and is_possible(request.with_gap(gap)):
            return gap
    return None


def _warn_about_one_sided(
    request: FoldRequest, timeline: WindowTimeline, sides: Sides
) -> list[str]:
    """Warn about recordings of which all windows are on one side."""
    train, validation, test = sides
    has_train = np.bincount(timeline.recordings, train | validation) > 0
    has_test = np.bincount(timeline.recordings, test) > 0
    one_sided = np.flatnonzero(~(has_train & has_test))
    if not len(one_sided):
        return []
    row = int(np.argmax(timeline.recordings == one_sided[0]))
    recordings = count(len(has_test), "recording")
    return [
        f"--folds time: {len(one_sided)} of {recordings} with training or test windows only, "
        f"because of too few windows for --gap {request.config.gap:g}; "
        f"the first is {request.table['recording'].iloc[row]}"
    ]
