"""Output of `bids-dl find`: datasets as a table, or as the JSON object of docs/cli.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bids_dl.cli import console
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.finding.findings import FoundDataset, FoundDatasets, sort_found
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.finding.catalogue import ListedDataset

MAX_TASKS = 3  # in a row
UNKNOWN = "?"
YES_OR_NO = {True: "yes", False: "no", None: UNKNOWN}


def print_findings(findings: FoundDatasets, *, as_json: bool) -> None:
    """Print the datasets that were found, and those that could not be searched."""
    if as_json:
        console.print_json(_to_json(findings))
        return
    listed = [found for found in findings.datasets if not found.problem]
    if not listed:
        console.out.print(_describe_none(findings), soft_wrap=True)
    elif listed[0].matches is None:
        print_table(_table_of_catalogue(listed, findings))
    else:
        print_table(_table_of_matches(listed, findings))
    if findings.n_unknown:
        console.print_message(
            f"{count(findings.n_unknown, 'dataset')} left out because the catalogue lacks a "
            "number; --include-unknown lists them"
        )
    _print_failures(findings.datasets)


def print_interrupted(searched: Sequence[FoundDataset], *, as_json: bool) -> None:
    """Print what was found before an interruption. Nothing is printed if nothing was searched."""
    found = []
    for dataset in searched:
        if dataset.problem or (dataset.matches and dataset.matches.n_events):
            found.append(dataset)
    if not searched:
        return
    findings = FoundDatasets(tuple(sort_found(found)), len(searched), n_searched=len(searched))
    console.print_message(f"interrupted after {count(len(searched), 'dataset')}")
    print_findings(findings, as_json=as_json)


def _to_json(findings: FoundDatasets) -> dict[str, Any]:
    return {
        "datasets": findings.to_rows(),
        "total": findings.n_total,
        "unknown": findings.n_unknown,
        "searched": findings.n_searched,
    }


def _describe_none(findings: FoundDatasets) -> str:
    if findings.n_searched:
        n_failed = sum(bool(found.problem) for found in findings.datasets)
        return f"no event matches in {count(findings.n_searched - n_failed, 'dataset')}"
    return "no dataset of the catalogue meets these filters"


def _table_of_catalogue(listed: Sequence[FoundDataset], findings: FoundDatasets) -> TextTable:
    numbers = ("subjects", "channels", "hours")
    headings = ("source", *numbers, "HED", "licence", "tasks", "name")
    title = f"{len(listed)} of {count(findings.n_total, 'dataset')} in NEMAR's catalogue"
    table = TextTable(headings, title=title, numbers=frozenset(numbers))
    for found in listed:
        item = found.listed
        cells = (_number(item.subjects), _channels(item), _hours(item.hours))
        tasks = join_names(item.tasks, limit=MAX_TASKS)
        texts = (YES_OR_NO[item.has_hed], item.licence, tasks, item.name)
        table.rows.append((item.source, *cells, *texts))
    return table


def _table_of_matches(listed: Sequence[FoundDataset], findings: FoundDatasets) -> TextTable:
    labels = list(listed[0].matches.events) if listed[0].matches else []
    events = ("events",) if len(labels) < 2 else tuple(labels)
    numbers = (*events, "subjects", "hours", "channels")
    headings = ("source", *numbers, "licence", "name")
    title = f"{len(listed)} of {count(findings.n_searched, 'dataset')} with events that match"
    table = TextTable(headings, title=title, numbers=frozenset(numbers))
    n_open = 0
    for found in listed:
        matches = found.matches
        if matches is None:
            continue
        n_open += matches.open_events
        cells = [str(matches.events[label]) for label in labels]
        cells += [str(matches.subjects), _hours(matches.hours), _channels(found.listed)]
        table.rows.append((found.listed.source, *cells, found.listed.licence, found.listed.name))
    if n_open:
        table.remark = f"hours without {count(n_open, 'event')} whose end no text file states"
    return table


def _number(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _hours(hours: float | None) -> str:
    if hours is None:
        return UNKNOWN
    return f"{hours:.2f}" if hours < 1 else f"{hours:.1f}"


def _channels(item: ListedDataset) -> str:
    if item.channels is None:
        return UNKNOWN
    low, high = item.channels
    return str(low) if low == high else f"{low}-{high}"


def _print_failures(datasets: Sequence[FoundDataset]) -> None:
    """Print datasets that could not be searched, and recordings that could not be read."""
    problems = [f"{found.listed.source}: {found.problem}" for found in datasets if found.problem]
    for found in datasets:
        if found.matches is not None and found.matches.problems:
            [first, *_] = found.matches.problems
            number = count(len(found.matches.problems), "recording")
            problems.append(f"{found.listed.source}: {number} cannot be read, the first {first}")
    console.print_failures(problems)
