"""Clones with and without content, with changes, links and a damaged annex."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from annexed_repository import Annexed, AnnexedRepository, Special
from archive_servers import OFFLINE
from git_server import GitServer

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import find_recordings, open_dataset
from bids_dl.source.archives.git.annex import parse_link, parse_pointer
from bids_dl.source.archives.opening import is_clone
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch import fetch_files
from bids_dl.source.recordings.hashing import hash_source_files
from bids_dl.source.recordings.raw_files import find_raw_files

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def clone_of(repository: AnnexedRepository, folder: Path, version: str = "1.0.0") -> Path:
    """Clone a repository with git, at a version."""
    command = ["git", "-c", "advice.detachedHead=false", "clone", "-q"]
    subprocess.run([*command, "-b", version, repository.folder, folder], check=True)
    return folder


def add_content(clone: Path, repository: AnnexedRepository, *, unlock: bool = False) -> None:
    """Give annexed files their content, as git-annex does: objects, or files in place of links."""
    for file in sorted(clone.rglob("*")):
        if ".git" in file.parts:
            continue
        if file.is_symlink():
            key = parse_link(str(file.readlink()))
        else:
            key = parse_pointer(file.read_bytes()) if file.is_file() else None
        if key is None:
            continue
        content = repository.contents[key.text]
        if file.is_symlink() and not unlock:
            target = file.parent / file.readlink()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o444)
        else:
            file.unlink()
            file.write_bytes(content)


def identities(dataset: Dataset) -> dict[str, dict[str, str]]:
    """Return the checksums of the files of each recording."""
    found = {}
    for recording in find_recordings(dataset, SourceConfig()):
        found[recording.key] = hash_source_files(dataset, recording).digests
    return found


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file, links not followed."""
    files = [file for file in folder.rglob("*") if not file.is_dir() or file.is_symlink()]
    return {str(file): (file.lstat().st_size, file.lstat().st_mtime_ns) for file in files}


@pytest.fixture
def clone(archives, tmp_path: Path) -> Path:
    """Clone of version 1.0.0 without content."""
    return clone_of(archives.repository, tmp_path / "mine")


def test_a_clone_without_content_has_the_identity_of_the_archive(archives, access, clone):
    with access.open() as opened:
        archived = open_dataset("openneuro:ds004362@1.0.0", opened)
        archives.reset()
        before = state_of(clone)
        dataset = open_dataset(str(clone), opened)
        signal = find_recordings(dataset, SourceConfig())[0].signal
        fetch_files(dataset, [signal], opened)
    assert state_of(clone) == before
    assert (dataset.name, dataset.origin, dataset.notes) == ("ds004362", archived.origin, ())
    assert dataset.files == archived.files
    assert identities(dataset) == identities(archived)
    assert archives.git.requests == []
    assert archives.bucket.requests == [f"ds004362/{signal}"]
    assert dataset.path(signal).stat().st_size == 1000


def test_annexed_text_of_a_clone_is_fetched_when_it_is_opened(archives, access, clone):
    [text] = [path for path in archives.repository.keys if path.endswith(".tsv")]
    with access.open() as opened:
        dataset = open_dataset(str(clone), opened)
    assert archives.bucket.requests == [f"ds004362/{text}"]
    assert dataset.path(text).is_relative_to(access.cache)
    assert len(dataset.read_tsv(text).columns["onset"]) == 1


@pytest.mark.parametrize("unlock", [False, True])
def test_a_clone_with_content_needs_no_request(archives, access, clone, unlock):
    add_content(clone, archives.repository, unlock=unlock)
    with access.open() as opened:
        archived = open_dataset("openneuro:ds004362@1.0.0", opened)
    archives.reset()
    with access.open(OFFLINE) as opened:
        dataset = open_dataset(str(clone), opened)
        recordings = find_recordings(dataset, SourceConfig())
        fetch_files(dataset, [recording.signal for recording in recordings], opened)
    assert identities(dataset) == identities(archived)
    assert not any(dataset.is_remote(file) for file in dataset.files)
    assert archives.n_requests == 0


def test_an_unlocked_file_that_was_edited_has_another_identity(archives, access, clone):
    add_content(clone, archives.repository, unlock=True)
    with access.open(OFFLINE) as opened:
        before = identities(open_dataset(str(clone), opened))
        signal = find_recordings(open_dataset(str(clone), opened), SourceConfig())[0].signal
        content = (clone / signal).read_bytes()
        (clone / signal).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        after = identities(open_dataset(str(clone), opened))
    changed = [key for key in before if before[key] != after[key]]
    assert len(changed) == 1


def test_an_object_that_is_cut_off_is_fetched_instead(archives, access, clone):
    add_content(clone, archives.repository)
    link = next(file for file in sorted(clone.rglob("*.edf")) if file.is_symlink())
    target = link.resolve()
    target.chmod(0o644)
    target.write_bytes(target.read_bytes()[:10])
    with access.open() as opened:
        dataset = open_dataset(str(clone), opened)
        signal = link.relative_to(clone).as_posix()
        fetch_files(dataset, [signal], opened)
    assert dataset.path(signal).stat().st_size == 1000


def test_changed_files_are_read_as_they_are_and_told(archives, access, clone):
    signal = next(file for file in sorted(clone.rglob("*.edf")) if file.is_symlink())
    signal.unlink()
    signal.write_bytes(b"other")
    (clone / "README").write_text("other")
    (clone / "untracked.json").write_text("{}")
    with access.open() as opened:
        dataset = open_dataset(str(clone), opened)
    name = signal.relative_to(clone).as_posix()
    assert dataset.path(name) == clone / name
    assert dataset.remote.digest(name) is None
    assert dataset.notes == (
        "mine: 2 files of the clone differ from its last commit, or are missing, and are read "
        f"as they are: README, {name}",
    )
    assert "untracked.json" in dataset.files


def test_row_13_links_and_pointers_as_windows_has_them_are_fetched(archives, access, clone):
    for file in sorted(clone.rglob("*.edf")):
        if file.is_symlink():
            target = str(file.readlink()).replace("/", "\\")
            file.unlink()
            file.write_text(target)
    with access.open() as opened:
        dataset = open_dataset(str(clone), opened)
        signals = [recording.signal for recording in find_recordings(dataset, SourceConfig())]
        fetch_files(dataset, signals, opened)
    assert dataset.notes == ()
    assert {dataset.path(signal).stat().st_size for signal in signals} == {1000}


def test_a_clone_whose_annex_cannot_be_read_is_a_plain_folder(access, clone):
    shutil.rmtree(clone / ".git/objects")
    (clone / ".git/objects").mkdir()
    with access.open() as opened:
        dataset = open_dataset(str(clone), opened)
    assert dataset.remote is None
    assert "its git-annex cannot be read, files are read as they are" in dataset.notes[0]
    recording = find_recordings(dataset, SourceConfig())[0]
    with pytest.raises(RecordingError, match=r"broken link|git-annex pointer"):
        hash_source_files(dataset, recording)


def test_a_plain_folder_imports_no_git(small_dataset):
    code = (
        "import sys; from bids_dl.source import open_dataset; open_dataset(sys.argv[1]); "
        "sys.exit('dulwich' in sys.modules or 'aiohttp' in sys.modules)"
    )
    folder = str(small_dataset)
    finished = subprocess.run([sys.executable, "-c", code, folder], check=False, env=os.environ)
    assert finished.returncode == 0


def test_clones_packed_or_not_and_further_work_trees_are_recognized(clone, tmp_path):
    assert is_clone(clone)
    subprocess.run(["git", "-C", clone, "pack-refs", "--all"], check=True)
    assert is_clone(clone)
    tree = tmp_path / "tree"
    subprocess.run(["git", "-C", clone, "worktree", "add", "-q", tree, "1.0.0"], check=True)
    assert is_clone(tree)


@pytest.mark.parametrize("content", ["none", "folder", "file"])
def test_other_folders_are_no_clones(tmp_path, content):
    if content == "folder":
        (tmp_path / ".git/refs/heads").mkdir(parents=True)
    if content == "file":
        (tmp_path / ".git").write_bytes(b"\xff\0")
    assert not is_clone(tmp_path)


MEF = "sub-01/ieeg/sub-01_task-rest_ieeg.mefd"
PARTS = (f"{MEF}/A.timd/a.tdat", f"{MEF}/A.timd/a.tidx")


@pytest.mark.parametrize("unlock", [False, True])
def test_a_recording_that_is_a_folder_is_local_or_fetched_as_a_whole(access, tmp_path, unlock):
    description = {"dataset_description.json": b'{"Name": "x", "BIDSVersion": "1.10.0"}'}
    with AnnexedRepository(tmp_path / "mef.git") as repository:
        repository.commit({**description, PARTS[0]: Annexed(b"abc"), PARTS[1]: Annexed(b"de")}, "1")
        clone = clone_of(repository, tmp_path / "clone", "1")
        add_content(clone, repository, unlock=unlock)
    with access.open() as opened:
        whole = open_dataset(str(clone), opened)
        if not unlock:
            (clone / PARTS[1]).resolve().unlink()
            cut = open_dataset(str(clone), opened)
            assert whole.remote.digest(MEF) == cut.remote.digest(MEF) is not None
            assert (whole.is_remote(MEF), cut.is_remote(MEF)) == (False, True)
    if unlock:
        assert whole.remote.digest(MEF) is None
        assert whole.path(MEF) == clone / MEF


LINKED = "sub-02/eeg/sub-02_task-rest_eeg.edf"
ORIGINAL = "sub-01/eeg/sub-01_task-rest_eeg.edf"
EQUAL = "sub-03/eeg/sub-03_task-rest_eeg.edf"


@pytest.fixture
def linked(tmp_path: Path):
    """Repository with a link to a recording, and a recording of equal content."""
    with AnnexedRepository(tmp_path / "linked.git") as repository:
        repository.commit(
            {
                "dataset_description.json": b'{"Name": "x", "BIDSVersion": "1.10.0"}',
                ORIGINAL: Annexed(b"abc"),
                LINKED: Special(b"../../sub-01/eeg/sub-01_task-rest_eeg.edf"),
                EQUAL: Annexed(b"abc"),
            },
            "1.0.0",
        )
        yield repository


def test_row_12_a_link_to_a_recording_is_its_twin_and_equal_content_is_not(
    linked, archives, access, tmp_path
):
    git = GitServer({"ds004362": linked.repo})
    with git, access.open({"openneuro-git": git.url}) as opened:
        archived = find_raw_files(open_dataset("openneuro:ds004362@1.0.0", opened))
        again = find_raw_files(open_dataset("openneuro:ds004362@1.0.0", opened))
    clone = clone_of(linked, tmp_path / "ds004362")
    with access.open() as opened:
        without = find_raw_files(open_dataset(str(clone), opened))
        add_content(clone, linked)
        with_content = find_raw_files(open_dataset(str(clone), opened))
    assert set(archived.files) == {path.removesuffix("_eeg.edf") for path in (ORIGINAL, EQUAL)}
    assert archived == again == without == with_content
    twin = LINKED.removesuffix("_eeg.edf")
    assert "left out 1 recording whose file is that of another recording" in archived.notes[0]
    assert f"the first {twin}" in archived.notes[0]
