"""The tables of a request with the schema and sidecar that each is read with.

hedtools reads one file at a time (`hed.TabularInput`). Here tables with the same schema version
and equal HED in their sidecars share one parsed sidecar, and so one cache of searched rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection import schema as schemas
from bids_dl.selection.advice.column_advice import ColumnAdviser, describe_selectable
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.queries.query import Query
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.search.matching import RowMatcher
from bids_dl.selection.search.states import StateSearcher
from bids_dl.selection.search.timelines import Timeline, build_timeline, parse_number
from bids_dl.selection.tables.annotations import (
    HED_COLUMN,
    MISSING_CELLS,
    HedSidecar,
    annotation_key,
    hed_entries,
    is_annotated,
    read_sidecar,
)
from bids_dl.selection.tables.table_checks import check_table
from bids_dl.wording import count, join_names

MAX_NAMED_DATASETS = 4  # in a message; more are counted
MIN_LEVEL_SIMILARITY = 0.85  # in [0, 1], for a level that may have been meant by a cell


@dataclass(frozen=True, slots=True)
class AnnotatedTables:
    """The searched tables, each with the sidecar that it is read with.

    Tables without HED are among them only if a query compares a column.
    """

    tables: tuple[EventRows, ...]
    sidecars: tuple[HedSidecar, ...]  # of each table; equal ones are one object
    versions: Mapping[str, str]  # dataset -> HED version
    tags: Mapping[str, str]  # tags of all schemas: case-folded short form -> long form
    n_recordings: int  # including those without HED

    @property
    def description(self) -> str:
        """The searched recordings in words, such as "136 recordings of ds005505"."""
        datasets = dict.fromkeys(map(_dataset_of, self.tables))
        names = ", ".join(datasets)
        if len(datasets) > MAX_NAMED_DATASETS:
            names = f"{len(datasets)} datasets"
        return f"{count(self.n_recordings, 'recording')} of {names}"

    @property
    def hed_versions(self) -> str:
        """The HED versions of all datasets, for messages."""
        return ", ".join(dict.fromkeys(self.versions.values()))

    def search(
        self,
        row_queries: tuple[Query, ...],
        issues: IssueCounter,
        *,
        state_queries: tuple[Query, ...] = (),
    ) -> list[Timeline]:
        """Search every table, in order.

        Parameters
        ----------
        row_queries
            Queries that are searched in rows.
        issues
            Counter to which problems in the rows are added.
        state_queries
            Queries that are searched in what lasts at a time.
        """
        matchers: dict[int, RowMatcher] = {}
        searchers: dict[int, StateSearcher] = {}
        for sidecar in self.sidecars:
            if id(sidecar) not in matchers:
                matchers[id(sidecar)] = RowMatcher(sidecar, row_queries)
                searchers[id(sidecar)] = StateSearcher(sidecar.schema, state_queries)
        return [
            build_timeline(table, matchers[id(sidecar)], searchers[id(sidecar)], issues)
            for table, sidecar in zip(self.tables, self.sidecars, strict=True)
        ]


def load_annotations(
    tables: Sequence[EventRows],
    config: EventsConfig,
    declared: Mapping[str, Any],
    issues: IssueCounter,
    queries: QueryIndex | None = None,
) -> AnnotatedTables:
    """Load the schemas of tables and read their sidecars.

    If no query contains HED, no schema is loaded, except to validate with ``config.hed_strict``.

    Parameters
    ----------
    tables
        The dataset of a table is its recording up to the first "/".
    config
        Its options replace the declared HED version, or name a folder of schemas.
    declared
        Dataset -> HEDVersion of its dataset_description.json.
    issues
        Counter to which problems are added.
    queries
        Queries of the request. None: HED is read, and only tables that carry HED are kept.

    Raises
    ------
    NoMatchError
        If a query contains HED and no table carries any. Checked before any schema is loaded.
    ConfigError, SourceError
        If a schema version is not available.
    """
    needs_hed = queries is None or queries.needs_hed
    annotated: list[EventRows] = []
    if needs_hed or config.hed_strict:
        annotated = [table for table in tables if is_annotated(table)]
    if not tables or (needs_hed and not annotated):
        raise NoMatchError(_describe_missing_hed(tables, queries))
    with_hed = {id(table) for table in annotated}
    if needs_hed:
        for table in tables:
            if id(table) not in with_hed:
                issues.add("no_hed", table.recording)
    versions, loaded = _load_schemas(map(_dataset_of, annotated), config, declared, issues)
    searched = annotated if queries is None or not queries.has_comparisons else tables
    by_key: dict[tuple[str, str], HedSidecar] = {}
    sidecars = []
    for table in searched:
        version = versions[_dataset_of(table)] if id(table) in with_hed else ""
        key = (version, annotation_key(table.sidecar))
        if key not in by_key:
            by_key[key] = read_sidecar(table.sidecar, loaded.get(version))
        sidecars.append(by_key[key])
        check_table(table, issues)
        if version:
            _check_columns(table, by_key[key], issues)
    tags: dict[str, str] = {}
    for schema in loaded.values():
        tags |= schemas.schema_tags(schema)
    return AnnotatedTables(tuple(searched), tuple(sidecars), versions, tags, len(tables))


def _dataset_of(table: EventRows) -> str:
    return table.recording.partition("/")[0]


def _describe_missing_hed(tables: Sequence[EventRows], queries: QueryIndex | None) -> str:
    if not tables:
        return "no recordings to search; check --subject, --session, --task and --run"
    datasets = ", ".join(dict.fromkeys(map(_dataset_of, tables)))
    description = f"{count(len(tables), 'recording')} of {datasets}"
    problem = f"no HED annotations in {description}"
    hint = ""
    if queries is not None:
        hint = f"\n  {describe_selectable(ColumnAdviser(tables, description), queries.labels)}"
    columns: set[str] = set()
    for table in tables:
        columns.update(hed_entries(table.sidecar))
    if columns:
        return (
            f"{problem}: the sidecars annotate {join_names(sorted(columns), limit=5)}, "
            f"but no events.tsv has such a column{hint}"
        )
    return (
        f"{problem}: neither a HED column in events.tsv nor HED in its sidecars (events.json){hint}"
    )


def _load_schemas(
    datasets: Iterable[str],
    config: EventsConfig,
    declared: Mapping[str, Any],
    issues: IssueCounter,
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the version of each dataset, and the schema of each version."""
    versions: dict[str, str] = {}
    loaded: dict[str, Any] = {}
    for dataset in dict.fromkeys(datasets):
        requested = schemas.requested_versions(dataset, declared.get(dataset), config.hed_version)
        if not requested:
            requested = (schemas.bundled_versions()[-1],)
            issues.warn(
                f"{dataset}: no HEDVersion in dataset_description.json; read with {requested[0]}, "
                "the newest available version (see --hed-version)"
            )
        version = ", ".join(requested)
        versions[dataset] = version
        if version not in loaded:
            loaded[version] = schemas.load_schema(
                requested,
                config.hed_schema_dir,
                dataset=dataset,
                is_override=bool(config.hed_version),
            )
    return versions, loaded


def _check_columns(table: EventRows, sidecar: HedSidecar, issues: IssueCounter) -> None:
    """Count mismatches between the columns of a table and those of its sidecar."""
    for name in sorted(sidecar.references):
        if name not in table.columns and name != HED_COLUMN:
            issues.add("missing_reference", f"{{{name}}} in {table.recording}")
            break
    for name in sidecar.invalid:
        if name in table.columns:
            issues.add("invalid_column", f"{name} in {table.recording}")
            break
    for name, levels in sidecar.categorical.items():
        for cell, n_rows in Counter(table.columns.get(name, ())).items():
            if cell not in levels and cell not in MISSING_CELLS:
                place = f"{cell!r} in column {name} of {table.recording}"
                if level := _same_level(cell, levels):
                    issues.add("near_level", f"{place}; the sidecar has {level!r}", n_rows)
                    continue
                if close := get_close_matches(cell, list(levels), n=1, cutoff=MIN_LEVEL_SIMILARITY):
                    place += f"; the sidecar has {close[0]!r}"
                issues.add("unknown_level", place, n_rows)


def _same_level(cell: str, levels: Iterable[str]) -> str:
    """Return the level that means the same as a cell: "1" for "1.0" and "01"; "" without one."""
    number = parse_number(cell)
    for level in levels:
        is_same_text = level.strip().casefold() == cell.strip().casefold()
        is_same_number = number is not None and parse_number(level) == number
        if is_same_text or is_same_number:
            return level
    return ""
