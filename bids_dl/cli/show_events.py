"""Output of `bids-dl events`: the selection as tables, or as the JSON object of docs/cli.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from bids_dl.cli.console import (
    MAX_LINES,
    format_failure,
    format_pairs,
    out,
    print_warnings,
)
from bids_dl.cli.json_rows import JsonRows, print_json_rows
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.datamodel import NO_ROW
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.config.stages import EventsConfig, WindowsConfig
    from bids_dl.planning.survey import Survey
    from bids_dl.windows import WindowSequence

# Names of the object of an event that describe its recording, and attributes of `Recording`
RECORDING_NAMES = {
    "dataset": "dataset",
    "recording": "path",
    "subject": "subject",
    "session": "session",
    "task": "task",
    "run": "run",
}


def print_survey_json(sources: Sequence[str], survey: Survey) -> None:
    """Print the selection as the object that docs/cli.md describes."""
    from bids_dl.planning.summary import (
        count_dropped,
        count_per_label,
        count_per_person,
        measure_fetch,
    )

    versions = list(dict.fromkeys(survey.hed_versions.values()))
    content: dict[str, Any] = {
        "sources": list(sources),
        "hed_version": versions[0] if len(versions) == 1 else dict(survey.hed_versions) or None,
        "recordings": len(survey.recordings),
        "events": _event_rows(survey),
    }
    if survey.window_plan is not None:
        content["windows"] = _window_rows(survey.window_plan.windows, survey)
    content["counts"] = count_per_label(survey)
    content["warnings"] = _warnings(survey)
    content["people"] = [
        {"dataset": dataset, "subject": subject, "counts": counts}
        for (dataset, subject), counts in count_per_person(survey).items()
    ]
    content["left_out"] = count_dropped(survey)
    fetch = measure_fetch(survey)
    content["fetch"] = {
        "recordings": fetch.recordings,
        "files": fetch.files,
        "bytes": fetch.n_bytes,
        "cached_bytes": fetch.cached_bytes,
    }
    print_json_rows(content)


def _event_rows(survey: Survey) -> JsonRows:
    recordings = {recording.key: recording for recording in survey.recordings}

    def rows() -> Iterator[tuple[Any, ...]]:
        for event in survey.events:
            recording = recordings[event.recording]
            row = None if event.row == NO_ROW else event.row
            names = [getattr(recording, name) for name in RECORDING_NAMES.values()]
            yield (*names, row, event.onset, event.end, event.end_rule, event.label)

    texts = {event.label for event in survey.events} | {event.end_rule for event in survey.events}
    for key in {event.recording for event in survey.events}:
        texts.update(getattr(recordings[key], name) for name in RECORDING_NAMES.values())
    names = (*RECORDING_NAMES, "row", "onset", "end", "end_rule", "label")
    return JsonRows(names, rows, frozenset(texts))


def _window_rows(windows: WindowSequence, survey: Survey) -> JsonRows:
    path_of = {recording.key: recording.path for recording in survey.recordings}
    paths = [path_of[key] for key in windows.recordings]

    def rows() -> Iterator[tuple[Any, ...]]:
        for window in windows:
            yield path_of[window.recording], window.onset, window.label, window.block

    names = ("recording", "onset", "label", "block")
    return JsonRows(names, rows, frozenset([*paths, *windows.labels]))


def print_survey(
    survey: Survey, events_config: EventsConfig, windows_config: WindowsConfig
) -> None:
    """Print what a request selects, per label and person, and what it leaves out."""
    from bids_dl.planning.size import estimate_size
    from bids_dl.planning.summary import count_dropped, measure_fetch

    labels = [label.label for label in events_config.labels]
    print_table(_label_table(survey, events_config, with_windows=windows_config.requested))
    print_table(_person_table(survey, labels))
    for label, causes in count_dropped(survey).items():
        out.print(f"left out of {label}: {format_pairs(causes)}", soft_wrap=True)
    if survey.window_plan is not None:
        windows = survey.window_plan.windows
        size = estimate_size(windows, survey.headers, windows_config)
        if size is not None:
            out.print(
                f"{count(len(windows), 'window')}, {decimal(round(size))} as float32 "
                "with all channels at the recorded sampling rate",
                soft_wrap=True,
            )
    fetch = measure_fetch(survey)
    if fetch.is_remote:
        out.print(fetch.describe(), soft_wrap=True)
    print_warnings(_warnings(survey))


def _label_table(survey: Survey, events_config: EventsConfig, *, with_windows: bool) -> TextTable:
    from bids_dl.planning.summary import count_per_label

    numbers = ["recordings", "events"]
    if with_windows:
        numbers += ["windows", "open"]
    title = f"{count(len(survey.recordings), 'recording')} searched in {', '.join(survey.datasets)}"
    headings = ("label", "query", *numbers, "blocks end by")
    table = TextTable(headings, title=title, numbers=frozenset(numbers))
    counts = count_per_label(survey)
    for label in events_config.labels:
        rules = Counter(
            event.end_rule or "no end" for event in survey.events if event.label == label.label
        )
        cells = [str(counts[label.label][name]) for name in numbers]
        query = format_query(label.query)
        table.rows.append((label.label, query, *cells, format_pairs(rules)))
    return table


def _person_table(survey: Survey, labels: Sequence[str]) -> TextTable:
    """Return the events of each person and label, and the windows if there are any."""
    from bids_dl.planning.summary import count_per_person

    with_windows = survey.window_plan is not None
    title = "events / windows of each person" if with_windows else "events of each person"
    headings = ("dataset", "subject", *labels)
    table = TextTable(headings, title=title, numbers=frozenset(labels))
    persons = count_per_person(survey)
    for (dataset, subject), counts in list(persons.items())[:MAX_LINES]:
        cells = []
        for label in labels:
            windows = f" / {counts[label]['windows']}" if with_windows else ""
            cells.append(f"{counts[label]['events']}{windows}")
        table.rows.append((dataset, subject, *cells))
    if len(persons) > MAX_LINES:
        table.remark = f"and {count(len(persons) - MAX_LINES, 'more person', 'more people')}"
    return table


def _warnings(survey: Survey) -> list[str]:
    """Return the warnings, and the recordings that could not be opened."""
    return [*survey.warnings, *map(format_failure, survey.failures)]


def format_query(query: Any) -> str:
    """Format a query of a request: text as it is, a combination of queries as JSON."""
    return query if isinstance(query, str) else json.dumps(query)
