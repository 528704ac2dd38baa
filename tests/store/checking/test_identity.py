"""An intact chunk or column of another place or another store is never read in silence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_store
from misplaced_objects import (
    SHARD_MISPLACEMENTS,
    exchange_columns,
    exchange_shards,
    list_shards,
    make_older,
)
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store import open_store
from bids_dl.store.format import SIGNALS_CRC32C, to_json
from bids_dl.verification import verify

SMALL = SmallStore()  # 70 windows: 18 chunks in 6 shards
OLDER = SmallStore(seed=1)
RESOLUTIONS = {"float32": None, "int16": 0.125}
SEEDS = range(4)


@pytest.fixture(scope="module", params=RESOLUTIONS)
def written(request, tmp_path_factory) -> tuple[Path, Path]:
    """Paths of a store and of one of the same shape with other samples, which no test changes."""
    folder = tmp_path_factory.mktemp(request.param)
    resolution = RESOLUTIONS[request.param]
    small_store.write(folder / "new.zarr", SMALL, resolution=resolution)
    small_store.write(folder / "old.zarr", OLDER, resolution=resolution)
    return folder / "new.zarr", folder / "old.zarr"


@pytest.fixture
def store(written, tmp_path) -> Path:
    """Path of a copy of the store, which tests may change."""
    return Path(shutil.copytree(written[0], tmp_path / "a.zarr"))


@pytest.mark.parametrize("direct_bytes", [10**9, 1], ids=["scratch", "direct"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", SHARD_MISPLACEMENTS)
def test_a_misplaced_chunk_is_an_error_that_names_it(
    written, store, monkeypatch, kind, seed, direct_bytes
):
    monkeypatch.setattr("bids_dl.store.signals.direct_windows.MIN_DIRECT_BYTES", direct_bytes)
    names = SHARD_MISPLACEMENTS[kind](store, written[1], np.random.default_rng(seed))
    with pytest.raises(DamagedStoreError) as caught:
        open_store(store).read("signals")
    assert re.search("is not the one written there, but of another place", str(caught.value))
    assert any(name in str(caught.value) for name in names)
    assert {damage.where for damage in verify(str(store)).damages} == set(names)


def test_windows_of_other_shards_are_still_read(written, store):
    shutil.copy(written[1] / "signals/c/0/0/0", store / "signals/c/0/0/0")
    opened = open_store(store)
    np.testing.assert_array_equal(
        opened.read("signals", slice(24, 70)), open_store(written[0]).read("signals")[24:]
    )
    with pytest.raises(DamagedStoreError, match="signals/c/0/0/0"):
        opened[11]


@pytest.mark.parametrize("seed", SEEDS)
def test_exchanged_columns_are_errors_that_name_them(store, seed):
    names = exchange_columns(store, store, np.random.default_rng(seed))
    for name in names:
        message = re.escape(f"{name} is not the object written there (SHA-256 mismatch)")
        with pytest.raises(DamagedStoreError, match=message):
            open_store(store).read(name.partition("/")[0])


def test_the_checksums_of_another_store_are_an_error(written, store):
    shutil.copy(written[1] / SIGNALS_CRC32C / "c/0/0", store / SIGNALS_CRC32C / "c/0/0")
    with pytest.raises(DamagedStoreError, match=f"array '{SIGNALS_CRC32C}' cannot be read"):
        open_store(store).read("signals")


def test_verify_names_the_chunks_of_a_shard_of_another_store(written, store):
    shutil.copy(written[1] / "signals/c/1/0/0", store / "signals/c/1/0/0")
    damages = verify(str(store)).damages
    size = open_store(store).metadata("signals")["codecs"][0]["configuration"]["chunk_shape"][0]
    starts = range(3 * size, 6 * size, size)
    assert [damage.windows for damage in damages] == [(start, start + size) for start in starts]
    assert "its chunk 0 is damaged" in damages[0].problem


@pytest.mark.parametrize("kind", ["signals", "label"])
def test_a_store_replaced_after_it_was_opened_says_so(written, store, kind):
    opened = open_store(store)
    assert len(opened.read("channel")) == 3
    shutil.rmtree(store)
    small_store.write(store, SmallStore(seed=1, dataset="ds2", n_subjects=5))
    name = {"signals": "signals", "label": "dataset"}[kind]
    message = "the store was replaced while it was read; open it again"
    with pytest.raises(StoreError, match=message) as caught:
        opened.read(name)
    assert not isinstance(caught.value, DamagedStoreError)


def test_a_store_that_is_being_written_again_says_so(store):
    opened = open_store(store)
    (store / "unfinished.json").write_bytes(to_json({}))
    (store / "zarr.json").unlink()
    shutil.rmtree(store / "signals")
    with pytest.raises(StoreError, match="was replaced while it was read, and is not finished"):
        opened.read("signals")


def test_a_store_of_an_older_version_is_read_and_says_what_is_not_checked(written, store):
    expected = open_store(store).read("signals")
    make_older(store)
    opened = open_store(store)
    np.testing.assert_array_equal(opened.read("signals"), expected)
    assert "not checked: an older bids_dl wrote this store: a stream does not" in repr(opened)
    verification = verify(str(store))
    assert verification.damages == ()
    assert any("of another place or another store" in line for line in verification.unchecked)
    exchange_shards(store, written[1], np.random.default_rng(0))
    assert open_store(store).read("signals").shape == expected.shape
    assert len(verify(str(store)).damages) == 2


def test_a_store_with_all_checksums_says_nothing(store):
    assert "not checked" not in repr(open_store(store))
    assert not any("another place" in line for line in verify(str(store)).unchecked)


def test_a_damaged_store_of_an_older_version_still_notices_that_it_was_replaced(store):
    make_older(store)
    opened = open_store(store)
    shutil.rmtree(store)
    small_store.write(store, SmallStore(seed=1))
    (store / list_shards(store)[0]).unlink()
    with pytest.raises(StoreError, match="was replaced while it was read"):
        opened.read("signals")
