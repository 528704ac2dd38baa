"""Cached headers are used only while no file that they were read from has changed."""

from __future__ import annotations

import json
import multiprocessing
import os
import time

import numpy as np
import pytest
from signal_files import write_recording, write_set

from bids_dl.source import HeaderCache, header_cache, open_dataset, read_header_with_notes, signal
from bids_dl.source.header_cache import states_of_header

WALK = np.random.default_rng(0).normal(scale=30, size=(3, 500)).astype("f4")
TABLE = "name\ttype\tunits\nFz\tEEG\tuV\nCz\tEEG\tuV\nPz\tEEG\tuV\n"
OLD = time.time() - 1000


@pytest.fixture
def recorded(tmp_path):
    """Dataset with an EEGLAB recording, whose header MNE has to read, and the recording."""
    path = write_set(tmp_path / "x.set", WALK, boundaries=(250.5,))
    return write_recording(tmp_path / "ds", {"_eeg.set": path})


@pytest.fixture
def settled(monkeypatch):
    """Files count as settled at once, so that a test need not wait."""
    monkeypatch.setattr("bids_dl.source.file_state.SETTLED_SECONDS", -1000.0)


@pytest.fixture
def reads(monkeypatch):
    """The recordings that MNE reads."""
    read = []
    with_mne = signal._read_header_with_mne

    def record(dataset, recording):
        read.append(recording.path)
        return with_mne(dataset, recording)

    monkeypatch.setattr(signal, "_read_header_with_mne", record)
    return read


def read_through(folder, dataset, recording):
    cache = HeaderCache(folder, dataset)
    report = read_header_with_notes(dataset, recording, cache)
    cache.save()
    return report


def test_a_header_is_read_once_and_is_equal_then(tmp_path, recorded, settled, reads):
    first = read_through(tmp_path / "cache", *recorded)
    again = read_through(tmp_path / "cache", *recorded)
    assert first == again == read_header_with_notes(*recorded)
    assert first.header.boundaries == (2.5,)
    assert len(reads) == 2  # the last one is without a cache
    [file] = (tmp_path / "cache" / "headers").iterdir()
    assert str(recorded[0].root) not in file.read_text()


def test_a_file_of_another_size_is_read_again(tmp_path, recorded, settled, reads):
    dataset, recording = recorded
    assert read_through(tmp_path / "cache", *recorded).header.n_times == 500
    path = write_set(tmp_path / "y.set", WALK[:, :400])
    dataset.path(recording.signal).write_bytes(path.read_bytes())
    assert read_through(tmp_path / "cache", *recorded).header.n_times == 400
    assert len(reads) == 2


def test_other_content_of_equal_size_and_restored_time_is_read_again(
    tmp_path, recorded, settled, reads
):
    dataset, recording = recorded
    path = dataset.path(recording.signal)
    os.utime(path, (OLD, OLD))
    before = path.stat()
    read_through(tmp_path / "cache", *recorded)
    content = write_set(tmp_path / "y.set", WALK, boundaries=(150.5,)).read_bytes()
    assert len(content) == before.st_size
    with path.open("r+b") as file:  # the same file, so that its inode is equal
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        (before.st_size, before.st_mtime_ns, before.st_ino)
    )
    assert read_through(tmp_path / "cache", *recorded).header.boundaries == (1.5,)
    assert len(reads) == 2


def test_a_table_that_is_added_or_changed_is_read(tmp_path, recorded, settled, reads):
    dataset, recording = recorded
    read_through(tmp_path / "cache", *recorded)
    table = dataset.root / f"{recording.path}_channels.tsv"
    names = read_header_with_notes(*recorded).header.ch_names
    for ch_type in ("EOG", "ECG"):
        rows = "".join(f"{name}\t{ch_type}\n" for name in names)
        table.write_text(f"name\ttype\n{rows}")
        dataset = open_dataset(str(dataset.root))
        report = read_through(tmp_path / "cache", dataset, recording)
        assert set(report.header.ch_types) == {ch_type.lower()}


def test_a_file_that_was_written_just_now_is_not_cached(tmp_path, recorded, reads):
    for _ in range(2):
        read_through(tmp_path / "cache", *recorded)
    assert len(reads) == 2
    assert not (tmp_path / "cache" / "headers").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b'"n_times":500', b'"n_times":600'),
        lambda content: b"\xff" + content,
        lambda _: b"[" * 100_000,
        lambda _: json.dumps({"sub-1/eeg/sub-1_task-x": 5}).encode(),
    ],
)
def test_a_damaged_cache_counts_as_empty_and_is_written_again(
    tmp_path, recorded, settled, reads, damage
):
    read_through(tmp_path / "cache", *recorded)
    [file] = (tmp_path / "cache" / "headers").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert read_through(tmp_path / "cache", *recorded).header.n_times == 500
    assert len(reads) == 2
    read_through(tmp_path / "cache", *recorded)
    assert len(reads) == 2


def test_headers_of_other_software_are_not_used(tmp_path, recorded, settled, reads, monkeypatch):
    read_through(tmp_path / "cache", *recorded)
    monkeypatch.setattr(header_cache, "version", lambda name: f"{name} 0.0")
    read_through(tmp_path / "cache", *recorded)
    assert len(reads) == 2


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path, recorded, settled, reads):
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    for _ in range(2):
        assert read_through(blocked, *recorded).header.n_times == 500
    assert len(reads) == 2


def test_only_the_newest_headers_and_datasets_are_kept(tmp_path, recorded, settled, monkeypatch):
    monkeypatch.setattr(header_cache, "MAX_DATASETS", 2)
    folder = tmp_path / "cache" / "headers"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.json").write_text("")
        os.utime(folder / f"{number}.json", (OLD + number, OLD + number))
    read_through(tmp_path / "cache", *recorded)
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 2
    assert names[0] == "2.json" or names[1] == "2.json"


def _read_often(folder, root, path):
    from bids_dl.config.stages import SourceConfig
    from bids_dl.source import file_state, find_recordings

    file_state.SETTLED_SECONDS = -1000.0
    dataset = open_dataset(root)
    [recording] = find_recordings(dataset, SourceConfig())
    for _ in range(15):
        report = read_header_with_notes(dataset, recording)
        cache = HeaderCache(folder, dataset)
        states = states_of_header(dataset, recording)
        cached = cache.load(recording, states)
        assert cached in (None, report)
        cache.add(recording, states, report)
        cache.save()


def test_two_processes_use_one_cache(tmp_path, recorded):
    dataset, recording = recorded
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "cache", str(dataset.root), recording.path)
    processes = [context.Process(target=_read_often, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    [file] = (tmp_path / "cache" / "headers").iterdir()
    assert file.suffix == ".json"
