"""One conversion at a time writes to a local folder."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

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


@pytest.mark.parametrize("has_target", [True, False])
def test_a_link_in_the_place_of_the_lock_is_refused_and_its_target_kept(tmp_path, has_target):
    target = tmp_path / "letter.txt"
    if has_target:
        target.write_text("of the user")
    (tmp_path / ".a.zarr.lock").symlink_to(target)
    with (
        pytest.raises(
            StoreError, match=r"cannot be written to \(.a.zarr.lock is a link, remove it"
        ),
        exclusive_lock(Location(str(tmp_path / "a.zarr"))),
    ):
        pass
    assert target.exists() == has_target
    assert not has_target or target.read_text() == "of the user"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_something_else_in_the_place_of_the_lock_is_refused(tmp_path, make):
    make(tmp_path / ".a.zarr.lock")
    with (
        pytest.raises(StoreError, match="cannot be written to"),
        exclusive_lock(Location(str(tmp_path / "a.zarr"))),
    ):
        pass


def test_the_content_of_a_file_with_the_name_of_the_lock_is_kept_while_it_is_used(tmp_path):
    lock = tmp_path / ".a.zarr.lock"
    lock.write_text("of the user")
    with exclusive_lock(Location(str(tmp_path / "a.zarr"))):
        assert lock.read_text() == "of the user"


def test_a_lock_that_was_opened_before_it_was_removed_is_worth_nothing(tmp_path, monkeypatch):
    location = Location(str(tmp_path / "a.zarr"))
    flock = fcntl.flock
    holders = ExitStack()
    entered = []

    def end_the_first_and_let_a_third_enter(file, operation):
        if not entered:
            entered.append(True)
            holders.close()
            holders.enter_context(exclusive_lock(location))
        return flock(file, operation)

    with holders:
        holders.enter_context(exclusive_lock(location))
        monkeypatch.setattr(fcntl, "flock", end_the_first_and_let_a_third_enter)
        with pytest.raises(StoreError, match="another conversion"), exclusive_lock(location):
            pass
