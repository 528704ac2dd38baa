"""A store is what docs/store-format.md specifies."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import zarr

SPECIFICATION = Path(__file__).parents[2] / "docs" / "store-format.md"


def test_the_reader_of_the_specification_reads_the_store_as_zarr_does(eyes_store):
    specification = SPECIFICATION.read_text(encoding="utf-8")
    reader: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", specification, re.DOTALL).group(1), reader)
    root = reader["read_root"](eyes_store)
    group = zarr.open_group(eyes_store, mode="r")
    for name in root["consolidated_metadata"]["metadata"]:
        expected = group[name][...]
        if name == "signals":
            windows = [reader["read_window"](eyes_store, root, i) for i in range(len(expected))]
            content = np.stack(windows)
        else:
            content = reader["read_array"](eyes_store, root, name)
        if content.dtype == object:
            expected = expected.astype(object)
        np.testing.assert_array_equal(content, expected)


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON as the specification defines it."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def test_digests_are_those_of_the_specification(eyes_store):
    attributes = json.loads((eyes_store / "zarr.json").read_text())["attributes"]
    plan = json.loads((eyes_store / "plan.json").read_text())
    recordings = json.loads((eyes_store / "recordings.json").read_text())
    sources = {key: entry["sources"] for key, entry in recordings.items()}
    assert digest(plan) == attributes["plan"]
    assert {key: digest(files) for key, files in sources.items()} == plan["recordings"]
    assert digest(sources) == attributes["sources"][0]["sha256"]


def test_the_manifest_has_the_size_and_the_digest_of_every_other_file(eyes_store):
    manifest = json.loads((eyes_store / "manifest.json").read_text())
    objects = {}
    for path in eyes_store.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            content = path.read_bytes()
            objects[path.relative_to(eyes_store).as_posix()] = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    assert manifest["objects"] == objects


def test_every_array_attribute_and_document_is_in_the_specification(eyes_store):
    specification = SPECIFICATION.read_text(encoding="utf-8")
    root = json.loads((eyes_store / "zarr.json").read_text())
    names = {*root["attributes"], *root["attributes"]["sources"][0]}
    for name, array in root["consolidated_metadata"]["metadata"].items():
        if "file" not in array["attributes"]:  # columns of the dataset have any name
            names.add(name)
    without_schema = {"README.md", "CITATION.cff", "LICENSE"}
    names |= {path.name for path in eyes_store.iterdir() if path.is_file()} - without_schema
    assert names <= set(re.findall(r"`([\w.]+)`", specification))
