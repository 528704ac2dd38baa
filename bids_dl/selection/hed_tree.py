"""The tree that queries are searched in: definitions visible by name and content, what Delay moves split off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hed import HedString
from hed.models.hed_group import HedGroup

from bids_dl.selection.annotations import Codebook

TIMING = {"Onset", "Offset", "Inset", "Duration", "Delay"}
SECONDS = {
    "s": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
}


def grow(text: str, codebook: Codebook) -> Any:
    """Parse a HED string: Def-expand becomes Def, and the content of each Def stands beside it.

    Returns
    -------
    hed.HedString
        Without definitions. A Def-expand of an unknown definition keeps its own content.
    """
    tree = HedString(text, codebook.schema, codebook.definitions)
    tree.remove_definitions()
    inline: dict[int, list[Any]] = {}
    _shrink(tree, inline)
    for tag in tree.get_all_tags():
        if tag.short_base_tag != "Def":
            continue
        expanded = tag.expandable
        for content in expanded.groups() if expanded else inline.get(id(tag), []):
            tag._parent.append(content)
    return tree


def _shrink(group: Any, inline: dict[int, list[Any]]) -> None:
    """Put the Def in place of every Def-expand group, and note what each held.

    hedtools' own stops at a group with two of them.
    """
    for place, child in enumerate(group.children):
        if not isinstance(child, HedGroup):
            continue
        tag = tag_named(child, "Def-expand")
        if tag is None:
            _shrink(child, inline)
            continue
        tag.short_base_tag, tag._parent = "Def", group
        group.children[place] = tag
        inline[id(tag)] = child.groups()


def split_delayed(tree: Any) -> tuple[Any, list[tuple[float | None, Any]]]:
    """Take the groups with a Delay out of a tree.

    Returns
    -------
    tree, delayed
        What is left, and (delay in s, tree) of each group; a delay of None cannot be read in seconds.
    """
    found = tree.find_top_level_tags({"Delay"})
    delayed = [(seconds(tag), alone(group)) for tag, group in found]
    groups = {id(group) for _, group in found}
    tree.children = [child for child in tree.children if id(child) not in groups]
    return tree, delayed


def alone(group: Any) -> Any:
    """A tree that holds one group only. The group belongs to it from then on."""
    return HedString("", None, _contents=[group])


def untimed(group: Any) -> str:
    """The HED of a group without the tags that say when it is."""
    kept = [
        child
        for child in group.children
        if isinstance(child, HedGroup) or child.short_base_tag not in TIMING
    ]
    return f"({','.join(map(str, kept))})"


def drop_offsets(group: Any) -> None:
    """Remove every group that holds an Offset, at any depth."""
    group.children = [
        child
        for child in group.children
        if not (isinstance(child, HedGroup) and tag_named(child, "Offset"))
    ]
    for child in group.groups():
        drop_offsets(child)


def tag_named(group: Any, name: str) -> Any:
    """The tag of that name directly in a group, or None."""
    return next((tag for tag in group.tags() if tag.short_base_tag == name), None)


def anchor_of(group: Any) -> str:
    """Name and value of the definition that an Onset or Offset is about, case-folded; "" where there is none."""
    tag = tag_named(group, "Def")
    return str(tag.extension).casefold() if tag else ""


def seconds(tag: Any) -> float | None:
    """The value of a Delay or Duration in s, or None.

    HED 8.0.0 has no factors between units, so the plain ones are known here.
    """
    value = tag.value_as_default_unit()
    if value is not None:
        return float(value)
    number, _, unit = tag.extension.strip().partition(" ")
    factor = SECONDS.get(unit.strip().casefold()) or SECONDS.get(
        unit.strip().casefold().removesuffix("s")
    )
    try:
        return float(number) * factor if factor else None
    except ValueError:
        return None


def unknown_tags(tree: Any) -> Iterator[str]:
    """Tags that the schema does not have: no bare word of a query finds them."""
    return (str(tag) for tag in tree.get_all_tags() if not tag.tag_exists_in_schema())


def undefined(tree: Any, codebook: Codebook) -> Iterator[str]:
    """Def tags whose definition is not known."""
    for tag in tree.get_all_tags():
        if tag.short_base_tag == "Def" and codebook.definitions.get_definition_entry(tag) is None:
            yield str(tag)
