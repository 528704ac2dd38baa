"""Files and bytes to fetch, known before any request."""

from __future__ import annotations

from pathlib import Path

import pytest

from bids_dl.datamodel import Recording
from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch_size import FetchSize, listed_files, measure_fetch
from bids_dl.source.fetching.remote_files import RemoteFiles


def make_remote_dataset(cache: ObjectCache, sizes: dict[str, int]) -> Dataset:
    files = {path: RemoteFile(size, "md5", f"{size:032x}") for path, size in sizes.items()}
    return Dataset(Path("ds"), "ds", {}, tuple(sorted(files)), remote=RemoteFiles(cache, files))


def recording_of(signal: str | None) -> Recording:
    return Recording("ds", "sub-1/eeg/sub-1", "1", "", "", "", "eeg", signal=signal)


@pytest.mark.parametrize(
    ("signal", "others", "left_out"),
    [
        ("sub-1_eeg.vhdr", ["sub-1_eeg.eeg", "sub-1_eeg.vmrk"], ["sub-1_task-x_eeg.eeg"]),
        ("sub-1_eeg.set", ["sub-1_eeg.fdt"], ["sub-10_eeg.fdt", "sub-1_eeg2.fdt"]),
        ("sub-1_split-01_meg.fif", ["sub-1_split-02_meg.fif"], ["sub-2_split-02_meg.fif"]),
        ("sub-1_eeg.edf", [], ["sub-1_ieeg.edf"]),
    ],
)
def test_the_files_of_a_recording_differ_in_their_extension_only(
    tmp_path, signal, others, left_out
):
    names = [signal, *others, *left_out]
    sizes = {f"sub-1/eeg/{name}": number for number, name in enumerate(names, 1)}
    dataset = make_remote_dataset(ObjectCache(tmp_path), sizes)
    found = listed_files(dataset, recording_of(f"sub-1/eeg/{signal}"))
    assert sorted(found) == sorted(f"sub-1/eeg/{name}" for name in (signal, *others))


def test_a_recording_without_signal_needs_nothing(tmp_path):
    dataset = make_remote_dataset(ObjectCache(tmp_path), {})
    assert listed_files(dataset, recording_of(None)) == ()


def test_files_in_the_cache_and_parts_of_downloads_are_not_fetched(tmp_path):
    cache = ObjectCache(tmp_path)
    dataset = make_remote_dataset(cache, {"a": 100, "b": 200, "c": 300})
    for name, content in (("a", bytes(100)), ("b", bytes(50))):
        path = cache.path_of(dataset.remote.by_path[name])
        path = path if name == "a" else path.with_name(f"{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    needed = [(dataset, ("a",)), (dataset, ("b", "c"))]
    assert measure_fetch(needed) == FetchSize(1, 2, 450, 150)


def test_a_file_that_two_recordings_need_counts_once(tmp_path):
    dataset = make_remote_dataset(ObjectCache(tmp_path), {"a": 100, "b": 100})
    assert measure_fetch([(dataset, ("a",)), (dataset, ("b",))]) == FetchSize(1, 1, 100, 0)


def test_a_local_folder_needs_nothing():
    size = measure_fetch([(Dataset(Path("ds"), "ds", {}, ("a",)), ("a",))])
    assert size == FetchSize()
    assert not size.is_remote


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (FetchSize(1, 1, 10), "to fetch: 1 file of 1 recording, 10 bytes"),
        (FetchSize(cached_bytes=20), "to fetch: nothing, all 20 bytes are in the cache"),
        (
            FetchSize(2, 3, 10, 20),
            "to fetch: 3 files of 2 recordings, 10 bytes; 20 bytes more are in the cache",
        ),
    ],
)
def test_the_files_to_fetch_are_one_line(size, text):
    assert size.describe() == text
