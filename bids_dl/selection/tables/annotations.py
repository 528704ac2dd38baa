"""HED strings of the rows of events.tsv.

A string is assembled as by `hed.TabularInput`: from the HED of the sidecar columns, the HED column
and ``{column}`` references. Unlike hedtools, definitions that do not validate are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hed import DefinitionDict, HedString
from hed.models.definition_entry import DefinitionEntry
from hed.models.df_util import replace_ref
from hed.models.hed_group import HedGroup

from bids_dl.datamodel import EventRows

HED_COLUMN = "HED"
MISSING_CELLS = ("", "n/a")
MAX_NESTED_GROUPS = 200  # because hedtools parses nested groups recursively
REFERENCE = re.compile(r"\{([a-z_\-0-9]+)\}", re.IGNORECASE)
STRUCTURE = re.compile(r"[(),{}~]")  # characters that open a group or begin a tag


@dataclass(frozen=True, slots=True)
class HedSidecar:
    """HED of a merged sidecar, column by column, read with one schema.

    Attributes
    ----------
    categorical
        Column -> cell -> HED, of the columns whose levels are annotated one by one.
    templates
        Column -> HED with a # for the cell, of the value columns.
    invalid
        Columns whose HED has neither levels nor a #.
    references
        Columns that others refer to in curly braces.
    """

    categorical: Mapping[str, Mapping[str, str]]
    templates: Mapping[str, str]
    invalid: tuple[str, ...]
    references: frozenset[str]
    schema: Any  # hed.HedSchema or HedSchemaGroup
    definitions: Any  # hed.DefinitionDict

    def hed_columns(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the columns of a table that carry HED, in the order of assembly: by name."""
        return tuple(sorted(filter(self._carries_hed, names)))

    def _carries_hed(self, name: str) -> bool:
        return name == HED_COLUMN or name in self.categorical or name in self.templates

    def assemble(self, columns: Sequence[str], cells: Sequence[str | None]) -> str:
        """Assemble the HED string of a row, as `hed.TabularInput.series_a` does.

        Parameters
        ----------
        columns
            Result of `hed_columns`.
        cells
            The row's cell in each column; None omits the column.

        Examples
        --------
        >>> sidecar = HedSidecar({"code": {"go": "Red"}}, {"n": "Label/#"}, (), frozenset(), 0, 0)
        >>> sidecar.assemble(("code", "n"), ("go", "7"))
        'Red, Label/7'
        """
        texts: dict[str, str] = {}
        for column, cell in zip(columns, cells, strict=True):
            texts[column] = self.cell_hed(column, cell)
        parts = []
        for column, text in texts.items():
            if column in self.references:
                continue
            filled = self._fill_references(text, texts)
            if filled not in MISSING_CELLS:
                parts.append(filled)
        return ", ".join(parts)

    def cell_hed(self, column: str, cell: str | None) -> str:
        """Return the HED of a cell, or "" if the cell has none."""
        if column in self.categorical:
            return "" if cell is None else self.categorical[column].get(cell or "n/a", "")
        if cell is None or cell in MISSING_CELLS:
            return ""
        template = self.templates.get(column)
        return cell if template is None else template.replace("#", cell)

    def _fill_references(self, text: str, texts: Mapping[str, str]) -> str:
        """Replace each ``{column}`` by the HED of that column, or remove it if there is none."""
        if "{" not in text:
            return text
        for name in sorted(self.references):
            reference = f"{{{name}}}"
            referred = texts.get(name, "")
            if referred in MISSING_CELLS:
                text = replace_ref(text, re.escape(reference))
            else:
                text = text.replace(reference, referred)
        return text


def hed_entries(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return the HED entries of a sidecar by column."""
    return {
        name: entry["HED"]
        for name, entry in sidecar.items()
        if isinstance(entry, Mapping) and entry.get("HED")
    }


def annotation_key(sidecar: Mapping[str, Any]) -> str:
    """Return a text that is equal for sidecars with the same HED."""
    return json.dumps(hed_entries(sidecar), sort_keys=True, default=str)


def is_annotated(table: EventRows) -> bool:
    """Return whether any column of a table carries HED."""
    if any(name in table.columns for name in hed_entries(table.sidecar)):
        return True
    return any(cell not in MISSING_CELLS for cell in table.columns.get(HED_COLUMN, ()))


def read_sidecar(sidecar: Mapping[str, Any], schema: Any) -> HedSidecar:
    """Read the annotations and definitions of a merged sidecar.

    Parameters
    ----------
    sidecar
        Content of the events.json files, merged by inheritance.
    schema
        `hed.HedSchema` or `HedSchemaGroup`. With None, definitions are not read.
    """
    categorical: dict[str, dict[str, str]] = {}
    templates: dict[str, str] = {}
    invalid: list[str] = []
    level_texts: list[str] = []
    invalid_texts: list[str] = []  # not part of any row, but may contain definitions
    for name, entry in hed_entries(sidecar).items():
        if isinstance(entry, Mapping):
            levels = {str(key): text for key, text in entry.items() if isinstance(text, str)}
            categorical[name] = levels
            level_texts += levels.values()
        elif isinstance(entry, str) and "#" in entry:
            templates[name] = entry
        else:
            invalid.append(name)
            if isinstance(entry, str):
                invalid_texts.append(entry)
    texts = [*templates.values(), *level_texts]
    references: set[str] = set()
    for text in texts:
        references.update(REFERENCE.findall(text))
    return HedSidecar(
        categorical=categorical,
        templates=templates,
        invalid=tuple(invalid),
        references=frozenset(references),
        schema=schema,
        definitions=_read_definitions([*texts, *invalid_texts], schema),
    )


def _read_definitions(texts: Iterable[str], schema: Any) -> Any:
    """Return every definition in HED strings by name. The first definition of a name counts.

    `hed.DefinitionDict` discards definitions that do not validate, but real datasets use them.
    """
    definitions = DefinitionDict()
    if schema is None:
        return definitions
    for text in texts:
        if "definition" not in text.casefold() or not has_balanced_groups(text):
            continue
        for tag, group in HedString(text, schema).find_top_level_tags({"Definition"}):
            entry = _definition_entry(tag, group)
            definitions.defs.setdefault(entry.name.casefold(), entry)
    return definitions


def _definition_entry(tag: Any, group: Any) -> Any:
    """Return the `DefinitionEntry` of a Definition tag and its group."""
    name = tag.extension.removesuffix("/#")
    children = [child for child in group.children if child is not tag]
    content = None
    if len(children) == 1 and isinstance(children[0], HedGroup):
        content = children[0]
    elif children:
        content = HedGroup(contents=children)
    return DefinitionEntry(name, content, tag.extension.endswith("/#"), None)


def has_balanced_groups(text: str) -> bool:
    """Return whether hedtools can parse the groups of a HED string.

    It reads a string with an unpaired parenthesis as empty, and fails beyond `MAX_NESTED_GROUPS`.
    """
    depth = 0
    for character in text:
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        if not 0 <= depth <= MAX_NESTED_GROUPS:
            return False
    return depth == 0


def is_plain_value(cell: str) -> bool:
    """Return whether a cell can only be a value: it neither opens a group nor begins a tag."""
    return not STRUCTURE.search(cell)
