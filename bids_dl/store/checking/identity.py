"""Identity of a store: the root that was opened, and what ties the chunks to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bids_dl.store.format import ARRAY_SHA256, ROOT_SHA256, SIGNALS, SIGNALS_CRC32C
from bids_dl.store.read_errors import ReadErrors
from bids_dl.store.signals.chunk_checksums import Checksums, checksums_shape

if TYPE_CHECKING:
    from bids_dl.store.reader import Store


@dataclass(frozen=True, slots=True, eq=False)
class StoreIdentity:
    """The root that was opened, and the checksums of the chunks that belong to it.

    Attributes
    ----------
    root_sha256
        SHA-256 of the root, as it states; None if it is unknown.
    checksums
        (n_shards, chunks_per_shard + 1), uint32: checksums of ``signals``. None if the store has
        none, because an older bids_dl wrote it.
    """

    root_sha256: str | None = None
    checksums: Checksums | None = field(default=None, repr=False)


UNKNOWN_STORE = StoreIdentity()


def ties_objects(root: Mapping[str, Any]) -> bool:
    """Return whether a reader of a store notices chunks and columns of another place or store.

    False if an older bids_dl wrote the store.

    Parameters
    ----------
    root
        Root `zarr.json` of the store.
    """
    arrays = root["consolidated_metadata"]["metadata"]
    return ARRAY_SHA256 in root["attributes"] and SIGNALS_CRC32C in arrays


def read_identity(store: Store) -> StoreIdentity:
    """Read what ties the chunks of a store to its root.

    Raises
    ------
    DamagedStoreError
        The checksums cannot be read, or do not fit ``signals``.
    StoreError
        The store was replaced after it was opened.
    """
    root_sha256 = store.attributes.get(ROOT_SHA256)
    if not ties_objects(store.root):
        return StoreIdentity(root_sha256)
    checksums: Checksums = store.read(SIGNALS_CRC32C)
    expected = checksums_shape(store.metadata(SIGNALS))
    if checksums.shape != expected:
        problem = f"its shape is {checksums.shape}, {SIGNALS} needs {expected}"
        raise ReadErrors(store.location, root_sha256).damaged_array(SIGNALS_CRC32C, problem)
    return StoreIdentity(root_sha256, checksums)
