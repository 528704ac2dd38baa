"""Stores with intact objects in the wrong place: every checksum of their own bytes is valid."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
from resealed_store import read_root, reseal

from bids_dl.store.format import ARRAY_SHA256, SIGNALS_CRC32C, to_json

ENTRY_BYTES = 16  # of a chunk in the index of a shard
COLUMNS = ("label", "subject", "recording", "split")

Misplacement = Callable[[Path, Path, np.random.Generator], list[str]]
"""Changes a store, given an older one of the same shape. Returns the names of the changed
objects."""


def list_shards(store: Path) -> list[str]:
    """Return the names of the shards but the last, which may have another size."""
    numbers = sorted(int(path.name) for path in (store / "signals/c").iterdir())
    return [f"signals/c/{number}/0/0" for number in numbers[:-1]]


def exchange(store: Path, first: str, second: str) -> None:
    """Exchange two objects."""
    content = (store / first).read_bytes()
    (store / first).write_bytes((store / second).read_bytes())
    (store / second).write_bytes(content)


def exchange_shards(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    first, second = rng.choice(list_shards(store), 2, replace=False).tolist()
    exchange(store, first, second)
    return [first, second]


def duplicate_shard(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    first, second = rng.choice(list_shards(store), 2, replace=False).tolist()
    shutil.copy(store / first, store / second)
    return [second]


def take_older_shard(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    name = str(rng.choice(list_shards(store)))
    shutil.copy(older / name, store / name)
    return [name]


def exchange_chunks(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    name = str(rng.choice(list_shards(store)))
    entries = read_index(store, name)
    first, second = rng.choice(len(entries), 2, replace=False)
    entries[[first, second]] = entries[[second, first]]
    write_index(store, name, entries)
    return [name]


def duplicate_chunk(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    name = str(rng.choice(list_shards(store)))
    entries = read_index(store, name)
    first, second = rng.choice(len(entries), 2, replace=False)
    entries[second] = entries[first]
    write_index(store, name, entries)
    return [name]


def exchange_columns(store: Path, older: Path, rng: np.random.Generator) -> list[str]:
    first, second = rng.choice(COLUMNS, 2, replace=False).tolist()
    names = [f"{first}/c/0", f"{second}/c/0"]
    exchange(store, *names)
    return names


SHARD_MISPLACEMENTS: dict[str, Misplacement] = {
    "two shards exchanged": exchange_shards,
    "a shard in the place of another": duplicate_shard,
    "a shard of an older store": take_older_shard,
    "two chunks exchanged": exchange_chunks,
    "a chunk in the place of another": duplicate_chunk,
}


def chunks_per_shard(store: Path) -> int:
    """Return the number of chunks that a shard has room for."""
    metadata = json.loads((store / "signals/zarr.json").read_text())
    chunk = metadata["codecs"][0]["configuration"]["chunk_shape"][0]
    return metadata["chunk_grid"]["configuration"]["chunk_shape"][0] // chunk


def read_index(store: Path, shard: str) -> np.ndarray:
    """Return the index of a shard: (chunks_per_shard, 2)."""
    n_bytes = ENTRY_BYTES * chunks_per_shard(store)
    index = (store / shard).read_bytes()[-n_bytes - 4 : -4]
    return np.frombuffer(index, "<u8").reshape(-1, 2).copy()


def write_index(store: Path, shard: str, entries: np.ndarray) -> None:
    """Replace the index of a shard, with a valid checksum."""
    index = entries.tobytes()
    checksum = google_crc32c.value(index).to_bytes(4, "little")
    content = (store / shard).read_bytes()[: -len(index) - 4]
    (store / shard).write_bytes(content + index + checksum)


def make_older(store: Path) -> None:
    """Rewrite a store as a bids_dl without checksums of places wrote it."""
    shutil.rmtree(store / SIGNALS_CRC32C)
    root = read_root(store)
    del root["attributes"][ARRAY_SHA256]
    del root["consolidated_metadata"]["metadata"][SIGNALS_CRC32C]
    (store / "zarr.json").write_bytes(to_json(root))
    reseal(store)
