"""One conversion at a time writes to a local folder."""

from __future__ import annotations

import pytest

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.remote.lock import exclusive_lock


def test_a_folder_is_locked_for_one_and_free_afterwards(tmp_path):
    location = Location(str(tmp_path / "a.zarr"))
    with exclusive_lock(location):
        with (
            pytest.raises(StoreError, match="another conversion is writing here"),
            exclusive_lock(Location(str(tmp_path / "a.zarr"))),
        ):
            pass
        with exclusive_lock(Location(str(tmp_path / "b.zarr"))):
            pass
    with exclusive_lock(location):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_has_no_lock():
    location = Location("memory://lock/a.zarr")
    with exclusive_lock(location), exclusive_lock(location):
        pass
