from __future__ import annotations

import doctest

import numpy as np
import pytest
import zarr

from bids_dl.errors import StoreError
from bids_dl.store import feature_file
from bids_dl.store.feature_file import read_feature_file, write_feature_file
from bids_dl.store.format import Column
from bids_dl.store.writer import text_array


def columns(n_windows: int = 5) -> list[Column]:
    rng = np.random.default_rng(0)
    return [
        Column("features", rng.standard_normal((n_windows, 3)).astype(np.float32), ("window", "f")),
        Column("random", rng.standard_normal((2, n_windows, 3)), ("seed", "window", "f")),
        Column("empty", np.empty((n_windows, 0), np.float32), ("window", "none")),
        Column("name", text_array(["é", "n/a", "", "b", "c"][:n_windows])),
        Column("seen", np.arange(n_windows) > 2),
    ]


def test_what_is_written_is_read_back_equal(tmp_path):
    write_feature_file(tmp_path / "a.zarr", columns(), {"format": "x", "nested": {"a": [1, 2]}})
    found, attributes = read_feature_file(tmp_path / "a.zarr")
    assert attributes == {"format": "x", "nested": {"a": [1, 2]}}
    for column in columns():
        assert found[column.name].dimensions == column.dimensions
        assert found[column.name].values.dtype == column.values.dtype
        np.testing.assert_array_equal(found[column.name].values, column.values)


def test_chunks_hold_whole_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_file, "CHUNK_BYTES", 30)
    write_feature_file(tmp_path / "a.zarr", columns(), {})
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group["features"].chunks == (2, 3)
    assert group["random"].chunks == (1, 1, 3)
    found, _ = read_feature_file(tmp_path / "a.zarr")
    np.testing.assert_array_equal(found["random"].values, columns()[1].values)


@pytest.mark.parametrize("damage", ["root", "chunk"])
def test_damage_is_found_and_described_in_one_line(tmp_path, damage):
    folder = tmp_path / "a.zarr"
    write_feature_file(folder, columns(), {})
    if damage == "root":
        (folder / "zarr.json").write_text("{}")
    else:
        file = folder / "features" / "c" / "0" / "0"
        content = bytearray(file.read_bytes())
        content[5] ^= 1
        file.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.zarr: not a file of `bids-dl embed` \(") as error:
        read_feature_file(folder)
    assert "\n" not in str(error.value)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        read_feature_file(tmp_path / "a.zarr")


def test_the_examples_run():
    assert doctest.testmod(feature_file).failed == 0
