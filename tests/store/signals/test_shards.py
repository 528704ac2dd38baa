"""The shards that are written are those of zarr-python, byte by byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.signals.shards import regroup
from bids_dl.store.zarr_store import LocationStore

N_CHANS, N_TIMES = 3, 20
LOCAL = "{}/a.zarr"
IN_MEMORY = "memory://{}/a.zarr"  # as on a server


def by_zarr(location: Location, array: str, values: np.ndarray) -> dict[str, bytes]:
    """Write an array anew by zarr-python, with the metadata of a written one."""
    objects = {}
    store = LocationStore(location.child(array), objects.__setitem__)
    metadata = location.child(array).read("zarr.json")
    written = zarr.open_array(
        LocationStore(location.child(array), None, {"zarr.json": metadata}), mode="r"
    )
    copy = zarr.AsyncArray(written.metadata, zarr.storage.StorePath(store))
    zarr.Array(copy.with_config({"write_empty_chunks": True}))[...] = values
    return {f"{array}/{name}": content for name, content in objects.items()}


def draw_batches(data: st.DataObject, values: np.ndarray) -> list[np.ndarray]:
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=4).map(sorted))
    return np.split(values, cuts)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    n_windows=st.integers(1, 40),
    chunk_bytes=st.integers(1, 2000),
    shard_bytes=st.integers(1, 5000),
    dtype=st.sampled_from(["float32", "int16", "bool"]),
    place=st.sampled_from([LOCAL, IN_MEMORY]),
    is_zero=st.booleans(),
)
def test_shards_are_those_of_zarr(data, n_windows, chunk_bytes, shard_bytes, dtype, place, is_zero):
    shape = (n_windows, N_CHANS, N_TIMES)
    values = np.random.default_rng(n_windows).integers(-1000, 1000, shape) * (not is_zero)
    values = (values > 0) if dtype == "bool" else values.astype(dtype)
    batches = iter(draw_batches(data, values))
    config = StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=shard_bytes)
    with tempfile.TemporaryDirectory() as folder:
        location = Location(place.format(folder))
        store = writer.StoreWriter.create(location, "a plan")
        if dtype == "bool":
            array = "dropout"
            writer.write_dropout_mask(store, shape, batches, config)
        else:
            array = "signals"
            resolution = 0.1 if dtype == "int16" else None
            writer.write_signals(
                store, shape, batches, config, resolution=resolution, on_progress=lambda _: None
            )
        expected = by_zarr(location, array, values)
        assert expected
        assert {name: location.read(name) for name in expected} == expected


@given(lengths=st.lists(st.integers(0, 30), max_size=12), size=st.integers(1, 20))
def test_regrouped_windows_are_the_same_in_batches_of_one_size(lengths, size):
    windows = np.arange(sum(lengths))
    batches = np.split(windows, np.cumsum(lengths)[:-1]) if lengths else []
    regrouped = [batch.copy() for batch in regroup(iter(batches), np.empty(size, int))]
    assert all(len(batch) == size for batch in regrouped[:-1])
    assert all(0 < len(batch) <= size for batch in regrouped)
    assert [int(window) for batch in regrouped for window in batch] == windows.tolist()


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError, OSError])
def test_a_shard_whose_windows_end_with_an_error_leaves_no_file(tmp_path: Path, problem):
    def batches():
        yield np.zeros((5, N_CHANS, N_TIMES), np.float32)
        raise problem("no window")

    store = writer.StoreWriter.create(Location(str(tmp_path / "a.zarr")), "a plan")
    config = StoreConfig(chunk_bytes=1)
    with pytest.raises(problem, match="no window"):
        writer.write_signals(
            store, (9, N_CHANS, N_TIMES), batches(), config, on_progress=lambda _: None
        )
    files = [path.name for path in (tmp_path / "a.zarr/signals/c").rglob("*") if path.is_file()]
    assert files == []
