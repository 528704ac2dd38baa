"""Reading commits, and opening clones."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from annexed_repository import (
    EXECUTABLE,
    SUBMODULE,
    AnnexedRepository,
    Special,
    openneuro_repository,
)
from dulwich.objects import Blob, Commit, Tree

from bids_dl.errors import SourceError
from bids_dl.source.archives.git import git_snapshot
from bids_dl.source.archives.git.git_snapshot import open_clone

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def repository(tmp_path: Path):
    with AnnexedRepository(tmp_path / "r.git") as made:
        yield made


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_each_kind_of_entry_is_told(repository):
    files = {
        "README": b"x",
        "code/run.sh": Special(b"#!/bin/sh", EXECUTABLE),
        "link": Special(b"README"),
        "sub-01": Special(b"", SUBMODULE),
    }
    repository.commit(files)
    with open_clone(repository.folder) as snapshot:
        kinds = {entry.path: entry.kind for entry in snapshot.entries()}
        assert kinds == {
            "README": "file",
            "code/run.sh": "executable",
            "link": "link",
            "sub-01": "submodule",
        }
        content = [snapshot.read(entry.sha) for entry in snapshot.entries()]
        assert content[:3] == [b"x", b"#!/bin/sh", b"README"]


@pytest.mark.parametrize("name", [b"..", b".", b"a/b"])
def test_a_path_out_of_the_dataset_is_refused(repository, name):
    repository.commit({"README": b"x"})
    store = repository.repo.object_store
    blob, tree, commit = Blob.from_string(b"x"), Tree(), Commit()
    raw = b"100644 " + name + b"\0" + bytes.fromhex(blob.id.decode())
    tree.set_raw_string(raw)
    commit.tree = tree.id
    commit.author = commit.committer = b"a <a@b>"
    commit.author_time = commit.commit_time = commit.author_timezone = commit.commit_timezone = 0
    commit.message = b""
    store.add_objects([(item, None) for item in (blob, tree, commit)])
    repository.repo.refs[b"refs/heads/main"] = commit.id
    with (
        open_clone(repository.folder) as snapshot,
        pytest.raises(SourceError, match="leads out of the dataset; it is refused"),
    ):
        snapshot.entries()


def test_a_path_that_is_no_text_is_refused_by_name(repository):
    repository.commit({"README": b"x"})
    blob = Blob.from_string(b"x")
    repository.repo.object_store.add_object(blob)
    repository._commit([(b"caf\xe9", blob.id, 0o100644)], b"refs/heads/main")
    with (
        open_clone(repository.folder) as snapshot,
        pytest.raises(SourceError, match=r"caf\\xe9.* is not UTF-8"),
    ):
        snapshot.entries()


def test_folders_that_hold_each_other_are_refused(repository, monkeypatch):
    monkeypatch.setattr(git_snapshot, "MAX_ENTRIES", 1000)
    repository.commit({"README": b"x"})
    store = repository.repo.object_store
    content, mode = Blob.from_string(b"x"), 0o100644
    store.add_object(content)
    for _ in range(8):
        tree = Tree()
        for number in range(10):
            tree.add(str(number).encode(), mode, content.id)
        store.add_object(tree)
        content, mode = tree, 0o040000
    repository._commit([(b"a", content.id, mode)], b"refs/heads/main")
    with (
        open_clone(repository.folder) as snapshot,
        pytest.raises(SourceError, match="lists over 1000 files"),
    ):
        snapshot.entries()


def test_a_missing_object_is_one_line(repository):
    repository.commit({"README": b"x"})
    with (
        open_clone(repository.folder) as snapshot,
        pytest.raises(SourceError, match="is missing or damaged"),
    ):
        snapshot.read("0" * 40)


@pytest.mark.parametrize("content", ["nothing", "no commit"])
def test_a_folder_without_a_commit_is_refused(tmp_path, content):
    if content == "no commit":
        AnnexedRepository(tmp_path / "x").repo.close()
    with pytest.raises(SourceError, match=r"cannot be read as a git repository|has no commit"):
        open_clone(tmp_path / "x")


@needs_git
def test_a_clone_has_the_commit_and_the_annex_branch_of_its_origin(eegbci, tmp_path):
    with openneuro_repository(eegbci, tmp_path / "r.git") as origin:
        subprocess.run(["git", "clone", "-q", origin.folder, tmp_path / "clone"], check=True)
        with open_clone(tmp_path / "clone") as snapshot:
            assert (snapshot.version, snapshot.commit) == ("1.1.0", origin.commits["1.1.0"])
            assert "s3-PUBLIC" in snapshot.annex_file("remote.log")
        git(tmp_path / "clone", "checkout", "-q", "1.0.0")
        with open_clone(tmp_path / "clone") as snapshot:
            assert (snapshot.version, snapshot.commit) == ("1.0.0", origin.commits["1.0.0"])


@needs_git
def test_logs_of_several_annex_branches_are_joined(repository, tmp_path):
    repository.commit({"README": b"x"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", repository.folder, clone], check=True)
    git(clone, "branch", "git-annex", "origin/git-annex")
    repository.set_log("a/b/x.log.web", "1s 1 https://a.org/x\n")
    git(clone, "fetch", "-q")
    with open_clone(clone) as snapshot:
        assert "https://a.org/x" in snapshot.annex_file("a/b/x.log.web")
        assert snapshot.annex_file("a/b/y.log.web") == ""


@needs_git
def test_on_an_adjusted_branch_the_commit_is_that_of_its_origin(repository, tmp_path):
    commit = repository.commit({"README": b"x"}, "1.0.0")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", repository.folder, clone], check=True)
    git(clone, "checkout", "-q", "-b", "adjusted/main(unlocked)")
    git(clone, "commit", "-q", "--allow-empty", "-m", "git-annex adjusted branch")
    with open_clone(clone) as snapshot:
        assert (snapshot.version, snapshot.commit) == ("1.0.0", commit)
