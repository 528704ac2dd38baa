"""Croissant descriptions are valid and name every shard."""

from __future__ import annotations

import json

import pytest
from conversions import EYES_QUERIES

from bids_dl.store import open_store


def test_mlcroissant_validates_the_description_of_a_real_store(eyes_store):
    croissant = pytest.importorskip("mlcroissant", reason="pip install mlcroissant")
    dataset = croissant.Dataset(jsonld=str(eyes_store / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    # a store has no date of publication, because its bytes do not depend on time
    assert [issue for issue in issues.warnings if "datePublished" not in issue] == []
    labels = [str(record["classes/name"]) for record in dataset.records("classes")]
    assert labels == list(EYES_QUERIES)


def test_the_description_names_every_shard_with_its_checksum(eyes_store):
    content = json.loads((eyes_store / "croissant.json").read_text())
    manifest = json.loads((eyes_store / "manifest.json").read_text())["objects"]
    shards = {}
    for entry in content["distribution"]:
        if entry["@type"] == "cr:FileObject":
            shards[entry["contentUrl"]] = entry["sha256"]
    expected = {}
    for name, entry in manifest.items():
        if name.startswith("signals/c/"):
            expected[name] = entry["sha256"]
    assert shards == expected
    identifier = open_store(str(eyes_store)).attributes["content"]
    assert content["identifier"] == f"bids-dl:{identifier}"
    assert content["license"] == "https://creativecommons.org/publicdomain/zero/1.0/legalcode"
