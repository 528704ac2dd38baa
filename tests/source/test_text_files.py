"""Text of a dataset is read from inside of it only, and a special file stops nothing."""

from __future__ import annotations

import doctest
import json
import os
import socket
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bids_folder import EVENTS, write_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.errors import RecordingError, SourceError
from bids_dl.source import text_files
from bids_dl.source.dataset import Dataset, open_dataset
from bids_dl.source.file_checks import check_content
from bids_dl.source.text_files import is_inside, read_bytes, read_json_object, read_text

SECRET = "the words of a private file"
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=5)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(text_files).failed == 0


@settings(max_examples=60)
@given(
    folders=st.lists(NAMES, max_size=3),
    chain=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    outside=st.booleans(),
    relative=st.booleans(),
)
def test_a_chain_of_links_is_read_exactly_if_it_ends_inside(folders, chain, outside, relative):
    with TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        root = base / "ds"
        folder = root.joinpath(*folders)
        folder.mkdir(parents=True)
        target = (base if outside else root) / "kept.txt"
        target.write_text(SECRET)
        for name in chain:
            link = folder / f"{name}.link"
            link.symlink_to(os.path.relpath(target, folder) if relative else target)
            target = link
        assert is_inside(target, root) is not outside
        if outside:
            with pytest.raises(SourceError, match="ds/x: is a link to a place outside") as refusal:
                read_text(target, "ds/x", root)
            assert "\n" not in str(refusal.value)
        else:
            assert read_text(target, "ds/x", root) == SECRET


def test_the_content_of_the_annex_is_read_and_the_configuration_of_git_is_not(tmp_path):
    root = tmp_path.resolve()
    for name in ("annex/objects/Xq/key/key", "config", "annex/creds/x"):
        file = root / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SECRET)
    (root / "README").symlink_to(".git/annex/objects/Xq/key/key")
    (root / "LICENSE").symlink_to(".git/config")
    (root / "COPYING").symlink_to(".git/annex/creds/x")
    assert is_inside(root / "README", root)
    assert not is_inside(root / "LICENSE", root)
    assert not is_inside(root / "COPYING", root)


def make_annex(folder: Path) -> Path:
    """Write an object into the annex of a git folder."""
    file = folder / "annex" / "objects" / "key"
    file.parent.mkdir(parents=True)
    file.write_text(SECRET)
    return file


@pytest.mark.parametrize("kind", ["link", "file"])
def test_the_annex_of_a_subdataset_is_that_of_the_dataset_around(tmp_path, kind):
    root = tmp_path.resolve() / "super" / "sub"
    root.mkdir(parents=True)
    folder = root.parent / ".git" / "modules" / "sub"
    object_file = make_annex(folder)
    if kind == "link":
        (root / ".git").symlink_to("../.git/modules/sub")
    else:
        (root / ".git").write_text("gitdir: ../.git/modules/sub\n")
    (root / "README").symlink_to(object_file)
    assert is_inside(root / "README", root)


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_dataset_cannot_name_the_repository_of_another(tmp_path, kind):
    object_file = make_annex(tmp_path / "private" / ".git")
    root = tmp_path.resolve() / "ds"
    root.mkdir()
    if kind == "link":
        (root / ".git").symlink_to("../private/.git")
    else:
        (root / ".git").write_text("gitdir: ../private/.git\n")
    (root / "README").symlink_to(object_file)
    assert not is_inside(root / "README", root)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_work_tree_has_the_annex_of_its_repository_if_that_knows_it(tmp_path, confirmed):
    object_file = make_annex(tmp_path / "first" / ".git")
    root = tmp_path.resolve() / "second"
    root.mkdir()
    entry = tmp_path / "first" / ".git" / "worktrees" / "second"
    entry.mkdir(parents=True)
    (entry / "gitdir").write_text(f"{root if confirmed else tmp_path}/.git\n")
    (root / ".git").write_text(f"gitdir: {entry}\n")
    (root / "README").symlink_to(object_file)
    assert is_inside(root / "README", root) is confirmed


def test_an_object_of_the_cache_is_read_wherever_the_cache_is(tmp_path):
    (tmp_path / "object").write_text(SECRET)
    assert read_text(tmp_path / "object", "ds/x", None) == SECRET


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_a_special_file_is_refused_at_once(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # because the address of a socket is short
    path = Path("x.tsv")
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path = Path("/dev/zero")
    for read in (read_text, read_bytes, read_json_object):
        with pytest.raises(SourceError, match=rf"^ds/x\.tsv: is {kind}, not a file; remove it$"):
            read(path, "ds/x.tsv", None)
    with pytest.raises(RecordingError, match=f"source: x is {kind}, not a file"):
        check_content(path, "x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
@pytest.mark.parametrize("name", ["participants.json", "participants.tsv", "events.json"])
def test_a_dataset_with_a_named_pipe_is_opened_and_names_it(tmp_path, name):
    files = {"participants.tsv": "participant_id\nsub-1\n"} if name != "participants.tsv" else {}
    root = write_folder(tmp_path, files)
    os.mkfifo(root / name)
    dataset = open_dataset(str(root))
    read = dataset.read_tsv if name.endswith(".tsv") else dataset.read_json
    with pytest.raises(SourceError, match=f"{name}: is a named pipe, not a file"):
        read(name)


def test_an_absurdly_large_text_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "x.tsv"
    with path.open("wb") as file:
        file.truncate(10**12)  # a sparse file
    for read in (read_text, read_json_object):
        with pytest.raises(SourceError, match="1000000000000 bytes, more than"):
            read(path, "ds/x.tsv", tmp_path.resolve())


@pytest.mark.parametrize(
    "content",
    [
        '{"a": ' + "9" * 5000 + "}",
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a":' * 90 + "1" + "}" * 90,
        '{"a": "\0"}',
        "{" + "\0" * 100,
    ],
    ids=["digits", "deep", "rather deep", "NUL", "NULs"],
)
def test_json_that_stops_python_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SourceError, match=r"^ds/x\.json: cannot be read as JSON") as refusal:
        read_json_object(tmp_path / "x.json", "ds/x.json", tmp_path.resolve())
    assert "\n" not in str(refusal.value)


def test_half_a_surrogate_pair_is_replaced_and_nan_is_read(tmp_path):
    (tmp_path / "x.json").write_text(r'{"a": ["\ud83d", "\ud83d\ude00"], "b": NaN}')
    content = read_json_object(tmp_path / "x.json", "ds/x.json", tmp_path.resolve())
    assert content["a"] == ["?", "\U0001f600"]
    json.dumps(content, ensure_ascii=False).encode()


def test_every_reader_of_a_dataset_refuses_a_link_out_of_it(tmp_path):
    (tmp_path / "private").write_text(SECRET)
    root = write_folder(tmp_path / "ds", {"events.tsv": EVENTS}).resolve()
    (root / "x").symlink_to(tmp_path / "private")
    dataset = Dataset(root, "ds", {}, ("x",))
    for read in (dataset.read_json, dataset.read_tsv, dataset.read_bytes):
        with pytest.raises(SourceError, match="ds/x: is a link to a place outside") as refusal:
            read("x")
        assert SECRET not in str(refusal.value)
