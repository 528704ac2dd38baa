"""Counts of what a request selects and leaves out: per label, per person, per option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bids_dl import source
from bids_dl.datamodel import Person
from bids_dl.planning.survey import Survey

Counts = Mapping[str, int]


def count_per_label(survey: Survey) -> dict[str, dict[str, int]]:
    """Count recordings, events, windows and blocks without a known end of each label.

    Returns
    -------
    dict
        ``{label: {"recordings": ..., "events": ..., "windows": ..., "open": ...}}``.
    """
    windows: Counter[str] = Counter()
    for (_, label), number in survey.planned_windows.counts().items():
        windows[label] += number
    counts = {}
    for label in _labels(survey):
        recordings = set()
        n_events = 0
        n_open = 0
        for event in survey.events:
            if event.label == label:
                recordings.add(event.recording)
                n_events += 1
                n_open += event.end is None
        if survey.window_plan:
            n_open = survey.window_plan.open.get(label, 0)
        counts[label] = {
            "recordings": len(recordings),
            "events": n_events,
            "windows": windows[label],
            "open": n_open,
        }
    return counts


def count_per_person(survey: Survey) -> dict[Person, dict[str, Counts]]:
    """Count events and windows of each person and label.

    Returns
    -------
    dict
        ``{person: {label: {"events": ..., "windows": ...}}}``, sorted by person, with every label
        for each person.
    """
    person_of = {recording.key: recording.person for recording in survey.recordings}
    events: Counter[tuple[Person, str]] = Counter()
    for event in survey.events:
        events[person_of[event.recording], event.label] += 1
    windows: Counter[tuple[Person, str]] = Counter()
    for (recording, label), number in survey.planned_windows.counts().items():
        windows[person_of[recording], label] += number
    counts: dict[Person, dict[str, Counts]] = {}
    for person in sorted({person for person, _ in events}):
        counts[person] = {}
        for label in _labels(survey):
            key = (person, label)
            counts[person][label] = {"events": events[key], "windows": windows[key]}
    return counts


def count_dropped(survey: Survey) -> dict[str, dict[str, int]]:
    """Count the dropped events, blocks and windows per label and option.

    Returns
    -------
    dict
        Such as ``{"rest": {"window: boundary": 2}}``.
    """
    counts: dict[str, Counter[str]] = {}
    for dropped in survey.dropped:
        cause = f"{dropped.kind}: {dropped.option}"
        counts.setdefault(dropped.label, Counter())[cause] += 1
    return {label: dict(causes) for label, causes in counts.items()}


def measure_fetch(survey: Survey) -> source.FetchSize:
    """Count the files that a conversion of these recordings has to fetch, and their bytes.

    If windows were requested, recordings without a window do not count. Files count as a whole,
    because byte ranges are known to a conversion only.
    """
    with_windows = {key for key, _ in survey.planned_windows.counts()}
    needed = []
    for recording in survey.matched_recordings:
        if survey.window_plan is None or recording.key in with_windows:
            dataset = survey.datasets[recording.dataset]
            needed.append((dataset, source.listed_files(dataset, recording)))
    return source.measure_fetch(needed)


def _labels(survey: Survey) -> list[str]:
    """List the labels that have events, in order of appearance."""
    return list(dict.fromkeys(event.label for event in survey.events))
