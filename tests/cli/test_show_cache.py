"""Output of `bids-dl cache`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from command_line import assert_refused
from served_dataset import ACCESSION, served_dataset

from bids_dl.remote.caching.file_lock import SharedUse
from bids_dl.testing import make_dataset

ADDRESS = f"openneuro:{ACCESSION}@1.0.0"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    root = make_dataset(tmp_path_factory.mktemp("data") / ACCESSION, n_subjects=1).root
    with served_dataset(root, tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def cache(running, command, monkeypatch, tmp_path) -> Path:
    """Cache with one version, the signal of its recording, and an unfinished download."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BIDS_DL_CACHE", str(folder))
    monkeypatch.setenv("BIDS_DL_OPENNEURO_GIT", running.git.url)
    monkeypatch.setenv("BIDS_DL_OPENNEURO_S3", running.bucket.url)
    windows = ("--tmin", "0", "--tmax", "1", "--scheduler", "synchronous")
    done = command("convert", ADDRESS, "a.zarr", "--hed", "Eyes-closed", *windows)
    assert done.status == 0, done.err
    part = folder / "objects" / "md5" / "00" / "00ff.part"
    part.parent.mkdir()
    part.write_bytes(bytes(100))
    return folder


def test_versions_unfinished_downloads_and_the_total_are_shown(command, cache):
    description = command("cache", "--json").json
    assert description["cache"] == str(cache)
    [version] = description["versions"]
    assert version["source"] == ADDRESS
    assert version["files"] >= 1
    assert version["last_used"].startswith(time.strftime("%Y-", time.gmtime()))
    assert description["unfinished"] == {"files": 1, "bytes": 100}
    assert description["total"]["bytes"] > version["bytes"] > 100_000
    result = command("cache")
    assert ADDRESS in result.words
    assert "1 of them unfinished, 100 bytes" in result.words


def test_an_absent_cache_is_empty(command, tmp_path):
    result = command("cache", "--cache", tmp_path / "absent")
    assert result.status == 0
    assert "0 files" in result.out
    assert not (tmp_path / "absent").exists()


def test_nothing_is_removed_without_an_option(command, cache):
    before = sorted(cache.rglob("*"))
    command("cache")
    assert sorted(cache.rglob("*")) == before


def test_a_dataset_is_removed_and_said(command, cache):
    result = command("cache", "--remove", f"openneuro:{ACCESSION}")
    assert f"removed: {ADDRESS}," in result.words
    left = command("cache", "--json").json
    assert left["versions"] == []
    assert left["total"] == left["unfinished"]


def test_what_was_used_lately_is_kept_by_age(command, cache):
    assert command("cache", "--older-than", "1d", "--json").json["removed"]["sources"] == []
    [index] = [
        file
        for file in (cache / "datasets" / "openneuro" / ACCESSION).glob("*.json")
        if file.name != "versions.json"
    ]
    long_ago = time.time() - 2 * 86_400
    os.utime(index, (long_ago, long_ago))
    assert command("cache", "--older-than", "1d", "--json").json["removed"]["sources"] == [ADDRESS]


def test_everything_is_removed_but_files_of_others(command, cache):
    (cache / "mine.txt").write_text("keep")
    left = command("cache", "--all", "--json").json
    assert left["versions"] == []
    assert {path.name for path in cache.iterdir()} == {"mine.txt", "in-use.lock"}


def test_a_dataset_that_is_not_in_the_cache_is_refused(command, cache):
    result = command("cache", "--remove", "openneuro:ds000009")
    assert result.status == 2
    assert (
        f"--remove openneuro:ds000009: not in the cache {cache}; it holds {ADDRESS}" in result.err
    )


def test_nothing_is_removed_while_another_command_uses_the_cache(command, cache):
    use = SharedUse(cache)
    use.begin()
    result = command("cache", "--all")
    use.end()
    assert result.status == 2
    assert "another command uses the cache, nothing was removed" in result.err
    assert command("cache", "--all").status == 0


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (("--older-than", "soon"), "--older-than soon: expected hours, days or weeks, such as 30d"),
        (("--all", "--older-than", "1d"), "--all removes everything; leave out"),
    ],
)
def test_wrong_options_are_refused(command, tmp_path, options, fragment):
    assert_refused(command("cache", "--cache", tmp_path / "none", *options), fragment)
