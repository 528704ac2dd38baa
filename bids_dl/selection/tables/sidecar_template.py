"""Sidecars to fill in: the columns and values of events.tsv, with tags where a name suggests them.

Columns and values are collected by `TabularSummary` of hedtools, and `generate_sidecar_entry` of
hedtools makes their entries. Their HED is valid from the start: ``(Label/COLUMN, ID/VALUE)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hed import HedString
from hed.tools.analysis.annotation_util import generate_sidecar_entry
from hed.tools.analysis.tabular_summary import TabularSummary

from bids_dl.config.values import parse_number
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection.schema import bundled_versions, load_schema, schema_tags
from bids_dl.selection.tables.annotations import MISSING_CELLS
from bids_dl.wording import count, join_names

MAX_LEVELS = 50  # distinct values of a column whose values are annotated one by one
TIME_COLUMNS = ("onset", "duration", "sample", "response_time")  # numbers by definition of BIDS
MIN_COUNTER_VALUES = 10  # of numbers that occur once in a recording, as those of trials do
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # of snake_case, kebab-case and camelCase
MIN_WORD_CHARS = 3  # of a word that may be a tag by itself

Counts = Mapping[str, tuple[int, int]]
"""Value -> rows and recordings that have the value."""


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """A column of events.tsv in a template.

    Attributes
    ----------
    name
        Name of the column.
    n_values, n_rows
        Distinct values, and rows that have one.
    suggested
        Tags by value, for the values that are named like tags.
    is_categorical
        True if the template has an entry for each value.
    """

    name: str
    n_values: int
    n_rows: int
    suggested: Mapping[str, str]
    is_categorical: bool


@dataclass(frozen=True, slots=True)
class SidecarTemplate:
    """An events.json to fill in.

    Attributes
    ----------
    content
        Content of the file, valid in BIDS.
    columns
        The columns of the content, in order of name.
    annotated
        Columns that are left out, because the datasets annotate all their values.
    n_recordings
        Number of tables.
    """

    content: Mapping[str, Any]
    columns: tuple[TemplateColumn, ...]
    annotated: tuple[str, ...]
    n_recordings: int


def build_template(tables: Sequence[EventRows]) -> SidecarTemplate:
    """Build a sidecar for those columns of tables that their own sidecars do not annotate.

    Descriptions and HED of the sidecars are kept. Where two differ, the first counts.

    Parameters
    ----------
    tables
        Rows of each recording.

    Raises
    ------
    NoMatchError
        There is no column to annotate.

    Examples
    --------
    >>> table = EventRows("ds/sub-1", {"onset": ("1", "2"), "code": ("eyes_open", "x1")}, {})
    >>> template = build_template([table])
    >>> template.content["code"]["HED"]
    {'eyes_open': 'Eyes-open, (Label/code, ID/eyes_open)', 'x1': '(Label/code, ID/x1)'}
    """
    own = _merge_entries(tables)
    unannotated = _find_unannotated(tables)
    suggester = TagSuggester()
    content: dict[str, Any] = {}
    columns: list[TemplateColumn] = []
    annotated: list[str] = []
    for name, counts in sorted(_count_values(tables).items()):
        if name not in unannotated:
            annotated.append(name)
            continue
        entry = own.get(name, {})
        n_rows = sum(rows for rows, _ in counts.values())
        suggested: dict[str, str] = {}
        is_categorical = _is_categorical(counts) and not isinstance(entry.get("HED"), str)
        if is_categorical:
            suggested = suggester.suggest_all(counts, entry)
            content[name] = _describe_levels(name, counts, entry, suggested)
        else:
            content[name] = _describe_values(counts, entry)
        columns.append(TemplateColumn(name, len(counts), n_rows, suggested, is_categorical))
    if not columns:
        raise NoMatchError(_describe_nothing(annotated, len(tables)))
    return SidecarTemplate(content, tuple(columns), tuple(annotated), len(tables))


def _describe_nothing(annotated: Sequence[str], n_tables: int) -> str:
    """Describe tables without a column to annotate."""
    tables = f"the events.tsv of {count(n_tables, 'recording')}"
    if annotated:
        return (
            f"no column without HED in {tables}: the datasets annotate {join_names(annotated)}; "
            "search them with --hed"
        )
    return (
        f"no column to annotate in {tables}: there are only times; "
        "--whole takes whole recordings without events"
    )


def _count_values(tables: Sequence[EventRows]) -> dict[str, Counts]:
    """Return the counts of the values of each column, without columns of times and empty ones."""
    import pandas as pd

    summary = TabularSummary(skip_cols=list(TIME_COLUMNS))
    for table in tables:
        columns = {name: cells for name, cells in table.columns.items() if name}
        summary.update(pd.DataFrame(columns, dtype=str), name=table.recording)
    values: dict[str, Counts] = {}
    for name, found in summary.categorical_info.items():
        counts = {}
        for value in sorted(found):
            if value not in MISSING_CELLS:
                n_rows, n_tables = found[value]
                counts[value] = (int(n_rows), int(n_tables))
        if counts:
            values[str(name)] = counts
    return values


def _find_unannotated(tables: Sequence[EventRows]) -> set[str]:
    """Return the columns of which a table has a value that its own sidecar does not annotate."""
    unannotated = set()
    for table in tables:
        for column, cells in table.columns.items():
            hed = _own_hed(table.sidecar.get(column))
            if isinstance(hed, str):
                continue
            if set(cells) - hed.keys() - set(MISSING_CELLS):
                unannotated.add(column)
    return unannotated


def _own_hed(entry: Any) -> str | dict[str, str]:
    """Return the HED of a column in a sidecar, without the levels that have none."""
    hed = entry.get("HED") if isinstance(entry, Mapping) else None
    if isinstance(hed, str) and hed not in MISSING_CELLS:
        return hed
    levels = {}
    if isinstance(hed, Mapping):
        for level, text in hed.items():
            if isinstance(text, str) and text.strip() not in MISSING_CELLS:
                levels[str(level)] = text
    return levels


def _merge_entries(tables: Sequence[EventRows]) -> dict[str, dict[str, Any]]:
    """Merge Description, Levels and HED of the sidecars of tables. The first of each counts."""
    merged: dict[str, dict[str, Any]] = {}
    for table in tables:
        for column, entry in table.sidecar.items():
            if not isinstance(entry, Mapping):
                continue
            known = merged.setdefault(column, {"Levels": {}, "HED": {}})
            known.setdefault("Description", entry.get("Description"))
            if isinstance(entry.get("Levels"), Mapping):
                known["Levels"] = {**entry["Levels"], **known["Levels"]}
            hed = _own_hed(entry)
            if not known["HED"]:
                known["HED"] = hed
            elif isinstance(hed, dict) and isinstance(known["HED"], dict):
                known["HED"] = {**hed, **known["HED"]}
    return merged


def _is_categorical(counts: Counts) -> bool:
    """Return whether values are few, and neither measurements with fractions nor a counter."""
    if len(counts) > MAX_LEVELS:
        return False
    numbers = [parse_number(value) for value in counts]
    if None in numbers:
        return True
    has_fraction = any(number % 1 for number in numbers if number is not None)
    is_unique = all(n_rows == n_tables for n_rows, n_tables in counts.values())
    return not has_fraction and not (is_unique and len(counts) >= MIN_COUNTER_VALUES)


def _describe_levels(
    name: str, counts: Counts, own: Mapping[str, Any], suggested: Mapping[str, str]
) -> dict[str, Any]:
    """Return the entry of a column whose values are annotated one by one."""
    values = [value for value in counts if value == value.strip()]  # hedtools matches no other
    entry: dict[str, Any] = generate_sidecar_entry(name, values)
    hed = _make_distinct(entry["HED"]) if values else {}
    levels = {}
    for value, numbers in counts.items():
        tags = suggested.get(value, "")
        levels[value] = _describe_level(numbers, _level_text(own.get("Levels"), value), tags)
        if value not in hed:
            levels[value] += "; no HED, which matches no cell that begins or ends with a blank"
        elif tags:
            hed[value] = f"{tags}, {hed[value]}"
    own_hed = {value: text for value, text in own.get("HED", {}).items() if value in counts}
    content: dict[str, Any] = {"Description": _describe_counts(counts, own), "Levels": levels}
    if hed | own_hed:
        content["HED"] = hed | own_hed
    return content


def _describe_values(counts: Counts, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a column whose values have one HED, in which # stands for the value."""
    description = _describe_counts(counts, own)
    if own.get("HED"):
        return {"Description": description, "HED": own["HED"]}
    hint = 'to annotate each value, add "HED" with # in its place, such as "Label/#"'
    return {"Description": f"{description}; {hint}"}


def _describe_counts(counts: Counts, own: Mapping[str, Any]) -> str:
    """Return the description of a column, with the number of its values and rows."""
    n_rows = sum(rows for rows, _ in counts.values())
    found = f"{count(len(counts), 'value')} in {count(n_rows, 'row')}"
    return "; ".join(str(text) for text in (own.get("Description"), found) if text)


def _make_distinct(hed: Mapping[str, str]) -> dict[str, str]:
    """Append numbers to IDs that are equal, ignoring case: they have only ASCII of a value."""
    known: set[str] = set()
    distinct = {}
    for value, text in hed.items():
        numbered = text
        number = 1
        while numbered.casefold() in known:
            number += 1
            numbered = f"{text.removesuffix(')')}_{number})"
        known.add(numbered.casefold())
        distinct[value] = numbered
    return distinct


def _describe_level(numbers: tuple[int, int], text: str, tags: str) -> str:
    """Describe a value by its own text, its counts, and the tags that are suggested."""
    n_rows, n_tables = numbers
    parts = [text] if text else []
    parts.append(f"{count(n_rows, 'row')} in {count(n_tables, 'recording')}")
    if tags:
        parts.append(f"suggested: {tags}")
    return "; ".join(parts)


def _level_text(levels: Any, value: str) -> str:
    """Return the description of a value in Levels, which BIDS also allows to be an object."""
    level = levels.get(value, "") if isinstance(levels, Mapping) else ""
    if isinstance(level, Mapping):
        level = level.get("Description", "")
    return str(level).strip()


class TagSuggester:
    """Finds tags of the newest bundled HED schema by the names of values."""

    def __init__(self) -> None:
        version = bundled_versions()[-1]
        self._schema = load_schema([version], None, dataset=version, is_override=False)
        self._tags = schema_tags(self._schema)

    def suggest_all(self, counts: Counts, entry: Mapping[str, Any]) -> dict[str, str]:
        """Suggest tags for values without HED, by their texts in Levels, else by the values."""
        own_hed = entry.get("HED", {})
        suggested = {}
        for value in counts:
            text = _level_text(entry.get("Levels"), value)
            tags = self.suggest(text) or self.suggest(value)
            if tags and value not in own_hed:
                suggested[value] = tags
        return suggested

    def suggest(self, name: str) -> str:
        """Suggest tags for a name.

        Returns
        -------
        str
            The tag with this name, ignoring case, digits and separators; else the tags of its
            words, if each word is one; else "".

        Examples
        --------
        >>> suggester = TagSuggester()
        >>> [suggester.suggest(name) for name in ("eyesClosed_2", "RED square", "x")]
        ['Eyes-closed', 'Red, Square', '']
        """
        if not name.isascii():
            return ""  # because tags are English, and parts of other words are no words
        words = [word.casefold() for word in WORD.findall(name)]
        names = ["-".join(words)]
        if self._tag(names[0]) is None:
            names = list(dict.fromkeys(words))
        tags = []
        for word in names:
            tag = self._tag(word) if len(word) >= MIN_WORD_CHARS else None
            if tag is None:
                return ""
            tags.append(tag)
        return ", ".join(tags)

    def _tag(self, name: str) -> str | None:
        """Return a tag that is valid by itself, unlike Onset and Duration."""
        long_form = self._tags.get(name)
        if long_form is None:
            return None
        tag = long_form.rpartition("/")[2]
        return None if HedString(tag, self._schema).validate() else tag
