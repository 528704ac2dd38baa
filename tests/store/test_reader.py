"""What is not a finished store is refused in one line, and damaged arrays are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import ArgumentTypeError, ArrayNameError, DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import make_column

SMALL = SmallStore()


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (None, "no store there"),
        ("{}", "not a bids-dl store"),
        ("{", "cannot be read"),
        ('{"attributes": {"format": "bids-dl"}}', "version None"),
    ],
)
def test_a_location_without_a_store_is_refused_in_one_line(tmp_path, root, message):
    if root is not None:
        (tmp_path / "a.zarr").mkdir()
        (tmp_path / "a.zarr/zarr.json").write_text(root)
    with pytest.raises(StoreError, match=message) as refusal:
        open_store(str(tmp_path / "a.zarr"))
    assert "\n" not in str(refusal.value)


def test_a_flipped_byte_in_a_column_is_found(tmp_path):
    small_store.write(tmp_path / "a.zarr", SMALL)
    chunk = tmp_path / "a.zarr/onset/c/0"
    content = bytearray(chunk.read_bytes())
    content[5] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="array 'onset' cannot be read"):
        open_store(str(tmp_path / "a.zarr")).read("onset")


def test_a_column_without_its_object_is_damage_not_fill_values(tmp_path):
    small_store.write(tmp_path / "a.zarr", SMALL)
    (tmp_path / "a.zarr/label/c/0").unlink()
    with pytest.raises(DamagedStoreError, match="array 'label' cannot be read"):
        open_store(str(tmp_path / "a.zarr")).read("label")


def test_a_store_in_memory_is_read_like_one_on_disk():
    signals = small_store.write("memory://here/a.zarr", SMALL)
    np.testing.assert_array_equal(open_store("memory://here/a.zarr").read("signals"), signals)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Path of a small store that no test changes."""
    path = tmp_path_factory.mktemp("reader") / "<small>.zarr"
    small_store.write(path, SMALL, title="A <b>title</b>")
    return path


@pytest.mark.parametrize("name", ["lable", "nosuch", "LABEL"])
def test_an_array_that_does_not_exist_is_a_key_error_and_no_damage(small, name):
    with pytest.raises(KeyError, match=f"no array {name!r}.*; it has signals, channel"):
        open_store(small).read(name)
    with pytest.raises(ArrayNameError) as refusal:
        open_store(small).metadata(name)
    assert not str(refusal.value).startswith(("'", '"'))
    assert not isinstance(refusal.value, DamagedStoreError)


def test_the_array_that_was_probably_meant_is_suggested(small):
    with pytest.raises(ArrayNameError, match="did you mean 'label'"):
        open_store(small).read("lable")


@pytest.mark.parametrize(
    "rows", [slice(2, 30), slice(5, 60, 7), slice(None, None, -3), slice(50, 500), slice(9, 2)]
)
@pytest.mark.parametrize("name", ["signals", "label", "row"])
def test_a_slice_is_the_same_part_of_the_whole_array(small, name, rows):
    store = open_store(small)
    np.testing.assert_array_equal(store.read(name, rows), store.read(name)[rows])


def test_a_slice_reads_only_its_chunks(small, tmp_path):
    shutil.copytree(small, tmp_path / "a.zarr")
    for shard in sorted((tmp_path / "a.zarr/signals/c").iterdir())[1:]:
        shutil.rmtree(shard)
    store = open_store(tmp_path / "a.zarr")
    np.testing.assert_array_equal(store.read("signals", slice(0, 12)), SMALL.signals[:12])
    with pytest.raises(DamagedStoreError):
        store.read("signals", slice(0, 13))


@pytest.mark.parametrize("wrong", [3, "0:10", None, (slice(3), 1)])
def test_a_part_that_is_no_slice_is_refused(small, wrong):
    with pytest.raises(ArgumentTypeError, match="selection must be a slice such as"):
        open_store(small).read("signals", wrong)


def test_a_store_is_indexed_by_window(small):
    store = open_store(small)
    assert len(store) == 70
    signals, row = store[8]
    assert signals.dtype == np.float32
    np.testing.assert_array_equal(signals, SMALL.signals[8])
    assert (row.name, row["row"], row["subject"]) == (8, 8, "000")
    assert store[-1].row["row"] == 69


@pytest.mark.parametrize("rows", [slice(3, 9), [7, 7, 0], np.arange(70) > 60, slice(9, 2)])
def test_several_windows_come_with_their_rows_of_the_table(small, rows):
    signals, table = open_store(small)[rows]
    np.testing.assert_array_equal(signals, SMALL.signals[rows])
    assert table["row"].tolist() == np.arange(70)[rows].tolist() == table.index.tolist()


def test_a_loop_over_a_store_ends(small):
    assert [window.row["row"] for window in open_store(small)] == list(range(70))


def test_a_store_is_described_without_reading_it(small, monkeypatch):
    store = open_store(small)
    monkeypatch.setattr(type(store), "read", None)
    text = repr(store)
    assert text.startswith("Store ")
    assert "70 windows, 3 channels, 20 samples (0.2 s at 100 Hz)" in text
    assert "labels: open, closed" in text
    html = store._repr_html_()
    assert "&lt;small&gt;.zarr" in html
    assert "A &lt;b&gt;title&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_path_opens_a_store_and_a_number_does_not(small):
    assert open_store(Path(small)).url == str(small)
    with pytest.raises(TypeError, match="url must be a path or a URL, got int 3"):
        open_store(3)
    with pytest.raises(TypeError, match="storage_options must be a mapping"):
        open_store(small, storage_options="anon=true")


def test_a_shard_of_the_dropout_mask_in_the_place_of_another_is_found(tmp_path):
    shape = (13, 3, 20)
    mask = np.random.default_rng(0).random(shape) < 0.3
    config = StoreConfig(chunk_bytes=130, shard_bytes=300)
    store = writer.StoreWriter.create(Location(str(tmp_path / "a.zarr")), "a plan")
    signals = iter([np.zeros(shape, np.float32)])
    writer.write_signals(store, shape, signals, config, on_progress=lambda _: None)
    writer.write_dropout_mask(store, shape, iter([mask]), config)
    writer.write_column(store, make_column("label", writer.text_array(["a"] * 13)))
    attributes = {"sfreq": 1.0, "classes": {"label": ["a"]}}
    writer.finish(store, attributes, ["signals", "dropout", "label"], {})
    np.testing.assert_array_equal(open_store(tmp_path / "a.zarr").read("dropout"), mask)
    shards = tmp_path / "a.zarr/dropout/c"
    shutil.copy(shards / "0/0/0", shards / "1/0/0")
    reopened = open_store(tmp_path / "a.zarr")
    np.testing.assert_array_equal(reopened.read("dropout", slice(0, 4)), mask[:4])
    with pytest.raises(DamagedStoreError, match="dropout/c/1/0/0 is not the object written there"):
        reopened.read("dropout")
