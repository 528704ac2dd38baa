"""Checksums of the files of a recording, and changes while it is converted."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source import find_recordings, hash_source_files, open_dataset, unchanged_files
from bids_dl.source.fetching.remote_files import RemoteFiles
from bids_dl.source.recordings.hashing import HashedFiles, with_partial_states
from bids_dl.testing import make_dataset

CHANGED = "has changed since it was planned; .*convert again with --overwrite"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A dataset with one BrainVision recording, whose files are not recent."""
    folder = tmp_path_factory.mktemp("dataset")
    return make_dataset(
        folder / "ds", n_subjects=1, n_blocks=2, block_duration=5, format="brainvision"
    ).root


@pytest.fixture
def planned(template, tmp_path):
    """Return a copy of the dataset, and its files as they were hashed."""
    root = Path(shutil.copytree(template, tmp_path / "ds"))
    dataset = open_dataset(str(root))
    [recording] = find_recordings(dataset, SourceConfig())
    return dataset, hash_source_files(dataset, recording)


def as_settled(hashed):
    """Return the same files, as if their last change were long before they were hashed."""
    states = {name: state._replace(is_settled=True) for name, state in hashed.states.items()}
    return HashedFiles(hashed.digests, states)


def read(dataset, hashed, work):
    """Call a function while the files of a recording are read."""
    with unchanged_files(dataset, hashed):
        work()


def rewrite(path, random):
    """Write other bytes of the same length."""
    content = path.read_bytes()
    place = random.randrange(len(content))
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def rewrite_with_old_times(path, random):
    """Write other bytes, and set the former times, as rsync does."""
    status = path.stat()
    rewrite(path, random)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def exchange(path, random):
    """Put another file in the place of a file, with its length and its times."""
    other = path.with_name("other")
    shutil.copy2(path, other)
    rewrite_with_old_times(other, random)
    other.replace(path)


def cut(path, random):
    path.write_bytes(path.read_bytes()[: random.randrange(1, path.stat().st_size)])


def lengthen(path, random):
    path.write_bytes(path.read_bytes() + random.randbytes(9))


def remove(path, _random):
    path.unlink()


CHANGES = (rewrite, rewrite_with_old_times, exchange, cut, lengthen, remove)


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("is_settled", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_file_is_a_transient_failure(planned, change, is_settled, moment):
    dataset, hashed = planned
    if is_settled:
        hashed = as_settled(hashed)
    random = Random(f"{change.__name__} {moment}")
    file = random.choice(sorted(hashed.digests))
    time.sleep(0.01)
    path = dataset.path(file)
    if moment == "before":
        change(path, random)
    with pytest.raises(RecordingError) as failure:
        read(dataset, hashed, lambda: change(path, random) if moment == "meanwhile" else None)
    assert (failure.value.stage, failure.value.transient) == ("source", True)
    assert failure.value.reason.startswith(file)


def test_headers_tables_and_sidecars_are_among_the_files_that_are_checked(planned):
    _, hashed = planned
    endings = {Path(file).name.rpartition("_")[2] for file in hashed.digests}
    assert endings >= {"eeg.vhdr", "eeg.eeg", "eeg.vmrk", "channels.tsv", "eeg.json"}


@pytest.mark.parametrize("change", [exchange, rewrite])
def test_a_file_that_changes_and_is_put_back_meanwhile_is_a_failure(planned, change):
    dataset, hashed = planned
    path = dataset.path(next(file for file in hashed.digests if file.endswith(".eeg")))
    kept = path.with_name("kept")

    def change_and_put_back():
        shutil.copy2(path, kept)
        change(path, Random(0))
        kept.replace(path)

    with pytest.raises(RecordingError, match=CHANGED):
        read(dataset, hashed, change_and_put_back)


def test_a_change_with_equal_size_and_times_is_found_if_the_times_are_recent(planned):
    dataset, hashed = planned
    file = next(file for file in hashed.digests if file.endswith(".eeg"))
    rewrite(dataset.path(file), Random(0))
    # as on a file system that rounds times
    status = dataset.path(file).stat()
    states = dict(hashed.states)
    states[file] = states[file]._replace(
        mtime_ns=status.st_mtime_ns, ctime_ns=status.st_ctime_ns, is_settled=False
    )
    with (
        pytest.raises(RecordingError, match=CHANGED),
        unchanged_files(dataset, HashedFiles(hashed.digests, states)),
    ):
        pass


def test_a_change_explains_an_error_of_the_reader(planned):
    dataset, hashed = planned
    path = dataset.path(next(file for file in hashed.digests if file.endswith(".eeg")))

    def cut_and_fail():
        cut(path, Random(0))
        raise RecordingError("read", "the file is too short")

    with pytest.raises(RecordingError, match=CHANGED):
        read(dataset, hashed, cut_and_fail)


def test_other_times_of_equal_content_are_no_change(planned):
    dataset, hashed = planned
    for file in hashed.digests:
        os.utime(dataset.path(file), (1_000, 1_000))
    with unchanged_files(dataset, as_settled(hashed)):
        pass


def test_unchanged_files_are_not_read_again(planned, monkeypatch):
    dataset, hashed = planned
    for name in hashed.states:
        assert not hashed.states[name].is_settled  # the copy is recent
    monkeypatch.setattr("bids_dl.source.file_state.SETTLED_SECONDS", -1.0)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_args: 1 / 0)
    with unchanged_files(dataset, as_settled(hashed)):
        pass


def test_a_file_that_changes_while_it_is_hashed_is_a_transient_failure(planned, monkeypatch):
    dataset, _ = planned
    [recording] = find_recordings(dataset, SourceConfig())
    file_digest = hashlib.file_digest

    def hash_and_change(file, *args):
        digest = file_digest(file, *args)
        if file.name.endswith(".eeg"):
            rewrite(Path(file.name), Random(0))
        return digest

    monkeypatch.setattr(hashlib, "file_digest", hash_and_change)
    with pytest.raises(RecordingError, match=CHANGED) as failure:
        hash_source_files(dataset, recording)
    assert failure.value.transient


@pytest.fixture
def cached(tmp_path, planned):
    """Return a dataset whose signal is in a cache, the name of its signal, and a function."""
    dataset, hashed = planned
    file = next(file for file in hashed.digests if file.endswith(".eeg"))
    content = dataset.path(file).read_bytes()
    remote_file = RemoteFile(len(content), "md5", hashlib.md5(content).hexdigest())
    remote = RemoteFiles(ObjectCache(tmp_path / "cache"), {file: remote_file}, root=dataset.root)
    path = remote.cache.path_of(remote_file)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    dataset.path(file).unlink()
    return replace(dataset, remote=remote), file


def test_a_cached_file_that_changes_after_the_plan_is_a_failure_and_one_that_is_used_is_not(cached):
    dataset, file = cached
    [recording] = find_recordings(dataset, SourceConfig())
    hashed = hash_source_files(dataset, recording)
    os.utime(dataset.path(file), (time.time() + 5, dataset.path(file).stat().st_mtime))
    with unchanged_files(dataset, hashed):
        pass
    rewrite(dataset.path(file), Random(0))
    with pytest.raises(RecordingError, match=CHANGED), unchanged_files(dataset, hashed):
        pass
    assert not dataset.path(file).exists()


def test_a_file_that_arrives_after_the_plan_has_the_size_that_its_archive_states(cached):
    dataset, file = cached
    [recording] = find_recordings(dataset, SourceConfig())
    path = dataset.path(file)
    content = path.read_bytes()
    path.unlink()
    hashed = hash_source_files(dataset, recording)
    path.write_bytes(content)
    with unchanged_files(dataset, hashed):
        pass
    path.write_bytes(content[:-1])
    with pytest.raises(RecordingError, match=CHANGED), unchanged_files(dataset, hashed):
        pass


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_partial_file_that_changes_is_a_failure_and_forgotten(cached, change, moment):
    dataset, file = cached
    [recording] = find_recordings(dataset, SourceConfig())
    path = dataset.path(file)
    content = path.read_bytes()
    remote_file = dataset.remote.by_path[file]
    partial = dataset.remote.cache.partial_file(remote_file, [(0, 400)])
    path.unlink()
    hashed = hash_source_files(dataset, recording)
    partial.path.parent.mkdir(parents=True)
    partial.path.write_bytes(content[:400] + bytes(len(content) - 400))
    dataset = replace(dataset, remote=replace(dataset.remote, partial={file: partial}))
    with unchanged_files(dataset, hashed):
        pass
    if change is rewrite_with_old_times:
        change = rewrite  # the attributes of a cached file are not compared
    time.sleep(0.01)
    if moment == "before":
        hashed = with_partial_states(dataset, hashed)
        change(partial.path, Random(0))
    with pytest.raises(RecordingError, match=CHANGED):
        read(dataset, hashed, lambda: moment == "before" or change(partial.path, Random(0)))
    assert not partial.path.exists()
