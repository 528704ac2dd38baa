"""Changes by each step of the recipe, summarized over all recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

from bids_dl.reporting.formatting import format_value
from bids_dl.reporting.message_groups import MessageGroup, group_messages
from bids_dl.reporting.recordings import (
    CHANGED_NEARLY_ALL,
    CHANGED_NOTHING,
    RecordingReport,
    StepChange,
)


@dataclass(frozen=True, slots=True)
class ShareRange:
    """Fraction of the samples that a step changed: minimum, median and maximum over recordings."""

    min: float
    median: float
    max: float


@dataclass(frozen=True, slots=True)
class StepSummary:
    """Changes by one step over all recordings.

    Attributes
    ----------
    parameters
        Name and value of each parameter, as text.
    recordings
        Number of recordings that the step was applied to.
    share
        Fraction of the samples it changed; None if it was applied to no recording.
    seconds
        Duration of the signal it changed over all recordings, in s; None if the store lacks it.
    dropped_windows
        Number of windows it dropped. 0 if two steps have its name, because the store does not
        tell which of them dropped a window.
    channels
        Channels changed beyond its plain task, with their number of recordings, the most frequent
        first.
    with_channels
        Number of recordings in which it changed such channels.
    changed_nothing, changed_nearly_all
        Keys of the recordings in which the step has this flag.
    notes
        Its notes without the flags, grouped.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    recordings: int
    share: ShareRange | None
    seconds: float | None
    dropped_windows: int
    channels: tuple[tuple[str, int], ...]
    with_channels: int
    changed_nothing: tuple[str, ...]
    changed_nearly_all: tuple[str, ...]
    notes: tuple[MessageGroup, ...]


Occurrence: TypeAlias = tuple[str, int]
"""Name of a step and the number of steps of that name before it."""

Changes: TypeAlias = Sequence[tuple[str, StepChange]]
"""Keys of recordings and the change by a step in each."""


def summarize_steps(
    recipe: Sequence[Mapping[str, Any]], reports: Sequence[RecordingReport]
) -> tuple[StepSummary, ...]:
    """Summarize the changes by each step of a recipe over recordings.

    Parameters
    ----------
    recipe
        ``{name: parameters}`` of each step, as in the request of a store.
    reports
        The reports of all recordings.

    Returns
    -------
    tuple of StepSummary
        One summary for each step, in the order of the recipe.
    """
    names = _step_names(recipe)
    changes = _changes_by_occurrence(reports)
    dropped = Counter(item.step for report in reports for item in report.dropped)
    summaries = []
    for occurrence, step in zip(_occurrences(names), recipe, strict=True):
        name = occurrence[0]
        summary = _summarize(
            name,
            changes.get(occurrence, []),
            parameters=step[name] or {},
            dropped_windows=dropped[name] if names.count(name) == 1 else 0,
        )
        summaries.append(summary)
    return tuple(summaries)


def summarize_other_stages(
    recipe: Sequence[Mapping[str, Any]], reports: Sequence[RecordingReport]
) -> tuple[StepSummary, ...]:
    """Summarize the reports of stages that are no step of the recipe, such as "read".

    Parameters and results are those of `summarize_steps`.
    """
    steps = set(_occurrences(_step_names(recipe)))
    changes = _changes_by_occurrence(reports)
    summaries = []
    for occurrence, stage_changes in changes.items():
        if occurrence not in steps:
            summaries.append(_summarize(occurrence[0], stage_changes))
    return tuple(summaries)


def _step_names(recipe: Sequence[Mapping[str, Any]]) -> list[str]:
    return [next(iter(step)) for step in recipe]


def _changes_by_occurrence(
    reports: Sequence[RecordingReport],
) -> dict[Occurrence, list[tuple[str, StepChange]]]:
    """Collect the changes by the first, second, ... step of each name."""
    changes: dict[Occurrence, list[tuple[str, StepChange]]] = {}
    for report in reports:
        occurrences = _occurrences([change.step for change in report.changes])
        for occurrence, change in zip(occurrences, report.changes, strict=True):
            changes.setdefault(occurrence, []).append((report.key, change))
    return changes


def _occurrences(names: Sequence[str]) -> list[Occurrence]:
    """Count the earlier occurrences of each name."""
    counts: Counter[str] = Counter()
    occurrences = []
    for name in names:
        occurrences.append((name, counts[name]))
        counts[name] += 1
    return occurrences


def _summarize(
    name: str,
    changes: Changes,
    *,
    parameters: Mapping[str, Any] | None = None,
    dropped_windows: int = 0,
) -> StepSummary:
    shares = []
    seconds = []
    notes = []
    channels: Counter[str] = Counter()
    with_channels = 0
    flagged: dict[str, list[str]] = {}
    for key, change in changes:
        shares.append(change.share)
        if change.seconds is not None:
            seconds.append(change.seconds)
        notes += [(key, note) for note in change.notes]
        channels.update(list(dict.fromkeys(change.channels)))  # each channel once, in order
        with_channels += bool(change.channels)
        flagged.setdefault(change.flag, []).append(key)
    return StepSummary(
        name=name,
        parameters=_format_parameters(parameters or {}),
        recordings=len(changes),
        share=ShareRange(min(shares), median(shares), max(shares)) if shares else None,
        seconds=sum(seconds) if seconds and len(seconds) == len(changes) else None,
        dropped_windows=dropped_windows,
        channels=tuple(channels.most_common()),
        with_channels=with_channels,
        changed_nothing=tuple(flagged.get(CHANGED_NOTHING, [])),
        changed_nearly_all=tuple(flagged.get(CHANGED_NEARLY_ALL, [])),
        notes=group_messages(notes, first_clause_only=True),
    )


def _format_parameters(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    formatted = []
    for name, value in parameters.items():
        if value is not None:
            formatted.append((name, format_value(value)))
    return tuple(formatted)
