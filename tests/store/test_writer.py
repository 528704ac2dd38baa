"""What is written is read back equal; what is not finished is refused."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray
from conversions import contents

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import Column, make_column

SHAPE = (37, 3, 50)
SIGNALS = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
ONSETS = np.arange(SHAPE[0]) / 3
CONFIG = StoreConfig(chunk_bytes=3000, shard_bytes=9000)
ATTRIBUTES = {"sfreq": 100.0, "classes": {"label": ["b", "a"]}, "failures": []}
ARRAYS = ["signals", "channel", "label", "onset"]


def write_unfinished(path: Path, batch_sizes=(10, 1, 26)) -> writer.StoreWriter:
    """Write a store but for its root; windows come in batches of these sizes."""
    store = writer.StoreWriter.create(Location(str(path)), "a plan")
    batches = iter(np.split(SIGNALS, np.cumsum(batch_sizes)[:-1]))
    writer.write_signals(store, SHAPE, batches, CONFIG, on_progress=lambda _: None)
    writer.write_column(store, make_column("channel", writer.text_array(["Fz", "Cz", "Pz"])))
    writer.write_column(store, Column("label", writer.text_array(["a", "b", "ü"] * 12 + ["a"])))
    writer.write_column(store, make_column("onset", ONSETS))
    return store


def write(path: Path, batch_sizes=(10, 1, 26)) -> None:
    store = write_unfinished(path, batch_sizes)
    writer.finish(store, ATTRIBUTES, ARRAYS, {"README.md": b"# a store\n"})


@pytest.mark.parametrize("batch_sizes", [(37,), (10, 1, 26), (1,) * 37])
def test_what_is_written_is_read_back_equal_whatever_the_batches(tmp_path, batch_sizes):
    write(tmp_path / "a.zarr", batch_sizes)
    store = open_store(str(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(store.read("signals"), SIGNALS)
    assert store.shape == SHAPE
    assert store.channels == ("Fz", "Cz", "Pz")
    assert store.table["label"].tolist()[:3] == ["a", "b", "ü"]
    np.testing.assert_array_equal(store.table["onset"], ONSETS)


def test_progress_adds_up_to_all_windows(tmp_path):
    counts: list[int] = []
    store = writer.StoreWriter.create(Location(str(tmp_path / "a.zarr")), "a plan")
    writer.write_signals(store, SHAPE, iter([SIGNALS]), CONFIG, on_progress=counts.append)
    assert len(counts) == 3
    assert sum(counts) == SHAPE[0]


def test_xarray_opens_a_store_with_its_dimensions_and_without_a_warning(tmp_path):
    write(tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(tmp_path / "a.zarr")
        assert data["signals"].dims == ("window", "channel", "time")
        assert list(data["channel"].values) == ["Fz", "Cz", "Pz"]
        np.testing.assert_array_equal(data["signals"].values, SIGNALS)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a.zarr", (37,))
    write(tmp_path / "b.zarr", (1,) * 37)
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")


def test_the_manifest_holds_size_and_checksum_of_every_other_object(tmp_path):
    write(tmp_path / "a.zarr")
    files = contents(tmp_path / "a.zarr")
    expected = {}
    for name, content in files.items():
        checksum = hashlib.sha256(content).hexdigest()
        expected[name] = {"bytes": len(content), "sha256": checksum}
    del expected["manifest.json"]
    assert json.loads(files["manifest.json"])["objects"] == expected
    n_bytes = open_store(str(tmp_path / "a.zarr")).nbytes
    assert n_bytes == sum(entry["bytes"] for entry in expected.values())


def test_an_unfinished_store_is_refused_with_the_way_out(tmp_path):
    write_unfinished(tmp_path / "a.zarr")
    with pytest.raises(StoreError, match="not finished; run the same `bids-dl convert` again"):
        open_store(str(tmp_path / "a.zarr"))


def test_a_store_is_refused_while_it_is_written_again(tmp_path):
    write(tmp_path / "a.zarr")
    writer.mark_unfinished(Location(str(tmp_path / "a.zarr")))
    with pytest.raises(StoreError, match="not finished"):
        open_store(str(tmp_path / "a.zarr"))


def test_a_folder_with_other_files_is_not_written_to(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    message = r"exists and is not a bids-dl store \(contains 'thesis\.txt'\); choose an empty"
    with pytest.raises(StoreError, match=message):
        writer.StoreWriter.create(Location(str(tmp_path)), "a plan")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_store_that_lost_a_shard_while_it_was_written_is_not_finished(tmp_path):
    store = write_unfinished(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/signals/c/1/0/0").unlink()
    with pytest.raises(DamagedStoreError, match=r"signals has 2 of 3 objects"):
        writer.finish(store, ATTRIBUTES, ARRAYS, {})
    assert not (tmp_path / "a.zarr/zarr.json").exists()


def test_a_store_with_a_foreign_object_is_not_finished(tmp_path):
    store = write_unfinished(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/notes.txt").write_text("mine")
    with pytest.raises(DamagedStoreError, match=r"somebody else has added 'notes\.txt'"):
        writer.finish(store, ATTRIBUTES, ARRAYS, {})


def test_a_wrong_number_of_windows_is_an_error(tmp_path):
    store = writer.StoreWriter.create(Location(str(tmp_path / "a.zarr")), "a plan")
    batches = iter([SIGNALS[:30]])
    with pytest.raises(StoreError, match="got 30 windows for an array of 37"):
        writer.write_signals(store, SHAPE, batches, CONFIG, on_progress=lambda _: None)


def test_a_second_writer_ends_the_first_in_the_middle_of_a_shard(tmp_path):
    location = Location(str(tmp_path / "a.zarr"))

    def batches():
        yield SIGNALS[:5]
        writer.StoreWriter.create(location, "another plan")
        yield SIGNALS[5:]

    store = writer.StoreWriter.create(location, "a plan")
    with pytest.raises(StoreError, match="another conversion has started to write here"):
        writer.write_signals(store, SHAPE, batches(), CONFIG, on_progress=lambda _: None)


@pytest.mark.parametrize("name", ["writable.probe", "writable.probe.x7.part"])
def test_the_probe_of_a_killed_process_is_no_obstacle_and_is_removed(tmp_path, name):
    (tmp_path / name).touch()
    write_unfinished(tmp_path)
    assert not (tmp_path / name).exists()
