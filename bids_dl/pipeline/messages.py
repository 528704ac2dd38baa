"""Warnings and errors about what a conversion leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing.memory import describe_limit
from bids_dl.pipeline.staging_entry import StagedRecording
from bids_dl.planning.shared_notes import SharedNotes, with_count
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan

MAX_REASONS = 3  # that an error lists


def conversion_warnings(plan: Plan, processed: Sequence[StagedRecording]) -> list[str]:
    """Collect the warnings of a conversion.

    Parameters
    ----------
    processed
        Recordings that did not fail, with or without windows.

    Returns
    -------
    list of str
        Notes from reading, dropped windows, recordings without windows, and labels and splits
        without recordings.
    """
    return [
        *_read_notes(processed),
        *_dropped_windows(plan, processed),
        *_missing_labels_and_splits(plan, processed),
    ]


def _read_notes(processed: Sequence[StagedRecording]) -> list[str]:
    """Collect the notes from reading, one line per distinct note."""
    notes = SharedNotes()
    for recording, _, entry in processed:
        for report in entry.steps:
            if report.step == "read":
                for note in report.notes:
                    notes.add(recording.key, note)
    return notes.lines()


def _dropped_windows(plan: Plan, processed: Sequence[StagedRecording]) -> list[str]:
    """Warn about windows that steps dropped, and about recordings without windows."""
    counts = Counter({step.name: 0 for step in plan.recipe.window_steps})
    without_windows = []
    for recording, _, entry in processed:
        counts.update(window.step for window in entry.dropped if window.step)
        if not entry.kept:
            without_windows.append(recording.key)
    warnings = []
    if counts.total():
        by_step = ", ".join(f"{step} {number}" for step, number in counts.items() if number)
        warnings.append(
            f"the recipe dropped {counts.total()} of {count(plan.n_windows, 'window')} "
            f"({by_step}); recordings.json has the reason of each"
        )
    if without_windows:
        warnings.append(with_count("all windows were dropped", without_windows))
    return warnings


def _missing_labels_and_splits(plan: Plan, processed: Sequence[StagedRecording]) -> list[str]:
    """Warn about labels and splits without any window."""
    missing_labels = dict.fromkeys(plan.labels)  # an ordered set
    missing_splits = dict.fromkeys(plan.splits[recording.person] for recording in plan.recordings)
    for recording, _, entry in processed:
        planned = plan.windows[recording.key]
        if entry.kept:
            missing_splits.pop(plan.splits[recording.person], None)
        for number in entry.kept:
            missing_labels.pop(planned[number].label, None)
    lost = "all its recordings were lost"
    warnings = [f"the store has no window of {label}: {lost}" for label in missing_labels]
    return warnings + [f"the split {split} is empty: {lost}" for split in missing_splits]


def no_store_error(
    failures: Sequence[Failure],
    without_windows: Sequence[StagedRecording],
    config: PipelineConfig,
) -> BidsDlError:
    """Return the error of a conversion that leaves no window.

    It has each distinct reason once, with its recordings, and the first reasons only.
    """
    reasons: dict[str, list[str]] = {}
    for failure in failures:
        reasons.setdefault(f"{failure.stage}: {failure.reason}", []).append(failure.recording)
    for recording, _, entry in without_windows:
        dropped = count(len(entry.dropped), "window")
        reason = f"all {dropped} dropped; the first: {entry.dropped[0].message}"
        reasons.setdefault(reason, []).append(recording.key)
    lines = ["  " + with_count(reason, recordings) for reason, recordings in reasons.items()]
    if len(lines) > MAX_REASONS:
        more = count(len(lines) - MAX_REASONS + 1, "other reason")
        lines = [*lines[: MAX_REASONS - 1], f"  and {more}"]
    recordings = count(len(failures) + len(without_windows), "recording")
    limit = describe_limit(config, failures)
    heading = f"none of {recordings} could be converted; nothing was written"
    return BidsDlError("\n".join([f"{heading} ({limit})" if limit else heading, *lines]))
