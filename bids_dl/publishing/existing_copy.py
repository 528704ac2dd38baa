"""Comparison of what lies at a destination with the store that is to be copied there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bids_dl.errors import StoreError
from bids_dl.input import parse_json
from bids_dl.publishing.content import ObjectEntry, StoreContent
from bids_dl.store.format import CARD, FORMAT, FORMAT_VERSION, ROOT, UNFINISHED, to_json
from bids_dl.wording import count, join_names

HEX_DIGITS = 16  # of a content identifier in a message; they are sufficient to cite it
SHOWN = 3  # names of objects in a message


class CopyState(Enum):
    """State of a destination with regard to a store."""

    EMPTY = "empty"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


@dataclass(frozen=True)
class ExistingCopy:
    """Objects at a destination.

    Attributes
    ----------
    sizes
        Bytes of each object by name.
    root
        Bytes of the root, None if there is none.
    marker
        Bytes of `unfinished.json`, None if there is none.
    """

    sizes: Mapping[str, int]
    root: bytes | None = field(default=None, repr=False)
    marker: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CopyPlan:
    """Objects that remain to be copied to a destination.

    Attributes
    ----------
    state
        State of the destination.
    missing
        Objects that are to be sent, in order.
    present
        Objects of the right size that are there already; their bytes are to be compared.
    has_marker
        True if `unfinished.json` is there.
    """

    state: CopyState
    missing: tuple[ObjectEntry, ...]
    present: tuple[ObjectEntry, ...]
    has_marker: bool = False

    @property
    def missing_bytes(self) -> int:
        """Bytes of the objects that are to be sent."""
        return sum(entry.n_bytes for entry in self.missing)


def build_marker(content: StoreContent) -> bytes:
    """Build `unfinished.json` of a copy that has begun. The same store gives the same bytes.

    Parameters
    ----------
    content
        The store that is copied.
    """
    return to_json(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "plan": content.store.attributes.get("plan", ""),
            "writer": f"copy of {content.root_sha256}",
            "content": content.content,
            "root": content.root_sha256,
        }
    )


def plan_copy(
    url: str,
    content: StoreContent,
    existing: ExistingCopy,
    *,
    may_differ: Callable[[str], bool] = lambda name: name == CARD,
) -> CopyPlan:
    """Decide what remains to be copied to a destination. Nothing there is ever replaced.

    Parameters
    ----------
    url
        Destination, for messages.
    content
        The store to copy.
    existing
        What lies at the destination.
    may_differ
        Tells of an object name whether the destination may have other bytes, such as an edited
        README.md.

    Raises
    ------
    StoreError
        The destination holds something else. The message states the difference.
    """
    if existing.root is not None:
        _check_root(url, content, existing.root)
    elif existing.marker is not None:
        _check_marker(url, content, existing.marker)
    names = [name for name in existing.sizes if name != UNFINISHED]
    if existing.root is None:
        _check_names(url, content, names)
    _check_sizes(url, content, existing, may_differ)
    present = [entry for name, entry in content.entries.items() if name in existing.sizes]
    missing = [entry for name, entry in content.entries.items() if name not in existing.sizes]
    state = CopyState.EMPTY
    if existing.root is not None:
        state = CopyState.FINISHED
    elif names or existing.marker is not None:
        state = CopyState.UNFINISHED
    has_marker = existing.marker is not None
    return CopyPlan(state, tuple(missing), tuple(present), has_marker)


def describe_difference(content: StoreContent, other: Mapping[str, Any]) -> str:
    """Describe how the attributes of another store differ from those of the store to copy.

    Parameters
    ----------
    content
        The store to copy.
    other
        Attributes of the other store, as far as they are known.
    """
    attributes = content.store.attributes
    theirs = str(other.get("content"))
    if theirs != content.content:
        parts = [f"its content is {theirs[:HEX_DIGITS]}, that of this one "]
        parts.append(content.content[:HEX_DIGITS])
        if isinstance(other.get("title"), str) and other["title"] != attributes.get("title"):
            parts.append(f"; its title is {other['title']!r}")
        return "".join(parts)
    names = sorted({*attributes, *other})
    changed = [name for name in names if attributes.get(name) != other.get(name)]
    if changed:
        return f"the same windows, but other {join_names(changed, limit=SHOWN)}"
    return "the same windows with another root"


def refuse(url: str, problem: str) -> StoreError:
    """Return the error for a destination that holds something else."""
    return StoreError(f"{url}: {problem}; nothing there is replaced, choose another name")


def _check_root(url: str, content: StoreContent, root: bytes) -> None:
    """Raise unless the root at the destination is that of the store to copy."""
    if root == content.read(ROOT):
        return
    attributes = _parse_object(root).get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    if attributes.get("format") != FORMAT:
        raise refuse(url, "holds something that is not a store of bids_dl")
    raise refuse(url, f"holds another store ({describe_difference(content, attributes)})")


def _check_marker(url: str, content: StoreContent, marker: bytes) -> None:
    """Raise unless the marker at the destination is that of a copy of the same store."""
    if marker == build_marker(content):
        return
    stated = _parse_object(marker)
    if "content" not in stated:
        raise refuse(url, "holds an unfinished store that another program writes")
    theirs = str(stated["content"])[:HEX_DIGITS]
    if theirs == content.content[:HEX_DIGITS]:
        raise refuse(url, "holds an unfinished copy of the same windows with other documents")
    ours = content.content[:HEX_DIGITS]
    raise refuse(
        url, f"holds an unfinished copy of another store (its content is {theirs}, not {ours})"
    )


def _check_names(url: str, content: StoreContent, names: Sequence[str]) -> None:
    """Raise if an unfinished destination has objects that the store does not have."""
    foreign = [name for name in names if name not in content.entries]
    if foreign:
        shown = join_names(sorted(foreign), limit=SHOWN)
        raise refuse(url, f"is not empty and not a copy of this store (it contains {shown})")


def _check_sizes(
    url: str, content: StoreContent, existing: ExistingCopy, may_differ: Callable[[str], bool]
) -> None:
    """Raise if an object at the destination has another size than that of the store."""
    wrong = []
    for name, entry in content.entries.items():
        size = existing.sizes.get(name, entry.n_bytes)
        if size != entry.n_bytes and not may_differ(name):
            wrong.append(f"{name} has {size} bytes, not {entry.n_bytes}")
    if wrong:
        more = f", as do {count(len(wrong) - 1, 'other object')}" if len(wrong) > 1 else ""
        raise refuse(url, f"is not a copy of this store ({wrong[0]}{more})")


def _parse_object(content: bytes) -> Mapping[str, Any]:
    """Return JSON of unknown origin, empty if it is no object."""
    try:
        parsed = parse_json(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
