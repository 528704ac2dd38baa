"""Changes that keep every checksum valid are found by `verify`, or by an identifier of a paper."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_store
import zarr
from resealed_store import read_root, reseal, update_manifest, write_root
from small_store import SmallStore

import bids_dl

SEEDS = range(20)
DOCUMENTS = (
    "plan.json",
    "recordings.json",
    "LICENSE",
    "CITATION.cff",
    "croissant.json",
    "README.md",
)
TEXTS = ("label", "subject", "recording", "split", "end_rule", "task", "run", "hed")
NUMBERS = ("onset", "event_onset", "row", "block")


@pytest.fixture
def store(eyes_store, tmp_path) -> Path:
    """A copy of the sample, which tests may forge."""
    return Path(shutil.copytree(eyes_store, tmp_path / "eyes.zarr"))


def change_document(store: Path, draw: random.Random) -> str:
    """Change one byte of a document, so that JSON stays JSON, and return its name."""
    name = draw.choice(DOCUMENTS)
    text = (store / name).read_text("utf-8")
    letters = [i for i, letter in enumerate(text) if letter in "aeiou"]
    place = draw.choice(letters)
    letter = draw.choice([vowel for vowel in "aeiou" if vowel != text[place]])
    (store / name).write_text(text[:place] + letter + text[place + 1 :], "utf-8")
    return name


def exchange_columns(store: Path, draw: random.Random) -> list[str]:
    """Exchange the bytes of two columns of one type, and return their objects."""
    one, two = draw.sample(draw.choice([TEXTS, NUMBERS[:2], NUMBERS[2:]]), 2)
    first, second = (store / one / "c/0").read_bytes(), (store / two / "c/0").read_bytes()
    (store / one / "c/0").write_bytes(second)
    (store / two / "c/0").write_bytes(first)
    return [] if first == second else [f"{one}/c/0", f"{two}/c/0"]


def change_number(store: Path, draw: random.Random) -> None:
    """Change one number of an array."""
    array = zarr.open_array(store / draw.choice(["signals", "onset", "recording_mean"]), mode="r+")
    place = tuple(draw.randrange(size) for size in array.shape)
    array[place] = np.asarray(array[place]) + 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_a_document_changed_together_with_the_manifest_is_found(store, seed):
    name = change_document(store, random.Random(seed))
    update_manifest(store, name)
    assert any(name in damage.problem for damage in bids_dl.verify(store).damages)


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_exchanged_together_with_the_manifest_are_found(store, seed):
    names = exchange_columns(store, random.Random(seed))
    update_manifest(store, *names)
    assert bids_dl.verify(store).damages or not names


@pytest.mark.parametrize("seed", SEEDS)
def test_a_document_changed_together_with_the_root_is_found_by_its_identifier(store, seed):
    identifiers = bids_dl.verify(store)
    change_document(store, random.Random(seed))
    reseal(store)
    damages = bids_dl.verify(store, content=identifiers.root_sha256[:16]).damages
    assert any("expected the content identifier" in damage.problem for damage in damages)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_array_changed_together_with_the_root_is_found_by_its_identifier(store, seed):
    content = bids_dl.verify(store).content
    change_number(store, random.Random(seed))
    reseal(store)
    damages = bids_dl.verify(store, content=f"bids-dl:{content[:16]}").damages
    assert any("expected the content identifier" in damage.problem for damage in damages)


@pytest.mark.parametrize(("name", "value"), [("sfreq", 256.0), ("request", {}), ("plan", "0" * 64)])
def test_an_attribute_that_contradicts_the_store_is_found(store, name, value):
    root = read_root(store)
    if name == "request":
        value = json.loads(json.dumps(root["attributes"]["request"]).replace("Eyes-open", "Red"))
    root["attributes"][name] = value
    write_root(store, root)
    assert bids_dl.verify(store).damages


@pytest.mark.parametrize("names", [["manifest.json"], ["zarr.json"], ["plan.json"], ["LICENSE"]])
def test_documents_of_another_store_are_found(store, tmp_path, names: list[str]):
    other: Any = tmp_path / "other.zarr"
    small_store.write(other, SmallStore())
    for name in names:
        source = other / name
        (store / name).write_bytes(source.read_bytes() if source.exists() else b"another")
    assert bids_dl.verify(store).damages
