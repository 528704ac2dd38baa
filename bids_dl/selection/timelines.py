"""All tables of a request with their codebooks, and what some queries match in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection import schema as schemas
from bids_dl.selection.annotations import (
    HED_COLUMN,
    MISSING,
    Codebook,
    hed_of,
    identity,
    is_annotated,
    read_codebook,
)
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.matching import Annotation, Matcher
from bids_dl.selection.processes import Moment, Process, track
from bids_dl.selection.queries.grammar import Query
from bids_dl.selection.states import Interval, StateSearcher


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happens in one recording, in order of time."""

    table: EventRows
    codebook: Codebook
    columns: tuple[str, ...]  # those that carry HED
    onsets: tuple[float, ...]  # s, of all rows, sorted
    moments: tuple[Moment, ...]  # those that any query matches
    processes: Sequence[Sequence[Process]]  # those each moment begins
    states: Sequence[tuple[Interval, ...]] = ()  # when each state query holds

    def onset(self, row: int) -> float | None:
        """Onset of a row in s, or None."""
        return number(self.table.columns["onset"][row]) if "onset" in self.table.columns else None

    def duration(self, row: int) -> float:
        """The duration column of a row in s; 0 where it has none."""
        cells = self.table.columns.get("duration")
        return (number(cells[row]) or 0.0) if cells else 0.0

    def hed(self, row: int) -> str:
        """The HED string of a row as assembled."""
        return self.codebook.assemble(
            self.columns, [self.table.columns[name][row] for name in self.columns]
        )


@dataclass(frozen=True, slots=True)
class AnnotatedTables:
    """Tables that carry HED, each with the codebook it is read by."""

    tables: tuple[EventRows, ...]
    codebooks: tuple[Codebook, ...]  # of each table; equal sidecars share one
    versions: Mapping[str, str]  # dataset -> version its HED was read with
    tags: Mapping[str, str]  # every tag of their schemas, case-folded -> long form
    searched: int  # number of tables, those without HED included

    @property
    def place(self) -> str:
        """What was searched, for messages: "136 recordings of ds005505"."""
        names = (
            ", ".join(self.versions) if len(self.versions) < 5 else f"{len(self.versions)} datasets"
        )
        return f"{self.searched} recording{'s' if self.searched != 1 else ''} of {names}"

    def timelines(
        self, queries: tuple[Query, ...], findings: IssueCounter, *, states: tuple[Query, ...] = ()
    ) -> list[Timeline]:
        """Search every table, in the order given: ``queries`` in its rows, ``states`` in the processes that run."""
        matchers: dict[int, Matcher] = {}
        searchers: dict[int, StateSearcher] = {}
        found = []
        for table, codebook in zip(self.tables, self.codebooks, strict=True):
            matcher = matchers.setdefault(id(codebook), Matcher(codebook, queries))
            searcher = searchers.setdefault(id(codebook), StateSearcher(codebook.schema, states))
            found.append(_timeline(table, codebook, matcher.annotations(table), searcher, findings))
        return found


def gather(
    tables: Sequence[EventRows],
    config: EventsConfig,
    declared: Mapping[str, Any],
    findings: IssueCounter,
) -> AnnotatedTables:
    """Load the schemas and read the sidecars of some tables.

    Raises
    ------
    NoMatchError
        If no table carries HED; said before any schema is looked for.
    ConfigError, SourceError
        If there is no schema of the version wanted.
    """
    annotated = [table for table in tables if is_annotated(table)]
    datasets = list(dict.fromkeys(dataset_of(table) for table in tables))
    if not annotated:
        raise NoMatchError(_nothing_annotated(tables, datasets))
    kept = {id(table) for table in annotated}
    for table in tables:
        findings.add("unannotated", table.recording, id(table) not in kept)
    versions, loaded = _schemas(
        list(dict.fromkeys(map(dataset_of, annotated))), config, declared, findings
    )
    codebooks: dict[tuple[str, str], Codebook] = {}
    for table in annotated:
        key = versions[dataset_of(table)], identity(table.sidecar)
        if key not in codebooks:
            codebooks[key] = read_codebook(table.sidecar, loaded[key[0]])
        _check_columns(table, codebooks[key], findings)
    books = tuple(
        codebooks[versions[dataset_of(table)], identity(table.sidecar)] for table in annotated
    )
    tags = {
        name: tag for schema in loaded.values() for name, tag in schemas.tags_of(schema).items()
    }
    return AnnotatedTables(tuple(annotated), books, versions, tags, len(tables))


def dataset_of(table: EventRows) -> str:
    return table.recording.partition("/")[0]


def _nothing_annotated(tables: Sequence[EventRows], datasets: Sequence[str]) -> str:
    if not tables:
        return "no recordings to search; check --subject, --session, --task and --run"
    where = f"no HED annotations in {len(tables)} recording{'s' if len(tables) != 1 else ''} of {', '.join(datasets)}"
    elsewhere = sorted({name for table in tables for name in hed_of(table.sidecar)})
    if elsewhere:
        return f"{where}: the sidecars annotate {', '.join(elsewhere[:5])}, and no events.tsv has such a column"
    return f"{where}: neither a HED column in events.tsv nor HED in its sidecars (events.json)"


def _schemas(
    datasets: Iterable[str],
    config: EventsConfig,
    declared: Mapping[str, Any],
    findings: IssueCounter,
) -> tuple[dict[str, str], dict[str, Any]]:
    """The version each dataset is read with, and the schema of each version."""
    versions: dict[str, str] = {}
    loaded: dict[str, Any] = {}
    for dataset in datasets:
        wanted = schemas.versions_of(dataset, declared.get(dataset), config.hed_version)
        if not wanted:
            wanted = (schemas.bundled()[-1],)
            findings.tell(
                f"{dataset}: no HEDVersion in dataset_description.json; read with {wanted[0]}, the newest here (see --hed-version)"
            )
        versions[dataset] = ", ".join(wanted)
        if versions[dataset] not in loaded:
            loaded[versions[dataset]] = schemas.load(
                wanted, config.hed_schema_dir, dataset=dataset, asked=bool(config.hed_version)
            )
    return versions, loaded


def _check_columns(table: EventRows, codebook: Codebook, findings: IssueCounter) -> None:
    """Count what the columns of a table and its sidecar do not say of each other."""
    absent = [
        name
        for name in sorted(codebook.references)
        if name not in table.columns and name != HED_COLUMN
    ]
    if absent:
        findings.add("reference", f"{{{absent[0]}}} in {table.recording}")
    if unclear := [name for name in codebook.unclear if name in table.columns]:
        findings.add("unclear", f"{unclear[0]} in {table.recording}")
    for name, levels in codebook.levels.items():
        cells = Counter(table.columns.get(name, ()))
        for cell, count in cells.items():
            if cell not in levels and cell not in MISSING:
                findings.add(
                    "levels",
                    f"{cell!r} in column {name} of {table.recording}{_near(cell, levels)}",
                    count,
                )


def _near(cell: str, levels: Mapping[str, str]) -> str:
    """A level that may be meant: "1" for "1.0" and "01"."""
    for level in levels:
        if (
            level.strip().casefold() == cell.strip().casefold()
            or number(level) == number(cell) is not None
        ):
            return f"; the sidecar has {level!r}"
    close = get_close_matches(cell, levels, n=1, cutoff=0.85)
    return f"; the sidecar has {close[0]!r}" if close else ""


def number(text: str) -> float | None:
    """A cell as a finite number, or None."""
    try:
        value = float(text.replace("_", "x"))  # float() takes "1_0"
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _timeline(
    table: EventRows,
    codebook: Codebook,
    annotations: Sequence[Annotation],
    searcher: StateSearcher,
    findings: IssueCounter,
) -> Timeline:
    """Put the rows of a table in order of time and follow its processes."""
    onsets = [number(text) for text in table.columns.get("onset", ())]
    if not onsets and len(table):
        findings.add("columns", table.recording)
        onsets = [None] * len(table)
    moments: list[Moment] = []
    for row, (onset, annotation) in enumerate(zip(onsets, annotations, strict=True)):
        if annotation.is_odd:
            _count(annotation, f"row {row} of {table.recording}", findings)
        if onset is None:
            findings.add("onset", f"row {row} of {table.recording}", "onset" in table.columns)
            continue
        moments += [
            Moment(part.after(onset), row, part)
            for part in annotation.parts
            if part.matched or part.markers
        ]
    moments.sort(key=lambda moment: (moment.onset, moment.part.is_delayed, moment.row))
    begun, unmatched = track(moments)
    if unmatched:
        findings.add("offset", f"row {unmatched[0]} of {table.recording}", len(unmatched))
    known = sorted(onset for onset in onsets if onset is not None)
    matched = [index for index, moment in enumerate(moments) if moment.part.matched]
    return Timeline(
        table,
        codebook,
        codebook.columns(table.columns),
        tuple(known),
        tuple(moments[index] for index in matched),
        [begun.get(index, ()) for index in matched],
        searcher.stretches(_running(moments, begun)) if searcher.queries else (),
    )


def _running(
    moments: Sequence[Moment], begun: Mapping[int, Sequence[Process]]
) -> Iterator[tuple[str, float, float]]:
    """HED, onset and end (s) of every process."""
    for index, processes in begun.items():
        for marker, end in processes:
            yield marker.text, moments[index].onset, math.inf if end is None else end


def _count(annotation: Annotation, where: str, findings: IssueCounter) -> None:
    findings.add("unbalanced", where, annotation.unbalanced)
    findings.add("unanchored", where, annotation.unanchored)
    for kind, tags in (
        ("unreadable", annotation.unreadable),
        ("unknown", annotation.unknown),
        ("undefined", annotation.undefined),
    ):
        findings.add(kind, f"{tags[0]} in {where}" if tags else "", bool(tags))
