"""Text of a commit on disk, and the addresses of the rest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from annexed_repository import (
    SUBMODULE,
    Annexed,
    AnnexedRepository,
    Special,
    openneuro_repository,
    read_version,
)

from bids_dl.errors import SourceError
from bids_dl.source.archives.git.annex_branch import BucketBases
from bids_dl.source.archives.git.git_snapshot import open_clone
from bids_dl.source.archives.git.snapshot_files import (
    AnnexRoutes,
    SnapshotFiles,
    is_needed_text,
    write_snapshot,
)

SIGNAL = "sub-01/eeg/sub-01_eeg.edf"


@pytest.fixture
def repository(tmp_path: Path):
    with AnnexedRepository(tmp_path / "r.git", "ds1") as made:
        yield made


def write(repository: AnnexedRepository, root: Path, **options: object) -> SnapshotFiles:
    with open_clone(repository.folder) as snapshot:
        return write_snapshot(snapshot, root, AnnexRoutes(**options))


@pytest.mark.parametrize("backend", ["MD5E", "SHA256E"])
def test_text_is_written_and_signals_are_located(eegbci, tmp_path, backend):
    with openneuro_repository(eegbci, tmp_path / "r.git", backend=backend) as repository:
        bases = BucketBases({"openneuro.org": "http://127.0.0.1:1/b"})
        files = write(repository, tmp_path / "root", bases=bases)
        versions = {(path, content): version for path, version, content in repository.objects}
        for path, key in repository.keys.items():
            content = repository.contents[key]
            remote = files.files[path]
            assert remote.size == len(content)
            assert hashlib.new(remote.algorithm, content).hexdigest() == remote.checksum
            version = versions[f"ds004362/{path}", content].replace("/", "%2F").replace("+", "%2B")
            plain = f"http://127.0.0.1:1/b/ds004362/{path}"
            assert remote.urls == (f"{plain}?versionId={version}", plain)
    expected = read_version(eegbci)
    for path in set(files.paths) - set(files.files) - {"LICENSE"}:
        assert (tmp_path / "root" / path).read_bytes() == expected[path]
    on_disk = [file for file in (tmp_path / "root").rglob("*") if file.is_file()]
    assert len(on_disk) == len(files.paths) - len(files.files)
    assert len(files.annexed_text) == 1
    assert files.annexed_text[0].endswith("_events.tsv")
    assert files.notes == ()


def test_links_within_the_dataset_become_what_they_lead_to(repository, tmp_path):
    repository.commit(
        {
            "task-x_events.json": b"{}",
            SIGNAL: Annexed(b"abc"),
            "sub-02/eeg/sub-02_events.json": Special(b"../../link.json"),
            "link.json": Special(b"task-x_events.json"),
            "sub-02/eeg/sub-02_eeg.edf": Special(b"../../folder/sub-01_eeg.edf"),
            "folder": Special(b"sub-01\\eeg"),
        }
    )
    files = write(repository, tmp_path / "root")
    assert (tmp_path / "root/sub-02/eeg/sub-02_events.json").read_bytes() == b"{}"
    assert files.files["sub-02/eeg/sub-02_eeg.edf"] == files.files[SIGNAL]
    assert files.links == {
        "link.json": "task-x_events.json",
        "sub-02/eeg/sub-02_events.json": "task-x_events.json",
        "sub-02/eeg/sub-02_eeg.edf": SIGNAL,
    }
    assert files.notes == ("link to a folder, not followed: folder",)
    assert not any(file.is_symlink() for file in (tmp_path / "root").rglob("*"))


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../../../outside", "C:\\Windows\\x", "../../../root/README", "sub-01_eeg.bdf"],
)
def test_a_link_out_of_the_dataset_is_never_data(repository, tmp_path, target):
    repository.commit({"README": b"x", "x.json": Special(target.encode()), SIGNAL: Annexed(b"abc")})
    (tmp_path / "outside").write_text("secret")
    files = write(repository, tmp_path / "root")
    assert files.paths == ("README", SIGNAL)
    assert not (tmp_path / "root/x.json").exists()
    assert files.notes[0].endswith("left out: x.json")


def test_a_circle_of_links_is_left_out(repository, tmp_path):
    repository.commit({"a.json": Special(b"b.json"), "b.json": Special(b"a.json")})
    assert write(repository, tmp_path / "root").paths == ()


def test_a_signal_that_is_a_broken_link_stays_listed_without_an_address(repository, tmp_path):
    repository.commit({SIGNAL: Special(b"/data/sub-01_eeg.edf")})
    files = write(repository, tmp_path / "root")
    assert files.paths == (SIGNAL,)
    assert files.files[SIGNAL].urls == ()


def test_a_key_without_checksum_is_noted(repository, tmp_path):
    repository.commit({SIGNAL: Annexed(b"abc", "WORM")})
    files = write(repository, tmp_path / "root")
    assert (files.files[SIGNAL].size, files.files[SIGNAL].checksum) == (3, "")
    assert files.notes == (f"key WORM without a checksum, only its size is checked: {SIGNAL}",)


def test_without_annex_branch_plain_addresses_remain(repository, tmp_path):
    repository.commit({SIGNAL: Annexed(b"abc")})
    repository.drop_annex_branch()
    files = write(repository, tmp_path / "a", plain_urls=lambda path, key: [f"x:{path}:{key.size}"])
    assert files.files[SIGNAL].urls == (f"x:{SIGNAL}:3",)
    files = write(repository, tmp_path / "b")
    assert files.notes == (f"no address of its content is known: {SIGNAL}",)


def test_files_of_git_and_datalad_are_no_part_of_the_dataset(repository, tmp_path):
    files = {".gitattributes": b"x", ".datalad/config": b"x", "sub-01/.GIT/config": b"x"}
    repository.commit(files | {".bidsignore": b"x"})
    assert write(repository, tmp_path / "root").paths == (".bidsignore",)


def test_control_characters_of_names_are_not_shown(repository, tmp_path):
    repository.commit({"a\n\x1b.json": Special(b"/etc/passwd")})
    assert write(repository, tmp_path / "root").notes[0].endswith(": a??.json")


def test_a_submodule_is_noted(repository, tmp_path):
    repository.commit({"sub-01": Special(b"", SUBMODULE)})
    files = write(repository, tmp_path / "root")
    assert files.notes == ("submodule, another dataset that is not read: sub-01",)


def test_paths_that_differ_only_in_case_are_reported(repository, tmp_path):
    repository.commit({"sub-A/x.json": b"1", "sub-a/x.json": b"2", "e\u0301": b"", "\u00e9": b""})
    ignores_case = (tmp_path / "R.GIT").exists()
    if ignores_case:
        with pytest.raises(SourceError, match="have one path"):
            write(repository, tmp_path / "root")
        return
    files = write(repository, tmp_path / "root")
    assert "sub-a/x.json and sub-A/x.json" in files.notes[0]
    assert (tmp_path / "root/sub-a/x.json").read_bytes() == b"2"


def test_a_name_that_is_too_long_is_reported(repository, tmp_path):
    name = "a" * 300 + ".json"
    repository.commit({name: b"{}", "README": b"x"})
    files = write(repository, tmp_path / "root")
    assert files.paths == ("README",)
    assert files.notes[0].startswith("name too long for this file system, left out: aaa")


def test_a_folder_that_is_there_already_is_kept(repository, tmp_path):
    repository.commit({"README": b"new"})
    (tmp_path / "root").mkdir()
    (tmp_path / "root/README").write_text("old")
    assert write(repository, tmp_path / "root").paths == ("README",)
    assert (tmp_path / "root/README").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.git", "root"]


def test_a_root_that_cannot_be_written_is_one_line(repository, tmp_path):
    repository.commit({"README": b"new"})
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="cannot be written to"):
        write(repository, tmp_path / "file/root")


@pytest.mark.parametrize(
    ("path", "is_needed"),
    [
        ("participants.tsv", True),
        ("README", True),
        ("sub-01/eeg/sub-01_eeg.json", True),
        ("sub-01/motion/sub-01_tracksys-a_motion.tsv", False),
        ("sub-01/eeg/sub-01_eeg.vhdr", False),
        ("derivatives/x/participants.tsv", False),
        ("phenotype/x.tsv", False),
    ],
)
def test_only_text_that_plans_need_is_fetched_at_once(path, is_needed):
    assert is_needed_text(path) == is_needed
