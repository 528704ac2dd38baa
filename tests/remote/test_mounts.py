"""The type of the file system that holds a path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bids_dl.remote import mounts

TABLE = r"""
21 1 254:0 / / rw - ext4 /dev/root rw
22 21 0:40 / {folder}/net rw,relatime shared:7 master:2 - nfs4 server:/data rw,vers=4.2
23 21 0:41 / {folder}/network rw - fuse.sshfs host: rw
24 21 0:42 / {folder}/twice rw - xfs /dev/sdb rw
25 21 0:43 / {folder}/twice rw - tmpfs tmpfs rw
26 21 0:44 / {folder}/two\040words rw - btrfs /dev/sdc rw
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with mount points, as far as the table says."""
    table = tmp_path / "mountinfo"
    table.write_text(TABLE.replace("{folder}", str(tmp_path)).lstrip())
    monkeypatch.setattr(mounts, "MOUNTS", table)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("net/store.zarr", "nfs4"),
        ("net", "nfs4"),
        ("network/store.zarr", "fuse.sshfs"),
        ("netting/store.zarr", "ext4"),
        ("twice/store.zarr", "tmpfs"),
        ("two words/store.zarr", "btrfs"),
        (".", "ext4"),
    ],
)
def test_a_path_belongs_to_the_innermost_and_latest_mount(folder, name, kind):
    assert mounts.file_system_type(folder / name) == kind


def test_links_are_followed(folder):
    (folder / "net").mkdir()
    (folder / "link").symlink_to(folder / "net")
    assert mounts.file_system_type(folder / "link" / "store.zarr") == "nfs4"


def test_a_relative_path_is_one_of_the_working_folder(folder, monkeypatch):
    (folder / "net").mkdir()
    monkeypatch.chdir(folder / "net")
    assert mounts.file_system_type("store.zarr") == "nfs4"


def test_a_system_that_does_not_tell_gives_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    assert mounts.file_system_type(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads the table of Linux")
def test_the_table_of_this_system_is_read():
    assert mounts.file_system_type("/proc/self") == "proc"
