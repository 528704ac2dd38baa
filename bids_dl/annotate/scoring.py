"""Detected events against those of an expert: sensitivity, precision and false alarms by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bids_dl.annotate.derivative.detections import join_windows
from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.errors import ConfigError, EventError, MissingPackageError
from bids_dl.requirements import describe_missing
from bids_dl.training.folds import find_people
from bids_dl.training.metrics.intervals import (
    CONFIDENCE_LEVEL,
    Limits,
    draw_persons,
    percentile_interval,
    wilson_interval,
)
from bids_dl.training.metrics.person_statistics import Floats, divide, sum_by_person

LIBRARY_PRECISION = 0.1  # s, to which timescoring rounds times
HOUR, DAY = 3600.0, 86400.0  # s
END_TOLERANCE = 1e-3  # s, of an event that ends with its recording
KEYS = ["dataset", "recording"]
COUNTS = ("n_reference", "n_found", "n_false", "seconds")

Interval: TypeAlias = tuple[float, float]
"""Start and end of an event in s, on the clock of the recording."""


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """Rules by which a detection finds an event.

    A detection finds an event if they overlap, after the event has been lengthened by the
    tolerances. A detection that overlaps with no lengthened event is a false alarm.

    Parameters
    ----------
    before, after
        Tolerances in s: by how much a detection may precede or follow an event.
    merge
        Events, and detections, with a gap below this length in s are one. With 0, only those that
        overlap are.
    longest
        Events and detections that are longer than this, in s, are divided and counted several
        times. A detection of everything would find everything without a false alarm otherwise.
    precision
        Times are rounded to this length in s. A day at 0.01 s takes 9 MB for each array.
    """

    before: float
    after: float
    merge: float
    longest: float
    precision: float = LIBRARY_PRECISION

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("before", "after", "merge"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"scoring rules: {name} {value}: expected 0 or more")
        for name in ("longest", "precision"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"scoring rules: {name} {value}: expected above 0")


SPIKES = ScoringRules(before=0.1, after=0.1, merge=0.0, longest=2.0, precision=0.01)
"""Rules for events of a fraction of a second, which are detected in windows of up to 2 s."""
SEIZURES = ScoringRules(before=30.0, after=60.0, merge=90.0, longest=300.0)
"""Rules of SzCORE (Dan et al. 2024, doi:10.1111/epi.18113), for seizures only."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Numbers of events of one recording.

    Attributes
    ----------
    n_reference, n_found
        Events of the expert, and those of them that were detected.
    n_false
        Detections that are no event.
    seconds
        Length of the recording in s.
    """

    n_reference: int
    n_found: int
    n_false: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class EventScores:
    """Scores of detections.

    Attributes
    ----------
    people
        One row per person: ``dataset``, ``subject``, ``hours``, ``n_reference``, ``n_found``,
        ``n_false``, ``sensitivity`` and ``precision`` with Wilson's intervals, ``f1``,
        ``false_per_hour`` with the exact interval of a Poisson rate, and ``false_per_day``. The
        limits of NAME are ``NAME_low`` and ``NAME_high``. A score is NaN without an event or a
        detection to divide by.
    total
        Value, ``low`` and ``high`` of each score for all persons together. The interval is a
        bootstrap of persons. NaN if there is none.
    """

    people: pd.DataFrame
    total: Mapping[str, Mapping[str, float]]


def count_events(
    reference: Sequence[Interval],
    detected: Sequence[Interval],
    seconds: float,
    rules: ScoringRules,
) -> EventCounts:
    """Count found events and false alarms in one recording, by the library timescoring.

    The library rounds times to 0.1 s. They are multiplied before, so that the precision is that of
    the rules. Each event and detection has at least one step of this length.

    Parameters
    ----------
    reference, detected
        Starts and ends of the events and of the detections in s, in any order.
    seconds
        Length of the recording in s.
    rules
        Tolerances, and lengths that are merged and divided.

    Raises
    ------
    ConfigError
        The package timescoring is not installed.
    EventError
        An event is not within the recording.

    Examples
    --------
    >>> count_events([(1.0, 1.1), (5.0, 5.1)], [(1.05, 1.2), (8.0, 8.1)], 60.0, SPIKES)
    EventCounts(n_reference=2, n_found=1, n_false=1, seconds=60.0)
    """
    if find_spec("timescoring") is None:
        raise MissingPackageError(f"scores of events: {describe_missing('timescoring')}")
    from timescoring.annotations import Annotation  # type: ignore[import-untyped]
    from timescoring.scoring import EventScoring  # type: ignore[import-untyped]

    scale = LIBRARY_PRECISION / rules.precision
    n_steps = max(1, round(seconds / rules.precision))
    rate = 1 / LIBRARY_PRECISION
    annotations = [
        Annotation(_round_out(_tidy(events, seconds, name), rules.precision, scale), rate, n_steps)
        for name, events in (("reference", reference), ("detected", detected))
    ]
    parameters = EventScoring.Parameters(
        toleranceStart=rules.before * scale,
        toleranceEnd=rules.after * scale,
        maxEventDuration=rules.longest * scale,
        minDurationBetweenEvents=rules.merge * scale,
    )
    counted = EventScoring(*annotations, parameters)
    return EventCounts(counted.refTrue, counted.tp, counted.fp, float(seconds))


def score_events(
    reference: pd.DataFrame,
    detected: pd.DataFrame,
    recordings: pd.DataFrame,
    rules: ScoringRules,
    *,
    seed: int = 0,
) -> EventScores:
    """Score detections of several recordings, by person and for all persons together.

    Parameters
    ----------
    reference, detected
        ``dataset``, ``recording``, ``onset`` and ``duration`` in s, one row per event.
    recordings
        ``dataset``, ``subject``, ``recording`` and ``duration`` in s, one row per recording, also
        of recordings without events.
    rules
        `SPIKES`, `SEIZURES`, or rules of your own.
    seed
        Seed of the bootstrap of persons.

    Raises
    ------
    ConfigError
        The package timescoring is not installed.
    EventError
        An event is not within its recording, or its recording is not in the list.

    Examples
    --------
    >>> recordings = pd.DataFrame({"dataset": ["ds"], "subject": ["01"], "recording": ["a"]})
    >>> recordings["duration"] = 3600.0
    >>> rows = {"dataset": "ds", "recording": "a", "onset": [1.0, 9.0], "duration": 0.1}
    >>> events = pd.DataFrame(rows)
    >>> scores = score_events(events, events.iloc[:1], recordings, SPIKES)
    >>> scores.people[["sensitivity", "precision", "false_per_hour"]].values.tolist()
    [[0.5, 1.0, 0.0]]
    """
    listed = recordings.reset_index(drop=True)
    people = find_people(listed)
    by_recording = [_group_events(events, listed) for events in (reference, detected)]
    rows = []
    for row in listed.to_dict("records"):
        key = (row["dataset"], row["recording"])
        expected, found = (group.get(key, []) for group in by_recording)
        try:
            counts = count_events(expected, found, float(row["duration"]), rules)
        except EventError as error:
            raise EventError(f"{row['dataset']}/{row['recording']}: {error}") from None
        rows.append([getattr(counts, name) for name in COUNTS])
    sums = sum_by_person(np.array(rows, float).reshape(-1, 4), people.codes, len(people.names))
    return EventScores(_describe_people(people.names, sums), _score_total(sums, seed))


def find_detections(
    predictions: pd.DataFrame, column: str, window_seconds: float, config: DetectionConfig
) -> pd.DataFrame:
    """Join predicted windows to detections, as `bids-dl predict --write-annotations` does.

    Parameters
    ----------
    predictions
        Result of `bids_dl.predict`: ``dataset``, ``recording``, ``onset`` in s and probabilities.
    column
        Column of the probability of the events, such as ``p_spike``.
    window_seconds
        Length of a window in s.
    config
        Threshold, longest gap and least length.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``recording``, ``onset``, ``duration`` (s) and ``probability``, the largest of
        the windows, for `score_events`.

    Examples
    --------
    >>> windows = {"dataset": "ds", "recording": "a", "onset": [0.0, 1.0], "p_spike": [0.9, 0.1]}
    >>> found = find_detections(pd.DataFrame(windows), "p_spike", 1.0, DetectionConfig())
    >>> found[["onset", "duration"]].values.tolist()
    [[0.0, 1.0]]
    """
    rows: list[tuple[Any, ...]] = []
    for key, windows in predictions.groupby(KEYS, sort=False):
        onsets = windows["onset"].tolist()
        for each in join_windows(onsets, windows[column].tolist(), window_seconds, config):
            rows.append((*key, each.onset, each.end - each.onset, each.probability))
    return pd.DataFrame(rows, columns=[*KEYS, "onset", "duration", "probability"])


def _tidy(events: Sequence[Interval], seconds: float, name: str) -> list[Interval]:
    """Sort events and join those that overlap, which the library may shorten otherwise."""
    joined: list[Interval] = []
    for start, end in sorted(events):
        if not 0 <= start <= end <= seconds + END_TOLERANCE:
            raise EventError(
                f"{name} event from {start:g} to {end:g} s is not within the recording of "
                f"{seconds:g} s"
            )
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _round_out(events: Sequence[Interval], precision: float, scale: float) -> list[Interval]:
    """Multiply times, and lengthen events that are shorter than a step to one step.

    The library ignores an event that is rounded to nothing.
    """
    rounded = []
    for start, end in events:
        if round(end / precision) <= round(start / precision):
            start = round(start / precision) * precision
            end = start + precision
        rounded.append((start * scale, end * scale))
    return rounded


def _group_events(
    events: pd.DataFrame, recordings: pd.DataFrame
) -> dict[tuple[Any, Any], list[Interval]]:
    """Return the events of each recording, and refuse those of unknown recordings."""
    known = set(zip(*(recordings[name] for name in KEYS), strict=True))
    groups: dict[tuple[Any, Any], list[Interval]] = {}
    for row in events.to_dict("records"):
        key = (row["dataset"], row["recording"])
        if key not in known:
            raise EventError(
                f"{row['dataset']}/{row['recording']}: has an event, but is not in the list of "
                "recordings; add its person and duration"
            )
        onset = float(row["onset"])
        groups.setdefault(key, []).append((onset, onset + float(row["duration"])))
    return groups


def _compute_scores(sums: Floats) -> dict[str, Floats]:
    """Return the scores (...) of counts (..., 4) in the order of `COUNTS`."""
    n_reference, n_found, n_false, seconds = np.moveaxis(sums, -1, 0)
    false_per_hour = divide(n_false, seconds / HOUR)
    return {
        "sensitivity": divide(n_found, n_reference),
        "precision": divide(n_found, n_found + n_false),
        "f1": divide(2 * n_found, n_found + n_false + n_reference),
        "false_per_hour": false_per_hour,
        "false_per_day": false_per_hour * DAY / HOUR,
    }


def _describe_people(names: Sequence[tuple[str, str]], sums: Floats) -> pd.DataFrame:
    """Return the table of persons of `EventScores`."""
    table = pd.DataFrame(names, columns=["dataset", "subject"])
    n_reference, n_found, n_false, seconds = sums.T
    table["hours"] = seconds / HOUR
    for name, values in zip(COUNTS[:3], (n_reference, n_found, n_false), strict=True):
        table[name] = values.astype(np.int64)
    limits = {
        "sensitivity": [_limit_share(*pair) for pair in zip(n_found, n_reference, strict=True)],
        "precision": [_limit_share(*pair) for pair in zip(n_found, n_found + n_false, strict=True)],
        "false_per_hour": [
            _limit_rate(*pair) for pair in zip(n_false, seconds / HOUR, strict=True)
        ],
    }
    for name, values in _compute_scores(sums).items():
        table[name] = values
        if name in limits:
            table[[f"{name}_low", f"{name}_high"]] = np.array(limits[name], float).reshape(-1, 2)
    return table


def _score_total(sums: Floats, seed: int) -> dict[str, dict[str, float]]:
    """Return value and interval of each score of all persons."""
    pooled = _compute_scores(sums.sum(axis=0))
    weights = draw_persons(len(sums), seed)
    resampled: dict[str, NDArray[np.float64]] = {}
    if weights is not None:
        resampled = _compute_scores(weights.astype(float) @ sums)
    total = {}
    for name, value in pooled.items():
        limits: Limits = percentile_interval(resampled[name]) if resampled else None
        low, high = limits or (np.nan, np.nan)
        total[name] = {"value": float(value), "low": low, "high": high}
    return total


def _limit_share(n_found: float, n: float) -> Interval:
    """Return Wilson's interval, NaN without a trial."""
    return wilson_interval(n_found, n) if n else (np.nan, np.nan)


def _limit_rate(n_false: float, hours: float) -> Interval:
    """Return the exact interval of a Poisson rate (Garwood 1936, doi:10.2307/2333958)."""
    from scipy.stats import chi2

    tail = (1 - CONFIDENCE_LEVEL) / 2
    low = chi2.ppf(tail, 2 * n_false) / 2 if n_false else 0.0
    high = chi2.isf(tail, 2 * n_false + 2) / 2
    return float(low / hours), float(high / hours)
