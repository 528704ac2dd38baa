"""Room on disk, looked at before the work."""

from __future__ import annotations

from collections import namedtuple

import pytest

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.pipeline import disk_space

Usage = namedtuple("Usage", "total used free")
EYES = {
    "hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"},
    "window": 2,
    "jobs": 1,
    "subject": ["001"],
}
STORE = 60 * 24 * 256 * 4  # bytes of the windows of one person


def room(monkeypatch, free):
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _: Usage(10**12, 0, free))


def test_a_disk_too_small_for_store_and_staging_is_refused_with_both_numbers_and_nothing_is_written(
    eegbci, tmp_path, monkeypatch
):
    room(monkeypatch, 2 * STORE - 1)
    with pytest.raises(
        StoreError,
        match=r"a\.zarr: 3 MB free, the store and the recordings staged meanwhile need 3 MB; make room",
    ):
        bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), **EYES)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_just_large_enough_is_used(eegbci, tmp_path, monkeypatch):
    room(monkeypatch, 2 * STORE)
    assert bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), **EYES).n_windows == 60


def test_staging_elsewhere_needs_its_own_room_and_a_store_to_be_overwritten_gives_its_own(
    eegbci, tmp_path, monkeypatch
):
    monkeypatch.setattr(disk_space, "_device", str)
    room(monkeypatch, STORE - 1)
    with pytest.raises(
        StoreError,
        match=r"named: 1 MB free, the recordings staged meanwhile need 1 MB; .* another --staging",
    ):
        bids_dl.convert(
            str(eegbci), str(tmp_path / "a.zarr"), staging=str(tmp_path / "named"), **EYES
        )
    room(monkeypatch, STORE)
    bids_dl.convert(str(eegbci), str(tmp_path / "a.zarr"), staging=str(tmp_path / "named"), **EYES)
    bids_dl.convert(
        str(eegbci),
        str(tmp_path / "a.zarr"),
        staging=str(tmp_path / "named"),
        overwrite=True,
        **EYES,
    )
