"""Value columns whose cells cannot change the result of any query.

A recording with thousands of trial numbers and file names has few distinct HED strings if one
value stands for all of them: 19 instead of 15,960 in ds003645. Each distinct string is parsed once.
The check reproduces how `hed.QueryHandler` compares a word with a tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hed import HedString

from bids_dl.selection.queries.query import Query, Word
from bids_dl.selection.tables.annotations import HedSidecar, has_balanced_groups

TIMING_TAGS = {"onset", "offset", "inset", "duration", "delay"}


def irrelevant_columns(sidecar: HedSidecar, queries: Sequence[Query]) -> frozenset[str]:
    """Return the value columns whose values no query can tell apart.

    The result is empty if columns refer to each other, because a reference may place a value
    anywhere.
    """
    if sidecar.references:
        return frozenset()
    words: list[Word] = []
    for query in queries:
        for term in query.terms():
            words += term.words
    irrelevant = set()
    for name, template in sidecar.templates.items():
        if not _is_relevant(template, words, sidecar):
            irrelevant.add(name)
    return frozenset(irrelevant)


def _is_relevant(template: str, words: Sequence[Word], sidecar: HedSidecar) -> bool:
    """Return whether the value in a template may change a match or a time."""
    if not has_balanced_groups(template):
        return True
    tags = _tags_with_definitions(template, sidecar)
    if any(_is_time_or_structure(tag) for tag in tags):
        return True
    return any(_may_match(word, tag) for tag in tags for word in words)


def _tags_with_definitions(template: str, sidecar: HedSidecar) -> list[Any]:
    """Return the tags of a template, and those in the content of its definitions."""
    tags = HedString(template, sidecar.schema, sidecar.definitions).get_all_tags()
    contents = []
    for tag in tags:
        if tag.short_base_tag == "Def":
            entry = sidecar.definitions.get_definition_entry(tag)
            if entry and entry.contents:
                contents += entry.contents.get_all_tags()
    return [*tags, *contents]


def _is_time_or_structure(tag: Any) -> bool:
    """Return whether the value of a tag may be a time, a definition, or change the tag itself."""
    if "#" in str(tag) and not tag.is_takes_value_tag():
        return True
    return tag.short_base_tag.casefold() in TIMING_TAGS or tag.short_base_tag == "Def-expand"


def _may_match(word: Word, tag: Any) -> bool:
    """Return whether a word may match a tag of a template, for some value in place of its #."""
    text = str(tag).casefold()
    start, number_sign, _ = text.partition("#")
    if word.kind == "term":
        return word.text in tag.tag_terms
    if number_sign and word.text.startswith(start):
        return True
    if word.kind == "prefix":
        return start.startswith(word.text)
    return word.text == text
