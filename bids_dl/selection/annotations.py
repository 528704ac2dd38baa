"""One HED string per row of events.tsv, assembled as hedtools does from sidecar columns, the HED column and {column} references."""

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
from bids_dl.selection.queries.grammar import Query, Word

HED_COLUMN = "HED"
MISSING = ("", "n/a")
DEEPEST = 200  # brackets within brackets: hedtools reads them by recursion
REFERENCE = re.compile(r"\{([a-z_\-0-9]+)\}", re.IGNORECASE)
STRUCTURE = re.compile(r"[(),{}~]")  # in a cell: may change more than a value
TEMPORAL = {"onset", "offset", "inset", "duration", "delay"}


@dataclass(frozen=True, slots=True)
class Codebook:
    """What a sidecar says about columns, read with one schema."""

    levels: Mapping[str, Mapping[str, str]]  # column -> cell -> HED
    values: Mapping[str, str]  # column -> HED with a # for the cell
    unclear: tuple[str, ...]  # columns whose HED is neither
    references: frozenset[str]  # columns that others refer to in curly braces
    schema: Any  # hed.HedSchema or HedSchemaGroup
    definitions: Any  # hed.DefinitionDict

    def columns(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those columns of a table that carry HED, by name, as hedtools puts them together."""
        return tuple(
            sorted(
                name
                for name in names
                if name == HED_COLUMN or name in self.levels or name in self.values
            )
        )

    def assemble(self, columns: Sequence[str], cells: Sequence[str | None]) -> str:
        """The HED string of a row; a cell of None is left out."""
        texts = {
            column: self.text(column, cell) for column, cell in zip(columns, cells, strict=True)
        }
        kept = [
            self._filled(text, texts)
            for column, text in texts.items()
            if column not in self.references
        ]
        return ", ".join(text for text in kept if text not in MISSING)

    def text(self, column: str, cell: str | None) -> str:
        """The HED of one cell; "" where it has none."""
        if cell is None or (cell in MISSING and column not in self.levels):
            return ""
        if column in self.levels:
            return self.levels[column].get(cell or "n/a", "")
        return self.values[column].replace("#", cell) if column in self.values else cell

    def _filled(self, text: str, texts: Mapping[str, str]) -> str:
        if "{" not in text:
            return text
        for name in sorted(self.references):
            put = texts.get(name, "")
            reference = f"{{{name}}}"
            text = (
                text.replace(reference, put)
                if put not in MISSING
                else replace_ref(text, re.escape(reference))
            )
        return text


def hed_of(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """The HED entries of a sidecar, column by column."""
    return {
        name: entry["HED"]
        for name, entry in sidecar.items()
        if isinstance(entry, Mapping) and entry.get("HED")
    }


def identity(sidecar: Mapping[str, Any]) -> str:
    """Equal for sidecars with the same annotations."""
    return json.dumps(hed_of(sidecar), sort_keys=True, default=str)


def is_annotated(table: EventRows) -> bool:
    """Whether any column of a table carries HED."""
    return any(name in table.columns for name in hed_of(table.sidecar)) or any(
        cell not in MISSING for cell in table.columns.get(HED_COLUMN, ())
    )


def read_codebook(sidecar: Mapping[str, Any], schema: Any) -> Codebook:
    """Read the annotations and definitions of a (merged) sidecar."""
    entries = hed_of(sidecar)
    levels = {
        name: {str(level): text for level, text in entry.items() if isinstance(text, str)}
        for name, entry in entries.items()
        if isinstance(entry, Mapping)
    }
    values = {
        name: entry for name, entry in entries.items() if isinstance(entry, str) and "#" in entry
    }
    texts = [*values.values(), *(text for column in levels.values() for text in column.values())]
    return Codebook(
        levels,
        values,
        tuple(name for name in entries if name not in levels and name not in values),
        frozenset(name for text in texts for name in REFERENCE.findall(text)),
        schema,
        _definitions(
            [*texts, *(entry for entry in entries.values() if isinstance(entry, str))], schema
        ),
    )


def _definitions(texts: Iterable[str], schema: Any) -> Any:
    """Every definition in some HED strings, by name; the first of a name counts.

    Unlike hedtools' own this also takes definitions that do not validate: real datasets have them.
    """
    found = DefinitionDict()
    for text in texts:
        if "definition" not in text.casefold() or not is_readable(text):
            continue
        for tag, group in HedString(text, schema).find_top_level_tags({"Definition"}):
            name, takes_value = tag.extension.removesuffix("/#"), tag.extension.endswith("/#")
            rest = [child for child in group.children if child is not tag]
            content = (
                rest[0]
                if len(rest) == 1 and isinstance(rest[0], HedGroup)
                else HedGroup(contents=rest)
                if rest
                else None
            )
            found.defs.setdefault(
                name.casefold(), DefinitionEntry(name, content, takes_value, None)
            )
    return found


def out_of_reach(codebook: Codebook, queries: Sequence[Query]) -> frozenset[str]:
    """The value columns that no query can tell apart: their cells need not be parsed.

    A recording with thousands of trial numbers and file names has few distinct rows where one value stands for all.
    """
    if codebook.references:
        return frozenset()
    words = [word for query in queries for term in query.terms() for word in term.words]
    return frozenset(
        name
        for name, template in codebook.values.items()
        if not _reaches(template, words, codebook)
    )


def _reaches(template: str, words: Sequence[Word], codebook: Codebook) -> bool:
    if not is_readable(template):
        return True
    tree = HedString(template, codebook.schema, codebook.definitions)
    tags = tree.get_all_tags()
    for tag in [*tags]:
        if (
            entry := codebook.definitions.get_definition_entry(tag)
            if tag.short_base_tag == "Def"
            else None
        ):
            tags += entry.contents.get_all_tags() if entry.contents else []
    if any("#" in str(tag) and not tag.is_takes_value_tag() for tag in tags):
        return True
    if any(
        tag.short_base_tag.casefold() in TEMPORAL or tag.short_base_tag == "Def-expand"
        for tag in tags
    ):
        return True
    return any(
        _may_match(word, str(tag).casefold(), tag.tag_terms) for word in words for tag in tags
    )


def _may_match(word: Word, tag: str, terms: Sequence[str]) -> bool:
    """Whether a word may match a tag of a template, whatever stands for its #."""
    start = tag.partition("#")[0]
    if word.kind == "term":
        return word.text in terms
    if word.kind == "prefix":
        return start.startswith(word.text) or ("#" in tag and word.text.startswith(start))
    return word.text == tag or ("#" in tag and word.text.startswith(start))


def is_readable(text: str) -> bool:
    """Whether every bracket has its partner, where hedtools reads a string as empty if not, and none is nested beyond reason."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= DEEPEST:
            return False
    return depth == 0


def is_plain(cell: str) -> bool:
    """Whether a cell can only be a value: it holds nothing that would open a group or begin a tag."""
    return not STRUCTURE.search(cell)
