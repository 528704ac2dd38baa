"""Folds that test other sessions, runs or recordings of the persons that are trained on."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from bids_dl.errors import TargetError
from bids_dl.training.folds.fold import NO_ROWS, Fold, FoldPlan, make_fold
from bids_dl.training.folds.people import Codes, combine_codes, factorize, find_people, first_rows
from bids_dl.training.folds.request import FoldRequest
from bids_dl.training.folds.time_parts import hold_out_end
from bids_dl.training.folds.timeline import Mask, WindowTimeline, read_timeline
from bids_dl.wording import count

UNITS = ("session", "run", "recording")
DIGITS = re.compile(r"(\d+)")


def folds_by_unit(request: FoldRequest, unit: str) -> FoldPlan:
    """Return folds of which fold k tests unit k of each person.

    All other units of all persons train. A person with a single unit is trained on and never
    tested: the result would otherwise mix tests on the same person with tests on another one.
    With ``patience``, the end of each training recording validates.

    Parameters
    ----------
    unit
        ``"session"`` or ``"run"``, sorted by label with numbers as numbers, or ``"recording"``, in
        the order of the store.

    Raises
    ------
    TargetError
        No person has two units, or the store lacks a column.
    """
    columns = [unit] if unit == "recording" else [unit, "recording"]
    request.require_columns(columns, f"--folds {unit}")
    people = find_people(request.table)
    units = unit_positions(request.table, people.codes, unit)
    n_units = np.zeros(len(people.names), np.int64)
    np.maximum.at(n_units, people.codes, units + 1)
    n_single = int(np.count_nonzero(n_units == 1))
    if n_single == len(n_units):
        raise TargetError(
            f"{request.store_name}: --folds {unit} tests another {unit} of each person, but no "
            f"person has windows of two {unit}s; train with --folds time or loso"
        )
    warnings = []
    if n_single:
        persons = count(len(n_units), "person")
        warnings.append(
            f"--folds {unit}: {n_single} of {persons} with a single {unit}, which is trained on "
            "and never tested"
        )
    can_test = n_units[people.codes] > 1
    timeline = None
    if request.config.patience is not None:
        timeline = read_timeline(request, f"--patience with --folds {unit}")
    folds = []
    for position in range(int(n_units.max())):
        is_test = can_test & (units == position)
        n_tested = int(np.count_nonzero(n_units > max(position, 1)))
        who = "each person" if n_tested == len(n_units) else count(n_tested, "person")
        held_out = f"{_describe_unit(request.table, is_test, unit, position)} of {who}"
        folds.append(_hold_out_windows(request, timeline, position, held_out, is_test))
    return FoldPlan(tuple(folds), tuple(warnings))


def unit_positions(table: pd.DataFrame, persons: Codes, unit: str) -> Codes:
    """Return the position of each window's unit among the units of its person (n_windows,).

    Runs are the same unit if their numbers are equal, as 1 and 01 are.

    Parameters
    ----------
    table
        Window table with the column ``unit``.
    persons
        Number of the person of each window (n_windows,).
    unit
        ``"session"``, ``"run"`` or ``"recording"``.

    Examples
    --------
    >>> table = pd.DataFrame({"run": ["10", "9", "10"]})
    >>> unit_positions(table, np.array([0, 0, 1]), "run").tolist()
    [1, 0, 0]
    """
    ranks = factorize(table[unit].to_numpy())
    if unit != "recording":
        labels = [str(label) for label in table[unit].iloc[first_rows(ranks)]]
        keys = [natural_order(label) for label in labels]
        if unit == "run":
            keys = [key[:-1] for key in keys]
        place = {key: position for position, key in enumerate(sorted(set(keys)))}
        ranks = np.array([place[key] for key in keys], np.int64)[ranks]
    pairs = combine_codes(persons, ranks)
    first = first_rows(pairs)
    positions: Codes = _positions_in_groups(persons[first], ranks[first])[pairs]
    return positions


def natural_order(label: str) -> tuple[tuple[int | str, ...], ...]:
    """Return a sort key that compares the digits in a label as numbers.

    Examples
    --------
    >>> sorted(["10", "9", "pre2", "pre10", ""], key=natural_order)
    ['', '9', '10', 'pre2', 'pre10']
    """
    parts: list[tuple[int | str, ...]] = []
    for part in DIGITS.split(label):
        if part:
            parts.append((0, int(part)) if part.isdecimal() else (1, part))
    return (*parts, (-1, label))


def _positions_in_groups(groups: Codes, ranks: Codes) -> Codes:
    """Return the position of each rank among those of its group, from 0."""
    order = np.lexsort((ranks, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    positions = np.empty(len(order), np.int64)
    positions[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return positions


def _describe_unit(table: pd.DataFrame, is_test: Mask, unit: str, position: int) -> str:
    """Name a tested unit by its label if all persons share the label, else by its position."""
    labels = [str(label) for label in table[unit].to_numpy()[is_test][:1]]
    is_common = unit != "recording" and (table[unit].to_numpy()[is_test] == labels[0]).all()
    if is_common and labels[0]:
        return f"{unit} {labels[0]}"
    return f"{unit} number {position + 1}"


def _hold_out_windows(
    request: FoldRequest,
    timeline: WindowTimeline | None,
    index: int,
    held_out: str,
    is_test: Mask,
) -> Fold:
    """Return the fold that tests some windows, and validates on the ends of others if timed."""
    is_train = ~is_test
    validation = NO_ROWS
    if timeline is not None:
        is_validation, is_train = hold_out_end(request, timeline, is_train)
        validation = request.rows[is_validation]
    return make_fold(
        index,
        held_out,
        same_person=True,
        train=request.rows[is_train],
        validation=validation,
        test=request.rows[is_test],
    )
