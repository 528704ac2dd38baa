"""The tag tree that a query is searched in.

Builds on `hed.HedString`. hedtools finds either the name of a definition (``Def/X``) or, after
``expand_defs``, its content. Here both are found: the content of each Def is added beside it.
Groups with a Delay become trees of their own, because they happen later than their row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hed import HedString
from hed.models.hed_group import HedGroup

from bids_dl.selection.tables.annotations import HedSidecar

TIMING_TAGS = {"Onset", "Offset", "Inset", "Duration", "Delay"}
SECONDS_PER_UNIT = {
    "s": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
}


class DelayedTree(NamedTuple):
    """A tag group that a Delay moves to a later time."""

    delay: float | None  # s; None if the value of the Delay cannot be converted
    tree: Any  # hed.HedString with this group only


def parse_hed(text: str, sidecar: HedSidecar) -> Any:
    """Parse a HED string, and make its definitions searchable by name and by content.

    Def-expand becomes Def, and the content of each Def is added beside it. A Def-expand of an
    unknown definition keeps its own content.

    Returns
    -------
    hed.HedString
        The tree, without the definitions themselves.
    """
    tree = HedString(text, sidecar.schema, sidecar.definitions)
    tree.remove_definitions()
    inline_content: dict[int, list[Any]] = {}
    _shrink_def_expands(tree, inline_content)
    for tag in tree.get_all_tags():
        if tag.short_base_tag != "Def":
            continue
        definition = tag.expandable
        contents = definition.groups() if definition else inline_content.get(id(tag), [])
        for content in contents:
            tag._parent.append(content)
    return tree


def _shrink_def_expands(group: Any, inline_content: dict[int, list[Any]]) -> None:
    """Replace every Def-expand group by its Def, and note its content by the id of the Def.

    `HedString.shrink_defs` handles only the first Def-expand of a group.
    """
    for index, child in enumerate(group.children):
        if not isinstance(child, HedGroup):
            continue
        tag = find_tag(child, "Def-expand")
        if tag is None:
            _shrink_def_expands(child, inline_content)
            continue
        tag.short_base_tag = "Def"
        tag._parent = group
        group.children[index] = tag
        inline_content[id(tag)] = child.groups()


def split_delayed(tree: Any) -> list[DelayedTree]:
    """Remove the top-level groups with a Delay from a tree, and return them in order."""
    delays = tree.find_top_level_tags({"Delay"})
    delayed = [DelayedTree(parse_seconds(tag), isolate_group(group)) for tag, group in delays]
    moved = {id(group) for _, group in delays}
    tree.children = [child for child in tree.children if id(child) not in moved]
    return delayed


def isolate_group(group: Any) -> Any:
    """Return a tree that contains only a tag group. The tree becomes the parent of the group."""
    return HedString("", None, _contents=[group])


def without_timing_tags(group: Any) -> str:
    """Return the HED of a group without its Onset, Offset, Inset, Duration and Delay."""
    kept = [
        child
        for child in group.children
        if isinstance(child, HedGroup) or child.short_base_tag not in TIMING_TAGS
    ]
    return f"({','.join(map(str, kept))})"


def remove_offset_groups(group: Any) -> None:
    """Remove every tag group with an Offset, at any depth."""
    group.children = [
        child
        for child in group.children
        if not isinstance(child, HedGroup) or find_tag(child, "Offset") is None
    ]
    for child in group.groups():
        remove_offset_groups(child)


def find_tag(group: Any, name: str) -> Any:
    """Return the tag of a short name directly in a group, or None."""
    return next((tag for tag in group.tags() if tag.short_base_tag == name), None)


def definition_name(group: Any) -> str:
    """Return name and value of the Def that anchors an Onset or Offset group, case-folded.

    The result is "" if the group has no Def.
    """
    tag = find_tag(group, "Def")
    return str(tag.extension).casefold() if tag else ""


def parse_seconds(tag: Any) -> float | None:
    """Return the value of a Delay or Duration in s, or None if it cannot be converted.

    `HedTag.value_as_default_unit` needs the conversion factors of the schema. HED 8.0.0 has none,
    so those of the usual units are known here.
    """
    value = tag.value_as_default_unit()
    if value is not None:
        return float(value)
    number, _, unit = tag.extension.strip().partition(" ")
    unit = unit.strip().casefold()
    factor = SECONDS_PER_UNIT.get(unit) or SECONDS_PER_UNIT.get(unit.removesuffix("s"))
    try:
        return float(number) * factor if factor else None
    except ValueError:
        return None


def unknown_tags(tree: Any) -> Iterator[str]:
    """Yield the tags that the schema does not have. No bare word of a query finds them."""
    for tag in tree.get_all_tags():
        if not tag.tag_exists_in_schema():
            yield str(tag)


def undefined_defs(tree: Any, sidecar: HedSidecar) -> Iterator[str]:
    """Yield the Def tags whose definition is not known."""
    for tag in tree.get_all_tags():
        if tag.short_base_tag == "Def" and sidecar.definitions.get_definition_entry(tag) is None:
            yield str(tag)
