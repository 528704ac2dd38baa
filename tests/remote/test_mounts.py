"""The types of the mounted file systems, by device."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bids_dl.remote import mounts

TABLE = """
21 1 254:0 / / rw - ext4 /dev/root rw
22 21 0:40 / /net rw,relatime shared:7 master:2 - nfs4 server:/data rw,vers=4.2
23 21 0:41 / /two\\040words rw - fuse.sshfs host: rw
24 21 8:1 / /line\r\v\f\x85\u2028\xa0- rw - xfs /dev/s\xa0d\u2028b rw
25 21 0:43 /- /- - - tmpfs - rw
"""


def test_the_type_of_each_device_is_found_whatever_the_names(tmp_path, monkeypatch):
    table = tmp_path / "mountinfo"
    table.write_bytes(TABLE.lstrip().encode())
    monkeypatch.setattr(mounts, "MOUNTS", table)
    assert mounts.file_system_types() == {
        os.makedev(254, 0): "ext4",
        os.makedev(0, 40): "nfs4",
        os.makedev(0, 41): "fuse.sshfs",
        os.makedev(8, 1): "xfs",
        os.makedev(0, 43): "tmpfs",
    }


def test_a_system_that_does_not_tell_gives_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    assert mounts.file_system_types() == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the table of Linux")
def test_the_table_of_this_system_is_read():
    assert mounts.file_system_types()[Path("/proc/self").stat().st_dev] == "proc"
