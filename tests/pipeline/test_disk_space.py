"""Room on disk is checked before a conversion."""

from __future__ import annotations

from collections import namedtuple

import pytest
from conversions import EYES, convert

from bids_dl.config import parsing
from bids_dl.errors import StoreError
from bids_dl.pipeline import disk_space
from bids_dl.pipeline.disk_space import FetchedSpace, check_cache_space, check_space
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location

Usage = namedtuple("Usage", "total used free")
STORE_BYTES = 60 * 24 * 256 * 4  # windows of one person


@pytest.fixture
def set_free_bytes(monkeypatch):
    """Return a function that sets the free bytes of all disks."""

    def set_free(free):
        monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _: Usage(10**12, 0, free))

    return set_free


def test_a_disk_too_small_for_store_and_staging_is_refused_with_both_sizes(
    eegbci, tmp_path, set_free_bytes
):
    set_free_bytes(2 * STORE_BYTES - 1)
    message = (
        r"a\.zarr: 3 MB free, the store and the recordings in staging need 3 MB; make room, "
        "or choose another DEST or staging"
    )
    with pytest.raises(StoreError, match=message):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"])
    assert list(tmp_path.iterdir()) == []


def test_a_disk_just_large_enough_is_used(eegbci, tmp_path, set_free_bytes):
    set_free_bytes(2 * STORE_BYTES)
    assert convert(eegbci, tmp_path / "a.zarr", subject=["001"]).n_windows == 60


def test_staging_on_another_disk_needs_its_own_room(eegbci, tmp_path, monkeypatch, set_free_bytes):
    monkeypatch.setattr(disk_space, "_device", str)
    options = {"subject": ["001"], "staging": str(tmp_path / "named")}
    set_free_bytes(STORE_BYTES - 1)
    message = r"named: 1 MB free, the recordings in staging need 1 MB; .* another staging"
    with pytest.raises(StoreError, match=message):
        convert(eegbci, tmp_path / "a.zarr", **options)
    set_free_bytes(STORE_BYTES)
    assert convert(eegbci, tmp_path / "a.zarr", **options).n_windows == 60


def test_a_store_that_is_overwritten_makes_room_for_the_new_one(
    eegbci, tmp_path, monkeypatch, set_free_bytes
):
    monkeypatch.setattr(disk_space, "_device", str)
    options = {"subject": ["001"], "staging": str(tmp_path / "named")}
    convert(eegbci, tmp_path / "a.zarr", **options)
    set_free_bytes(STORE_BYTES)
    assert convert(eegbci, tmp_path / "a.zarr", overwrite=True, **options).n_windows == 60


def test_the_files_to_fetch_need_room_on_the_disk_of_the_cache(tmp_path, set_free_bytes):
    space = FetchedSpace(tmp_path / "cache", 5_000_000)
    set_free_bytes(5_000_000)
    check_cache_space(space)
    set_free_bytes(4_000_000)
    message = (
        r"cache: 4 MB free, the files to fetch need 5 MB; make room, or choose another --cache"
    )
    with pytest.raises(StoreError, match=message):
        check_cache_space(space)


def test_a_disk_for_cache_store_and_staging_needs_room_for_all(
    eegbci, tmp_path, monkeypatch, set_free_bytes
):
    plan = make_plan([str(eegbci)], parsing.parse_request({**EYES, "subject": ["001"]}))
    places = [Location(str(tmp_path / name)) for name in ("a.zarr", "staging")]
    fetched = FetchedSpace(tmp_path / "cache", STORE_BYTES)
    set_free_bytes(3 * STORE_BYTES)
    check_space(plan, *places, 60, fetched=fetched)
    set_free_bytes(3 * STORE_BYTES - 1)
    message = (
        "cache: 4 MB free, the files to fetch, the recordings in staging and the store need 4 MB; "
        "make room, or choose another --cache or --staging or DEST"
    )
    with pytest.raises(StoreError, match=message):
        check_space(plan, *places, 60, fetched=fetched)
    monkeypatch.setattr(disk_space, "_device", str)
    check_space(plan, *places, 60, fetched=fetched)
