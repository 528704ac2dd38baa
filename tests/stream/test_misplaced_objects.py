"""A stream ends in an error when an object is intact but of another place or another store."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_store
from counting_server import CountingServer
from misplaced_objects import SHARD_MISPLACEMENTS, exchange_columns, take_older_shard
from small_store import SmallStore
from streams import SMALL, check_signals

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store import open_store
from bids_dl.stream import StreamingDataset, WindowDataset

OLDER = SmallStore(seed=1)
RESOLUTIONS = {"float32": None, "int16": 0.125}
SEEDS = range(3)


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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", SHARD_MISPLACEMENTS)
def test_an_epoch_ends_in_an_error_that_names_the_shard(written, store, kind, seed):
    stream = StreamingDataset(store, batch_size=16)
    names = SHARD_MISPLACEMENTS[kind](store, written[1], np.random.default_rng(seed))
    with pytest.raises(DamagedStoreError) as caught:
        list(stream)
    assert any(name in str(caught.value) for name in names)


@pytest.mark.parametrize("seed", SEEDS)
def test_exchanged_columns_end_a_stream_that_reads_them(store, seed):
    names = exchange_columns(store, store, np.random.default_rng(seed))
    for name in names:
        with pytest.raises(DamagedStoreError, match=f"{name} is not the object written there"):
            StreamingDataset(store, target=name.partition("/")[0])


def test_a_window_dataset_ends_in_an_error_too(written, store):
    dataset = WindowDataset(store)
    [name] = take_older_shard(store, written[1], np.random.default_rng(0))
    with pytest.raises(DamagedStoreError, match=name):
        list(dataset)


def test_a_copy_in_another_process_finds_it_as_well(written, store):
    stream = StreamingDataset(store, batch_size=16)
    [name] = take_older_shard(store, written[1], np.random.default_rng(1))
    with pytest.raises(DamagedStoreError, match=name):
        list(pickle.loads(pickle.dumps(stream)))


@pytest.mark.parametrize("cached", [False, True])
def test_a_shard_of_an_older_store_behind_a_server_is_found_and_never_cached(
    written, store, tmp_path, cached
):
    cache = tmp_path / "cache" if cached else False
    [name] = take_older_shard(store, written[1], np.random.default_rng(2))
    with CountingServer(store.parent) as server:
        url = f"{server.url}/a.zarr"
        for _ in range(2):
            with pytest.raises(DamagedStoreError, match=name):
                list(StreamingDataset(url, batch_size=16, cache=cache))
        shutil.copy(written[0] / name, store / name)
        expected = open_store(written[0]).read("signals")
        check_signals(StreamingDataset(url, batch_size=16, cache=cache), expected)


def test_a_store_replaced_in_the_middle_of_an_epoch_says_so(written, store):
    loop = iter(StreamingDataset(store, batch_size=4, pool_bytes=1, threads=1))
    next(loop)
    shutil.rmtree(store)
    shutil.copytree(written[1], store)
    with pytest.raises(StoreError, match="the store was replaced while it was read; open it again"):
        list(loop)


def test_a_store_replaced_by_itself_is_read_on(written, store):
    loop = iter(StreamingDataset(store, batch_size=4, pool_bytes=1, threads=1))
    batches = [next(loop)]
    shutil.rmtree(store)
    shutil.copytree(written[0], store)
    batches += list(loop)
    check_signals(batches, open_store(written[0]).read("signals"))


def test_a_server_that_replaces_the_store_is_noticed(written, store):
    with CountingServer(store.parent) as server:
        loop = iter(StreamingDataset(f"{server.url}/a.zarr", batch_size=4, pool_bytes=1))
        next(loop)
        shutil.rmtree(store)
        shutil.copytree(written[1], store)
        with pytest.raises(StoreError, match="the store was replaced while it was read"):
            list(loop)
