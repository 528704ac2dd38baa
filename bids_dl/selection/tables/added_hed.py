"""Merging of the HED that a request adds into the sidecars of datasets, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bids_dl.config.selecting.hed_sidecars import ALL_DATASETS, FLAG, HedSidecars
from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError
from bids_dl.selection.tables.annotations import MISSING_CELLS, hed_entries
from bids_dl.wording import count, join_names


@dataclass(slots=True)
class _Usage:
    """Columns and cells of one dataset, and what of the added HED replaces its own."""

    n_tables: int = 0
    columns: Counter[str] = field(default_factory=Counter)  # column -> tables that have it
    cells: dict[str, set[str]] = field(default_factory=dict)  # column -> distinct cells
    replaced: Counter[str] = field(default_factory=Counter)  # column -> tables


def add_hed(
    tables: Sequence[EventRows], sidecars: HedSidecars
) -> tuple[list[EventRows], tuple[str, ...]]:
    """Merge added HED into the sidecars of tables. It replaces HED of the same column.

    Parameters
    ----------
    tables
        Rows of each recording. The dataset of a table is its recording up to the first "/".
    sidecars
        Added HED, as `parse_hed_sidecars` returns it. That of a dataset comes before that of all.

    Returns
    -------
    tables : list of EventRows
        The tables in order; Levels and Description of their sidecars stay.
    notes : tuple of str
        One line for each dataset and column whose own HED is replaced, and for each column whose
        values do not all occur.

    Raises
    ------
    ConfigError
        A dataset is not among the sources, or no table of it has an annotated column or value.

    Examples
    --------
    >>> table = EventRows("ds/sub-1", {"onset": ("1",), "code": ("a",)}, {})
    >>> [merged], notes = add_hed([table], {"": {"code": {"HED": {"a": "Red"}}}})
    >>> merged.sidecar, notes
    ({'code': {'HED': {'a': 'Red'}}}, ())
    """
    if not sidecars:
        return list(tables), ()
    usages: dict[str, _Usage] = {}
    merged = []
    for table in tables:
        dataset = table.recording.partition("/")[0]
        usage = usages.setdefault(dataset, _Usage())
        added = {**sidecars.get(ALL_DATASETS, {}), **sidecars.get(dataset, {})}
        merged.append(_merge_table(table, added, usage))
    _check_datasets(sidecars, usages)
    notes: list[str] = []
    for dataset, usage in usages.items():
        for column, n_tables in usage.replaced.items():
            recordings = count(n_tables, "recording")
            notes.append(f"{dataset}: {FLAG} replaces its HED of {column} in {recordings}")
    for dataset, added in sidecars.items():
        described = [usages[dataset]] if dataset else list(usages.values())
        notes += _check_columns(added, described, f"{FLAG} {dataset}".rstrip())
    return merged, tuple(notes)


def _merge_table(table: EventRows, added: Mapping[str, Any], usage: _Usage) -> EventRows:
    """Return a table with added HED, and record its columns and cells."""
    usage.n_tables += 1
    usage.columns.update(table.columns.keys())
    sidecar = dict(table.sidecar)
    own_hed = hed_entries(sidecar)
    for column, entry in added.items():
        if column in own_hed and own_hed[column] != entry["HED"]:
            usage.replaced[column] += 1
        own = sidecar.get(column)
        sidecar[column] = {**(own if isinstance(own, Mapping) else {}), **entry}
        usage.cells.setdefault(column, set()).update(table.columns.get(column, ()))
    return replace(table, sidecar=sidecar)


def _check_datasets(sidecars: HedSidecars, usages: Mapping[str, _Usage]) -> None:
    """Refuse the sidecar of a dataset that is not searched."""
    for dataset in sidecars:
        if dataset != ALL_DATASETS and dataset not in usages:
            known = join_names(usages) or "none"
            raise ConfigError(
                f"{FLAG} {dataset}=...: no source with this name is searched; there are: {known}"
            )


def _check_columns(added: Mapping[str, Any], usages: Sequence[_Usage], name: str) -> list[str]:
    """Return a note for each column of which something does not occur.

    Raises
    ------
    ConfigError
        Nothing of the sidecar occurs in a table.
    """
    columns = set().union(*(usage.columns for usage in usages))
    cells: dict[str, set[str]] = {}
    for usage in usages:
        for column, values in usage.cells.items():
            cells.setdefault(column, set()).update(values)
    if not columns & added.keys():
        raise ConfigError(
            f"{name}: none of its columns ({join_names(added)}) is in an events.tsv; "
            f"there are: {join_names(sorted(columns)) or 'none'}"
        )
    notes = []
    n_used = 0
    for column, entry in added.items():
        hed = entry["HED"]
        levels = hed if isinstance(hed, Mapping) else {}
        if column not in columns:
            if not _defines(hed):
                notes.append(f"{name}: no events.tsv has the column {column}")
            continue
        unused = [level for level in levels if level not in cells[column]]
        n_used += len(levels) - len(unused) if levels else 1
        if unused:
            notes.append(
                f"{name}: {len(unused)} of {count(len(levels), 'value')} of {column} are in no "
                f"events.tsv (first: {unused[0]!r})"
            )
    if not n_used:
        column = next(column for column in added if column in columns)
        found = sorted(cell for cell in cells[column] if cell not in MISSING_CELLS)
        raise ConfigError(
            f"{name}: none of its values is in an events.tsv; {column} has {join_names(found)}"
        )
    return notes


def _defines(hed: Any) -> bool:
    """Return whether HED contains a definition, which has a use without a column."""
    texts: Iterable[str] = hed.values() if isinstance(hed, Mapping) else [hed]
    return any("definition/" in text.casefold() for text in texts)
