"""What is not a finished store is refused in one line, and damaged arrays are found."""

from __future__ import annotations

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.store import open_store

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
