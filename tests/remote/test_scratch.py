"""Temporary folders: removed in the end, or by the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from bids_dl.remote.scratch import remove_abandoned, remove_own, scratch_folder

HOLDER = """
import sys, time
from bids_dl.remote.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "link").symlink_to("/")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Use a temporary folder of the system that is empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_a_folder_is_empty_for_its_user_only_and_removed_in_the_end(temporary):
    with scratch_folder() as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        remove_abandoned()
        assert folder.is_dir()
    assert list(temporary.iterdir()) == []


def test_a_folder_is_removed_if_its_user_fails(temporary):
    with pytest.raises(FileExistsError), scratch_folder() as folder:
        (folder / "..").mkdir()
    assert list(temporary.iterdir()) == []


def test_a_killed_process_leaves_a_folder_that_the_next_run_removes(temporary):
    holders = []
    for _ in range(2):
        holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
        holder.stdout.readline()
        holders.append(holder)
    holders[0].send_signal(signal.SIGKILL)
    holders[0].communicate()
    assert len(list(temporary.iterdir())) == 2
    remove_abandoned()
    assert [path.name.split("-")[1] for path in temporary.iterdir()] == [str(holders[1].pid)]
    holders[1].kill()
    holders[1].communicate()
    remove_abandoned()
    assert list(temporary.iterdir()) == []


def test_only_folders_of_this_package_are_removed(temporary):
    names = ["bids_dl-notes", "bids_dl-x-abc", "other-1-abc", f"bids_dl-{os.getpid()}-abc"]
    for name in names:
        (temporary / name).mkdir()
    (temporary / "bids_dl-1-link").symlink_to(temporary / "other-1-abc")
    (temporary / "bids_dl-1-file").write_text("")
    remove_abandoned()
    assert {path.name for path in temporary.iterdir()} == {
        *names,
        "bids_dl-1-link",
        "bids_dl-1-file",
    }


def test_a_process_removes_its_own_folders_after_an_interruption(temporary):
    (temporary / f"bids_dl-{os.getpid()}-abc" / "files").mkdir(parents=True)
    (temporary / f"bids_dl-{os.getppid()}-abc").mkdir()
    remove_own()
    assert [path.name for path in temporary.iterdir()] == [f"bids_dl-{os.getppid()}-abc"]


def test_a_folder_elsewhere_is_created_after_abandoned_ones_are_removed(tmp_path, temporary):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "bids_dl-999999999-abc").mkdir()
    with scratch_folder(tmp_path / "cache") as folder:
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.parent.name]
    assert list((tmp_path / "cache").iterdir()) == []
    assert list(temporary.iterdir()) == []
