"""Kinds of stores that somebody wrote to harm a reader. Each changes a copy of a good store."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from resealed_store import read_root, reseal, seal_root, update_manifest, write_root

from bids_dl.store.format import BLANK_SHA256

HUGE = 10**12
DEEP = 100_000
SPARSE_BYTES = 20 * 10**9  # of a file without content

Change = Callable[[Path], None]


def attribute(name: str, value: Any) -> Change:
    """Replace or add an attribute of the root; None removes it."""

    def change(store: Path) -> None:
        root = read_root(store)
        root["attributes"][name] = value
        if value is None:
            del root["attributes"][name]
        write_root(store, root)

    return change


def part_of(name: str, *path: str | int, value: Any) -> Change:
    """Replace a value within an attribute."""

    def change(store: Path) -> None:
        root = read_root(store)
        parent = root["attributes"][name]
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = value
        write_root(store, root)

    return change


def array(name: str, **changes: Any) -> Change:
    """Replace values in the metadata of an array, in the root and in its own `zarr.json`."""

    def change(store: Path) -> None:
        root = read_root(store)
        metadata = root["consolidated_metadata"]["metadata"][name]
        metadata |= changes
        (store / name / "zarr.json").write_text(json.dumps(metadata))
        update_manifest(store, f"{name}/zarr.json")
        write_root(store, root)

    return change


def chunks(*shape: Any) -> dict[str, Any]:
    """Return a chunk grid."""
    return {"name": "regular", "configuration": {"chunk_shape": list(shape)}}


def root_text(text: str) -> Change:
    """Replace the root by a text, in which ``SHA`` stands for its SHA-256."""

    def change(store: Path) -> None:
        seal_root(store, text.replace("SHA", BLANK_SHA256).encode("utf-8", "surrogateescape"))

    return change


def root_value(old: str, new: str) -> Change:
    """Replace a part of the text of the root."""

    def change(store: Path) -> None:
        root = read_root(store)
        root["attributes"]["root_sha256"] = BLANK_SHA256
        text = json.dumps(root)
        assert old in text
        seal_root(store, text.replace(old, new, 1).encode())

    return change


def content(name: str, new: bytes, *, listed: bool = True) -> Change:
    """Replace an object, and make checksums agree if it is ``listed``."""

    def change(store: Path) -> None:
        (store / name).write_bytes(new)
        if name == "manifest.json":
            return
        if listed:
            reseal(store)
        else:
            update_manifest(store, name)

    return change


def link(name: str, target: str) -> Change:
    """Replace an object by a link."""

    def change(store: Path) -> None:
        (store / name).unlink()
        (store / name).symlink_to(target)

    return change


def pipe(name: str) -> Change:
    """Replace an object by a named pipe without a writer."""

    def change(store: Path) -> None:
        (store / name).unlink()
        os.mkfifo(store / name)

    return change


def folder(name: str) -> Change:
    """Replace an object by a folder."""

    def change(store: Path) -> None:
        (store / name).unlink()
        (store / name).mkdir()

    return change


def sparse(name: str) -> Change:
    """Make an object huge, without using the disk."""

    def change(store: Path) -> None:
        os.truncate(store / name, SPARSE_BYTES)

    return change


def resize(n_windows: int, *, whole: bool) -> Change:
    """Claim another number of windows in all arrays, in one chunk if ``whole``."""

    def change(store: Path) -> None:
        root = read_root(store)
        for metadata in root["consolidated_metadata"]["metadata"].values():
            if metadata["dimension_names"] == ["window"]:
                metadata["shape"] = [n_windows]
                if whole:
                    metadata["chunk_grid"] = chunks(n_windows)
            elif metadata["dimension_names"][0] == "window":
                metadata["shape"][0] = n_windows
        attributes = root["attributes"]
        attributes["statistics"]["windows"] = {"eyes_open": n_windows, "eyes_closed": 0}
        attributes["statistics"]["splits"] = {"train": {"persons": 1, "windows": n_windows}}
        for name in ("array_sha256", "documents"):
            attributes.pop(name, None)
        write_root(store, root)

    return change


def many_texts(store: Path) -> None:
    """Claim four billion texts in a chunk of a few bytes, with a valid checksum."""
    body = struct.pack("<I", 2**32 - 1) + bytes(4000)
    (store / "label/c/0").write_bytes(body + struct.pack("<I", google_crc32c.value(body)))
    reseal(store)


def long_text(store: Path) -> None:
    """Claim a text of four gigabytes in a chunk of a few bytes, with a valid checksum."""
    body = struct.pack("<II", 240, 2**32 - 1) + bytes(4000)
    (store / "label/c/0").write_bytes(body + struct.pack("<I", google_crc32c.value(body)))
    reseal(store)


def index_outside(store: Path) -> None:
    """Let the index of a shard point far beyond its end, with a valid checksum."""
    shard = store / "signals/c/0/0/0"
    whole = bytearray(shard.read_bytes())
    n_chunks = 12
    begin = len(whole) - 16 * n_chunks - 4
    entries = np.frombuffer(bytes(whole[begin:-4]), "<u8").reshape(-1, 2).copy()
    entries[:, 0] = 2**62
    whole[begin:-4] = entries.tobytes()
    whole[-4:] = struct.pack("<I", google_crc32c.value(bytes(whole[begin:-4])))
    shard.write_bytes(whole)
    reseal(store)


def extra_array(name: str) -> Change:
    """Add an array whose name leads out of the store."""

    def change(store: Path) -> None:
        root = read_root(store)
        arrays = root["consolidated_metadata"]["metadata"]
        arrays[name] = arrays["onset"]
        write_root(store, root)

    return change


def circle(store: Path) -> None:
    """Add folders that lead back, two at a time."""
    for name in ("a", "b"):
        (store / name).symlink_to(store)
        (store / "signals" / name).symlink_to(store / "signals")


def manifest(**changes: Any) -> Change:
    """Add entries to the manifest."""

    def change(store: Path) -> None:
        objects = json.loads((store / "manifest.json").read_text())["objects"] | changes
        text = json.dumps({"objects": dict(sorted(objects.items()))}, indent=1) + "\n"
        (store / "manifest.json").write_text(text)

    return change


GZIP = [
    {"name": "bytes", "configuration": {"endian": "little"}},
    {"name": "gzip", "configuration": {"level": 9}},
]
PICKLE = [{"name": "numcodecs.pickle", "configuration": {"protocol": 5}}]
ENTRY = {"bytes": 1, "sha256": "0" * 64}
NESTED = "[" * DEEP + "]" * DEEP

KINDS: dict[str, Change] = {
    "sizes are texts": array("signals", shape=["240", "24", "256"]),
    "sizes are negative": array("onset", shape=[-240]),
    "sizes are fractions": array("signals", shape=[240.5, 24, 256]),
    "too few sizes": array("signals", shape=[240]),
    "10^12 windows": resize(HUGE, whole=True),
    "two billion windows": resize(2**31 - 1, whole=True),
    "ten million windows in small chunks": resize(10**7, whole=False),
    "no windows": resize(0, whole=False),
    "no names of dimensions": array("onset", dimension_names=None),
    "a chunk of 10^12 windows": array("signals", chunk_grid=chunks(HUGE, 24, 256)),
    "a chunk of no windows": array("onset", chunk_grid=chunks(0)),
    "a rate that is a text": attribute("sfreq", "128"),
    "a rate of zero": attribute("sfreq", 0),
    "an infinite rate": root_value('"sfreq": 128.0', '"sfreq": 1e999'),
    "a rate that is NaN": root_value('"sfreq": 128.0', '"sfreq": NaN'),
    "no rate": attribute("sfreq", None),
    "classes that are a list": attribute("classes", ["a"]),
    "classes that are numbers": attribute("classes", {"label": [1, 2]}),
    "classes of no column": attribute("classes", {"label": ["a"], "nosuch": ["a"]}),
    "statistics that are a list": attribute("statistics", []),
    "counts that are texts": part_of("statistics", "windows", "eyes_open", value="120"),
    "other counts": part_of("statistics", "windows", "eyes_open", value=121),
    "sources that are an object": attribute("sources", {"dataset": "ds"}),
    "a source without fields": attribute("sources", [{}]),
    "no request": attribute("request", None),
    "a request that is null": root_value('"request": {', '"request": null, "x": {'),
    "steps that are numbers": part_of("request", "preprocess", "steps", value=[1, 2]),
    "a step of two names": part_of("request", "preprocess", "steps", value=[{"a": {}, "b": {}}]),
    "no labels": part_of("request", "events", "labels", value=[]),
    "queries that are numbers": part_of("request", "events", "labels", 0, "query", value=[[3]]),
    "failures that are numbers": attribute("failures", [3]),
    "a failure with other fields": attribute("failures", [{"recording": "a", "nosuch": 1}]),
    "attributes that are a list": root_text('{"attributes": ["SHA"]}'),
    "a root that is a list": root_text('["SHA"]'),
    "a root nested deeply": root_text(f'{{"a": {NESTED}, "attributes": {{"b": "SHA"}}}}'),
    "an attribute nested deeply": root_value('"sfreq": 128.0', f'"x": {NESTED}, "sfreq": 128.0'),
    "an integer of 5,000 digits": root_value('"sfreq": 128.0', f'"sfreq": {"9" * 5000}'),
    "an integer of 4,000 digits": root_value('"sfreq": 128.0', f'"sfreq": {"9" * 4000}'),
    "a root that is not UTF-8": root_text('{"attributes": {"a": "SHA\udcff"}}'),
    "a root without arrays": root_value('"consolidated_metadata"', '"other"'),
    "a root without signals": root_value('"signals": {"shape"', '"signal": {"shape"'),
    "an array outside the store": extra_array("../../etc"),
    "an array with an absolute name": extra_array("/etc"),
    "a column compressed by gzip": array("onset", codecs=GZIP),
    "a column that is pickled": array("hed", codecs=PICKLE),
    "signals without shards": array("signals", codecs=GZIP),
    "codecs that are a text": array("label", codecs="gzip"),
    "other names of chunks": array(
        "onset", chunk_key_encoding={"name": "default", "configuration": {"separator": "."}}
    ),
    "a column of complex numbers": array("onset", data_type="complex128"),
    "a column of an extension": array("onset", data_type={"name": "numpy.void"}),
    "a column of another shape": array("onset", shape=[239], chunk_grid=chunks(239)),
    "four billion texts": many_texts,
    "a text of four gigabytes": long_text,
    "an index that points outside": index_outside,
    "a column that is /dev/zero": link("label/c/0", "/dev/zero"),
    "a root that is /dev/zero": link("zarr.json", "/dev/zero"),
    "a shard that is /dev/urandom": link("signals/c/0/0/0", "/dev/urandom"),
    "a manifest that is a pipe": pipe("manifest.json"),
    "a root that is a pipe": pipe("zarr.json"),
    "a shard that is a pipe": pipe("signals/c/0/0/0"),
    "a column that is a pipe": pipe("subject/c/0"),
    "recordings that are a pipe": pipe("recordings.json"),
    "a huge root": sparse("zarr.json"),
    "a huge manifest": sparse("manifest.json"),
    "a huge shard": sparse("signals/c/0/0/0"),
    "a huge column": sparse("label/c/0"),
    "huge recordings": sparse("recordings.json"),
    "a column that is a folder": folder("label/c/0"),
    "folders in a circle": circle,
    "a manifest nested deeply": content("manifest.json", NESTED.encode()),
    "a manifest that is a list": content("manifest.json", b"[]"),
    "a manifest that leads out": manifest(**{"../../etc/passwd": ENTRY}),
    "a manifest of 10^12 bytes": manifest(x={"bytes": HUGE, "sha256": "0" * 64}),
    "a manifest with other chunks": manifest(**{"signals/c/x/0/0": ENTRY, "signals/c/-1": ENTRY}),
    "recordings that are a list": content("recordings.json", b"[]"),
    "recordings nested deeply": content("recordings.json", NESTED.encode()),
    "recordings of wrong types": content("recordings.json", b'{"a": {"dropped": [3]}}'),
    "a plan of wrong types": content("plan.json", b'{"splits": [], "recordings": 3}'),
    "a plan nested deeply": content("plan.json", NESTED.encode()),
    "digests of other objects": attribute("array_sha256", {"label": [], "nosuch": ["0" * 64]}),
    "documents that are a list": attribute("documents", ["LICENSE"]),
}
"""Changes by description. Most keep every checksum valid."""
