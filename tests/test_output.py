"""Files that commands write."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.output import check_output, check_outside_store, describe_os_error, writing


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("folder", r"--plot folder: is a folder; name a file in it$"),
        ("no/a.png", r"--plot no/a\.png: folder no does not exist; create it first$"),
        ("file.txt/a.png", r"file\.txt is a file, not a folder; choose another folder$"),
        ("a.xyz", r"--plot a\.xyz: give a file that ends in \.png, \.svg$"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(tmp_path, monkeypatch, file, message):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file.txt").touch()
    suffixes = [".png", ".svg"] if file.endswith(".xyz") else []
    with pytest.raises(ConfigError, match=message):
        check_output(f"--plot {file}", Path(file), suffixes=suffixes)


@pytest.fixture
def read_only(tmp_path):
    """Return a read-only folder: a mount for root, whom permissions do not stop."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user can neither mount nor be refused a folder")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_folder_is_refused_with_its_cause(read_only):
    message = r"a\.csv: cannot be written \((Read-only file system|Permission denied)\); choose"
    with pytest.raises(ConfigError, match=message):
        check_output("a.csv", read_only / "a.csv")


def test_a_new_file_and_an_existing_one_are_accepted(tmp_path):
    check_output("a.csv", tmp_path / "a.csv")
    (tmp_path / "a.csv").touch()
    check_output("a.csv", tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("path", ["eyes.zarr", "eyes.zarr/a.html", "link/a.html"])
def test_a_file_inside_a_store_is_refused(tmp_path, path):
    (tmp_path / "eyes.zarr").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "eyes.zarr")
    with pytest.raises(ConfigError, match="-o x: is inside the store, which never changes"):
        check_outside_store("-o x", tmp_path / path, tmp_path / "eyes.zarr")
    check_outside_store("-o x", tmp_path / "eyes.zarr.html", tmp_path / "eyes.zarr")
    check_outside_store("-o x", tmp_path / path, None)


def test_a_full_disk_is_one_line_with_the_path():
    message = r"^p\.csv: cannot be written \(No space left on device\)$"
    with pytest.raises(ConfigError, match=message), writing("p.csv"):
        Path("/dev/full").write_text("x")


def test_a_write_that_left_something_is_another_error_with_a_way_out():
    refused = pytest.raises(BidsDlError, match=r"\(Disk quota exceeded\); delete it$")
    with refused as failure, writing("run", "delete it", error=BidsDlError):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    assert not isinstance(failure.value, ConfigError)


def test_an_error_of_the_system_is_described_without_its_number():
    assert describe_os_error(OSError(28, "No space left on device")) == "No space left on device"
    assert describe_os_error(OSError("odd")) == "odd"
    assert describe_os_error(TimeoutError()) == "TimeoutError"
