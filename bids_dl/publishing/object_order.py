"""Order in which the objects of a store are copied: the root last, because it finishes a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bids_dl.store.format import DROPOUT, MANIFEST, ROOT, SIGNALS, array_name

SHARDED = (SIGNALS, DROPOUT)
"""Arrays whose objects are large."""


def is_shard(name: str) -> bool:
    """Return whether an object is a shard, which has up to about 96 MB.

    Examples
    --------
    >>> is_shard("signals/c/0/0/0"), is_shard("signals/zarr.json")
    (True, False)
    """
    return array_name(name) in SHARDED and not name.endswith(f"/{ROOT}")


def order_objects(names: Iterable[str], arrays: Collection[str]) -> list[str]:
    """Order the objects of a store: shards, other arrays, documents, manifest, root.

    Parameters
    ----------
    names
        Names of all objects.
    arrays
        Names of the arrays.

    Examples
    --------
    >>> order_objects(["zarr.json", "plan.json", "a/c/0", "manifest.json", "signals/c/0/0/0"], "a")
    ['signals/c/0/0/0', 'a/c/0', 'plan.json', 'manifest.json', 'zarr.json']
    """

    def stage(name: str) -> int:
        if name in (ROOT, MANIFEST):
            return 4 if name == ROOT else 3
        if is_shard(name):
            return 0
        return 1 if array_name(name) in arrays else 2

    return sorted(names, key=lambda name: (stage(name), _natural_key(name)))


def _natural_key(name: str) -> list[tuple[int, str]]:
    """Return a key that orders shard 2 before shard 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split("/")]


def find_unsafe_name(names: Iterable[str]) -> str | None:
    """Return the first object name that would leave its folder, or name no file, None if all do.

    Examples
    --------
    >>> find_unsafe_name(["a/c/0", "../zarr.json"])
    '../zarr.json'
    """
    for name in names:
        parts = name.split("/")
        is_plain = not any(character in name for character in '\\:\0*?"<>|')
        if not is_plain or any(part in ("", ".", "..") for part in parts):
            return name
        if any(part.endswith((".", " ", ".part")) for part in parts):
            return name
    return None
