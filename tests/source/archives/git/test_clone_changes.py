"""Work trees that differ from their commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from annexed_repository import Annexed, AnnexedRepository

from bids_dl.source.archives.git.clone_changes import changed_files
from bids_dl.source.archives.git.git_snapshot import open_clone

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
LOCKED, POINTER = "sub-01/sub-01_eeg.edf", "sub-02/sub-02_eeg.edf"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Clone without annexed content: a text file, a link and a pointer file."""
    with AnnexedRepository(tmp_path / "r.git") as origin:
        files = {"README": b"a\nb\n", LOCKED: Annexed(b"abc"), POINTER: Annexed(b"d", pointer=True)}
        origin.commit(files)
        folder = tmp_path / "clone"
        subprocess.run(["git", "clone", "-q", origin.folder, folder], check=True)
    return folder


def changes(clone: Path) -> list[str]:
    with open_clone(clone) as snapshot:
        return changed_files(snapshot, clone)


def replace(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def test_a_fresh_clone_is_unchanged(clone):
    assert changes(clone) == []


def test_other_and_missing_files_are_changed(clone):
    (clone / "README").write_text("other")
    (clone / LOCKED).unlink()
    (clone / "new.json").write_text("{}")
    assert changes(clone) == ["README", LOCKED]


def test_line_ends_of_windows_are_no_change(clone):
    (clone / "README").write_bytes(b"a\r\nb\r\n")
    assert changes(clone) == []


def test_links_and_pointers_as_windows_has_them_are_no_change(clone):
    target = (clone / LOCKED).readlink().as_posix()
    replace(clone / LOCKED, target.encode())
    pointer = (clone / POINTER).read_bytes()
    replace(clone / POINTER, pointer.replace(b"/", b"\\").replace(b"\n", b"\r\n"))
    assert changes(clone) == []


def test_content_in_place_of_a_link_is_no_change_if_its_size_is_right(clone):
    replace(clone / LOCKED, b"abc")
    replace(clone / POINTER, b"d")
    assert changes(clone) == []
    replace(clone / LOCKED, b"abcd")
    assert changes(clone) == [LOCKED]


def test_a_link_to_another_key_is_changed(clone):
    target = (clone / LOCKED).readlink().as_posix().replace("-s3-", "-s4-")
    (clone / LOCKED).unlink()
    (clone / LOCKED).symlink_to(target)
    assert changes(clone) == [LOCKED]
