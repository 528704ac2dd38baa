"""Stores from byte ranges and from whole files are equal, and only the needed bytes are fetched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conversions import contents
from every_format import IN_RANGES, WHOLE, write_every_format
from recording_tasks import staged_windows
from served_dataset import ServedDataset, served_dataset

import bids_dl
from bids_dl import source
from bids_dl.config import parsing
from bids_dl.pipeline.processing.task import Task, make_task
from bids_dl.pipeline.running import fetch
from bids_dl.pipeline.running.fetch import choose_bytes
from bids_dl.pipeline.staging import Staging
from bids_dl.planning.plan import make_plan
from bids_dl.remote.location import Location
from bids_dl.source.fetching import remote_headers, remote_ranges

OPTIONS = {"hed": {"closed": "Eyes-closed"}, "tmin": 0.0, "tmax": 1.0}
GAP_BYTES = 10_000
"""Shortest gap between two ranges in these tests, whose files are small."""


@pytest.fixture(scope="module")
def dataset_root(tmp_path_factory) -> Path:
    return write_every_format(tmp_path_factory.mktemp("formats") / "ds000001")


@pytest.fixture(scope="module")
def served(dataset_root, tmp_path_factory):
    with served_dataset(dataset_root, tmp_path_factory.mktemp("server")) as dataset:
        yield dataset


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(remote_headers, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(remote_headers, "BUFFER_BYTES", 1024)
    monkeypatch.setattr(remote_ranges, "MIN_GAP_BYTES", GAP_BYTES)
    monkeypatch.setattr(fetch, "MIN_SAVED_BYTES", 1000)


def convert(served: ServedDataset, dest: Path, fetch_mode: str, cache: Path, **options) -> None:
    request = {**OPTIONS, **options, **served.options(cache, fetch_mode)}
    outcome = bids_dl.convert(served.address, str(dest), scheduler="synchronous", **request)
    assert outcome.failures == ()


def without_verification(store: Path) -> dict[str, bytes]:
    """Return the content of a store but for how files were verified, and its place in a list."""
    files = contents(store)
    del files["verified.json"]
    manifest = json.loads(files.pop("manifest.json"))["objects"]
    del manifest["verified.json"]
    return files | {"manifest.json": json.dumps(manifest).encode()}


def verified_of(store: Path) -> dict[str, str]:
    """Return how each signal file of a store was verified, by subject."""
    verified: dict[str, str] = {}
    for key, files in json.loads((store / "verified.json").read_text()).items():
        subject = key.split("/")[1].removeprefix("sub-")
        verified[subject] = "ranges" if "ranges" in files.values() else "whole"
    return verified


def test_stores_from_ranges_and_from_whole_files_are_equal(served, tmp_path):
    stores = {}
    for mode in ("ranges", "whole"):
        stores[mode] = tmp_path / f"{mode}.zarr"
        convert(served, stores[mode], mode, tmp_path / f"cache-{mode}")
    assert verified_of(stores["ranges"]) == {
        **dict.fromkeys(IN_RANGES, "ranges"),
        **dict.fromkeys(WHOLE, "whole"),
    }
    assert set(verified_of(stores["whole"]).values()) == {"whole"}
    assert without_verification(stores["ranges"]) == without_verification(stores["whole"])


def make_tasks(
    sources: str, staging_folder: Path, access: source.Access, options: dict = OPTIONS
) -> dict[str, Task]:
    """Make the task of each recording, by subject."""
    plan = make_plan([sources], parsing.parse_request(options), access)
    assert plan.failures == ()
    staging = Staging(Location(str(staging_folder)))
    staging.prepare()
    tasks = {}
    for recording in plan.recordings:
        tasks[recording.subject] = choose_bytes(make_task(plan, recording, staging), access)
    return tasks


def fill_holes(task: Task) -> None:
    """Fill the bytes of partial files that were not fetched with other values than zero."""
    assert task.dataset.remote is not None
    for partial in task.dataset.remote.partial.values():
        content = bytearray(b"\x3f" * partial.path.stat().st_size)
        for start, stop in partial.ranges:
            content[start:stop] = partial.read(start, stop)
        partial.path.write_bytes(content)


def test_windows_do_not_depend_on_the_bytes_that_were_not_fetched(served, dataset_root, tmp_path):
    with served.access(tmp_path / "cache", "ranges") as access:
        remote = make_tasks(served.address, tmp_path / "remote", access)
        local = make_tasks(str(dataset_root), tmp_path / "local", access)
        for subject in IN_RANGES:
            task = remote[subject]
            source.fetch_files(task.dataset, task.dataset.files, access)
            fill_holes(task)
            assert (staged_windows(task) == staged_windows(local[subject])).all(), subject


@pytest.mark.parametrize("subject", IN_RANGES)
def test_of_each_file_the_needed_records_are_sent_and_nothing_twice(served, subject, tmp_path):
    served.reset()
    with served.access(tmp_path / "cache", "ranges") as access:
        plan = make_plan(
            [served.address], parsing.parse_request({**OPTIONS, "subject": [subject]}), access
        )
        n_header = served.n_bytes()
        staging = Staging(Location(str(tmp_path)))
        task = choose_bytes(make_task(plan, plan.recordings[0], staging), access)
        known = plan.survey.partial[plan.recordings[0].key]
        source.fetch_files(task.dataset, task.dataset.files, access, known=known)
    (partial,) = task.dataset.remote.partial.values()
    n_samples = sum(stop - start for start, stop in task.fetched)
    share = n_samples / task.header.n_times
    assert share < 0.3
    needed = share * partial.path.stat().st_size
    assert served.n_bytes() <= n_header + needed + len(partial.ranges) * GAP_BYTES
    assert n_header < 20_000 or subject == "fdt"  # whose .set file is fetched whole


def test_headers_are_enough_to_plan(served, dataset_root, tmp_path):
    served.reset()
    subjects = list(IN_RANGES)
    request = parsing.parse_request({**OPTIONS, "subject": subjects})
    with served.access(tmp_path / "cache") as access:
        remote = make_plan([served.address], request, access)
        local = make_plan([str(dataset_root)], request, access)
    assert served.n_bytes(".eeg") == 0
    assert served.n_bytes(".fdt") == 0
    assert served.n_bytes(".edf") <= 16_384
    assert [vars_of(remote, key) for key in remote.windows] == [
        vars_of(local, key) for key in local.windows
    ]


def vars_of(plan, key: str) -> tuple:
    """Return all that the header of a recording decides in a plan."""
    return plan.survey.headers[key], plan.windows[key], plan.survey.limits[key]


def test_formats_that_need_all_bytes_are_fetched_whole(served, tmp_path):
    with served.access(tmp_path / "cache", "ranges") as access:
        tasks = make_tasks(served.address, tmp_path / "staging", access)
    assert {subject for subject, task in tasks.items() if not task.fetched} == set(WHOLE)


def test_ranges_that_save_enough_are_chosen_without_being_asked_for(served, tmp_path, monkeypatch):
    def chosen() -> set[str]:
        with served.access(tmp_path / "cache") as access:
            tasks = make_tasks(served.address, tmp_path / "staging", access)
        return {subject for subject, task in tasks.items() if task.fetched}

    assert chosen() == set(IN_RANGES)
    monkeypatch.setattr(fetch, "MIN_SAVED_BYTES", 350_000)
    assert chosen() == {*IN_RANGES} - {"edf", "multiplexed"}
    monkeypatch.setattr(fetch, "MAX_SHARE", 0.1)
    assert chosen() == set()


def test_a_file_of_which_all_samples_are_needed_is_fetched_whole(served, tmp_path):
    options = {"whole": True, "window": 1.0}
    with served.access(tmp_path / "cache", "ranges") as access:
        tasks = make_tasks(served.address, tmp_path / "staging", access, options)
    assert not any(task.fetched for task in tasks.values())


def test_an_hour_is_fetched_in_ranges_by_default(tmp_path, monkeypatch):
    monkeypatch.undo()  # the sizes of small files
    root = write_every_format(tmp_path / "x", n_seconds=3600, subjects=["bdf", "multiplexed"])
    with served_dataset(root, tmp_path) as served, served.access(tmp_path / "cache") as access:
        remote = make_tasks(served.address, tmp_path / "remote", access)
        local = make_tasks(str(root), tmp_path / "local", access)
        for subject, ending in (("bdf", ".bdf"), ("multiplexed", ".eeg")):
            task = remote[subject]
            source.fetch_files(task.dataset, task.dataset.files, access)
            (partial,) = task.dataset.remote.partial.values()
            n_samples = sum(stop - start for start, stop in task.fetched)
            needed = n_samples / task.header.n_times * partial.path.stat().st_size
            assert needed <= served.n_bytes(ending) < needed + 1e6 * len(partial.ranges)
            assert len(partial.ranges) == 3
            assert (staged_windows(task) == staged_windows(local[subject])).all()


def test_a_whole_file_in_the_cache_is_not_fetched_again_in_ranges(served, tmp_path):
    for mode, expected in (("whole", {"whole"}), ("ranges", {"whole"})):
        served.reset()
        store = tmp_path / f"{mode}.zarr"
        convert(served, store, mode, tmp_path / "cache", subject=["edf", "set"])
        assert set(verified_of(store).values()) == expected
    assert served.n_bytes() == 0


def test_a_store_from_ranges_is_written_again_without_the_servers(served, tmp_path):
    cache = tmp_path / "cache"
    subjects = {"subject": ["edf", "set", "fdt", "vectorized", "edfplus"]}
    convert(served, tmp_path / "a.zarr", "ranges", cache, **subjects)
    served.reset()
    convert(served, tmp_path / "b.zarr", "ranges", cache, **subjects)
    assert served.bucket.requests == []
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")


def test_ranges_of_a_file_that_only_an_unversioned_address_provides_are_not_chosen(
    dataset_root, served, tmp_path
):
    with served.access(tmp_path / "cache") as access:
        plan = make_plan(
            [served.address], parsing.parse_request({**OPTIONS, "subject": ["edf"]}), access
        )
        task = make_task(plan, plan.recordings[0], Staging(Location(str(tmp_path))))
        (file,) = task.dataset.remote.partial
        remote_file = task.dataset.remote.by_path[file]
        plain = replace(remote_file, urls=(remote_file.urls[-1].partition("?")[0],))
        by_path = {**task.dataset.remote.by_path, file: plain}
        remote = replace(task.dataset.remote, by_path=by_path)
        changed = replace(task, dataset=replace(task.dataset, remote=remote))
        assert choose_bytes(task, access).fetched
        assert not choose_bytes(changed, access).fetched


def write_many(root: Path, n_recordings: int) -> Path:
    """Write a dataset of text files and small files in place of signals."""
    for number in range(n_recordings):
        folder = root / f"sub-{number:04}" / "eeg"
        folder.mkdir(parents=True)
        stem = f"{folder}/sub-{number:04}_task-x"
        Path(f"{stem}_events.tsv").write_text(
            f"onset\tduration\ttrial_type\n{1 + number / 1000:.3f}\t1\tclosed\n9\t1\topen\n"
        )
        Path(f"{stem}_eeg.json").write_text(
            json.dumps({"TaskName": "x", "SamplingFrequency": 200, "RecordingDuration": 60})
        )
        Path(f"{stem}_eeg.edf").write_bytes(number.to_bytes(2, "big"))
    sidecar = {"trial_type": {"HED": {"closed": "Eyes-closed", "open": "Eyes-open"}}}
    (root / "task-x_events.json").write_text(json.dumps(sidecar))
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "x", "BIDSVersion": "1.10.0", "HEDVersion": "8.3.0"})
    )
    return root


def test_a_dry_run_of_many_recordings_takes_few_requests_and_no_signal(tmp_path):
    root = write_many(tmp_path / "x", 300)
    with served_dataset(root, tmp_path) as served:
        options = served.options(tmp_path / "cache")
        found = bids_dl.events(served.address, **OPTIONS, **options)
        assert len(found.events) == 300
        assert len(served.git.requests) + len(served.bucket.requests) <= 10
        assert served.bucket.requests == []


def test_a_dry_run_reads_headers_where_no_length_is_stated(served, tmp_path):
    served.reset()
    options = served.options(tmp_path / "cache")
    found = bids_dl.events(
        served.address, hed={"closed": "Eyes-closed"}, window=0.5, subject=["edf", "fdt"], **options
    )
    assert found.planned_windows
    assert served.n_bytes(".fdt") == 0
    assert served.n_bytes(".edf") <= 16_384


def test_a_conversion_fetches_its_recordings_alone_and_nothing_twice(tmp_path):
    root = tmp_path / "x"
    for number in range(20):
        write_every_format(root, n_seconds=60, subjects=["edf"])
        (root / "sub-edf").rename(root / f"sub-{number:02}")
        for file in (root / f"sub-{number:02}/eeg").iterdir():
            file.rename(file.with_name(file.name.replace("edf_", f"{number:02}_")))
        signal = root / f"sub-{number:02}/eeg/sub-{number:02}_task-x_eeg.edf"
        signal.write_bytes(signal.read_bytes()[:-1] + bytes([number]))
    with served_dataset(root, tmp_path) as served:
        convert(served, tmp_path / "a.zarr", "ranges", tmp_path / "cache", subject=["03", "17"])
        fetched = {path.split("/")[1] for path in served.bucket.requests}
        size = (root / "sub-03/eeg/sub-03_task-x_eeg.edf").stat().st_size
        assert fetched == {"sub-03", "sub-17"}
        assert served.n_bytes() < 2 * size
