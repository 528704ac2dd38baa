"""A store, or something else, that exists at the destination."""

from __future__ import annotations

import re

import pytest
from conversions import contents, convert

from bids_dl.errors import StoreError
from bids_dl.pipeline.existing_store import read_finished_store
from bids_dl.remote.location import Location


def test_the_same_plan_again_writes_nothing(eegbci, eyes_store):
    before = {path: path.stat().st_mtime_ns for path in eyes_store.rglob("*")}
    outcome = convert(eegbci, eyes_store)
    assert outcome.unchanged
    assert outcome.n_windows == 240
    assert {path: path.stat().st_mtime_ns for path in eyes_store.rglob("*")} == before


def test_a_run_killed_between_its_last_two_writes_leaves_a_finished_store(eegbci, eyes_store):
    before = contents(eyes_store)
    (eyes_store / "unfinished.json").write_text("{}")
    assert convert(eegbci, eyes_store).unchanged
    assert contents(eyes_store) == before


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (
            {"set": {"filter.high": 40}},
            "filter.high of recipe or set: the store has 45.0; requested 40.0",
        ),
        ({"window": 1}, "window: the store has 2.0; requested 1.0"),
        ({"seed": 1}, "seed: the store has 0; requested 1"),
        ({"subject": ["001"]}, "subject: the store has none; requested 001"),
        (
            {"hed": {"eyes_open": "Eyes-open"}},
            "hed: the store has eyes_open, eyes_closed; requested eyes_open",
        ),
        ({"seed": 1, "window": 1, "subject": ["001"]}, "and 2 more: "),
    ],
)
def test_another_plan_is_refused_with_the_differences(eegbci, eyes_store, options, difference):
    with pytest.raises(StoreError, match="finished store of another plan") as refusal:
        convert(eegbci, eyes_store, **options)
    assert difference in str(refusal.value)
    assert len(str(refusal.value).splitlines()) <= 4


def test_a_changed_source_is_another_plan(eegbci_copy, tmp_path):
    convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"])
    edf = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes()[:-2] + b"\x01\x02")
    path = re.escape("files of recordings (ds004362/sub-001/eeg/sub-001_task-motion_run-2)")
    with pytest.raises(StoreError, match=path):
        convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"])
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"], overwrite=True)
    assert outcome.n_windows == 60


@pytest.mark.parametrize(
    ("file", "old", "new", "difference"),
    [
        ("dataset_description.json", '"CC0"', '"CC BY 4.0"', "dataset_description.json"),
        ("task-motion_events.json", "Eyes-open,", "Eyes-open,Quiet,", "events"),
        ("participants.json", "left-handed", "sinistral", "participants"),
    ],
)
def test_everything_that_a_store_repeats_of_its_sources_is_part_of_the_plan(
    eegbci_copy, eyes_store, file, old, new, difference
):
    text = (eegbci_copy / file).read_text()
    assert old in text
    (eegbci_copy / file).write_text(text.replace(old, new))
    with pytest.raises(StoreError, match=f"the sources have changed: {difference}"):
        convert(eegbci_copy, eyes_store)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("thesis.txt", "years of work", "contains 'thesis.txt'"),
        ("zarr.json", "{}", "zarr.json cannot be read"),
        ("zarr.json", '{"attributes": {}}', "another Zarr group"),
    ],
)
def test_a_folder_that_is_not_a_store_is_left_as_it_is(eegbci, tmp_path, file, content, found):
    dest = tmp_path / "work"
    dest.mkdir()
    (dest / file).write_text(content)
    with pytest.raises(StoreError, match=f"is not a bids-dl store .{re.escape(found)}"):
        convert(eegbci, dest, overwrite=True)
    assert contents(dest) == {file: content.encode()}


def test_a_destination_with_the_probe_of_a_killed_run_is_empty(tmp_path):
    (tmp_path / "writable.probe").touch()
    assert read_finished_store(Location(str(tmp_path))) is None
