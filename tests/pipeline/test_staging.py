"""Entries on their way into a store: whole or not at all, in bounded memory, no garbage."""

from __future__ import annotations

import io
import json
import time
import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bids_dl
from bids_dl.datamodel import Failure, StepReport
from bids_dl.pipeline import staging as module
from bids_dl.pipeline.staging import Entry, Staging, staging_for
from bids_dl.remote.location import Location

STEP = StepReport("pick", ("E1",), 0.0, ("note",), 2.5)
ENTRY = Entry(
    (0, 2), ((1, "too late"),), (0.5, 1.5), (1.0, 2.0), (STEP,), ((2, 0, 9, (0, 1)),), (0.25,)
)
SIGNALS = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
EYES = {"hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}, "window": 2, "jobs": 1}


@pytest.fixture(params=["local", "remote"])
def staging(request, tmp_path):
    place = Staging(
        Location(
            str(tmp_path / "a.zarr.staging")
            if request.param == "local"
            else f"memory://{uuid.uuid4().hex}"
        ),
        ours=True,
    )
    place.prepare()
    yield place
    place.location.remove()


def write(staging, key, signals=SIGNALS, entry=ENTRY):
    with staging.writing(key, signals.shape) as writer:
        for rows in ([4, 1], [0], [6, 5, 3, 2]):
            writer(rows, signals[rows])
        writer.entry = entry


def test_what_is_staged_piece_by_piece_is_the_file_that_numpy_saves(staging, monkeypatch):
    monkeypatch.setattr(module, "READ_BYTES", 2 * SIGNALS[0].nbytes)
    write(staging, "a")
    buffer = io.BytesIO()
    np.save(buffer, SIGNALS)
    assert staging.location.read("a.npy") == buffer.getvalue()
    read = list(staging.windows("a"))
    assert [len(piece) for piece in read] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(read), SIGNALS)
    assert staging.read("a") == ENTRY


@given(st.sets(st.integers(0, 6)), st.randoms())
def test_rows_that_never_come_leave_no_gap(rows, random):
    order = sorted(rows)
    random.shuffle(order)
    place = Staging(Location(f"memory://{uuid.uuid4().hex}"), ours=True)
    with place.writing("a", SIGNALS.shape) as writer:
        for row in order:
            writer([row], SIGNALS[[row]])
        writer.entry = ENTRY
    buffer = io.BytesIO()
    np.save(buffer, SIGNALS[sorted(rows)])
    assert place.location.read("a.npy") == buffer.getvalue()
    place.location.remove()


def test_an_entry_that_fails_half_way_is_not_there_and_leaves_nothing(staging):
    with pytest.raises(IndexError), staging.writing("a", SIGNALS.shape) as writer:
        writer([0, 99], SIGNALS[[0, 99]])
    assert staging.read("a") is None
    assert staging.location.list() == []


def test_an_entry_without_a_window_is_an_entry(staging):
    with staging.writing("a", (0, 3, 5)) as writer:
        writer.entry = replace(ENTRY, kept=())
    assert staging.read("a").kept == ()
    assert list(staging.windows("a")) == []


def test_an_entry_of_another_version_is_none(staging):
    write(staging, "a")
    said = json.loads(staging.location.read("a.json"))
    del said["magnitudes"]
    staging.location.write("a.json", json.dumps(said).encode())
    assert staging.read("a") is None


def test_failures_are_kept_as_they_are(staging):
    failure = Failure("ds/sub-1", "read", "broken")
    staging.write_failure("a", failure)
    assert staging.read("a") == failure


def test_a_worker_that_outlives_its_run_does_not_make_the_folder_again(tmp_path):
    gone = Staging(Location(str(tmp_path / "gone")), ours=True)
    with pytest.raises(FileNotFoundError):
        write(gone, "a")
    with pytest.raises(FileNotFoundError, match="the staging folder is gone"):
        gone.write_failure("a", Failure("ds/sub-1", "read", "broken"))
    assert not (tmp_path / "gone").exists()


def test_our_own_folder_goes_with_all_that_is_in_it_and_one_that_was_named_stays(tmp_path):
    for ours in (True, False):
        folder = tmp_path / f"staging{ours}"
        staging = Staging(Location(str(folder)), ours=ours)
        staging.prepare()
        write(staging, "a")
        (folder / "older.json").write_text("{}")
        staging.remove(["a"])
        assert folder.exists() is not ours
    assert [path.name for path in folder.iterdir()] == ["older.json"]


def test_only_entries_of_the_plan_are_kept_in_our_own_folder(staging):
    for key in "abc":
        write(staging, key)
    staging.keep(["b"])
    assert staging.location.list() == ["b.json", "b.npy"]


def test_what_a_killed_run_had_begun_is_removed_in_our_own_folder_only(tmp_path):
    for ours in (True, False):
        part = tmp_path / "a.npy.123.part"
        part.write_bytes(b"half")
        Staging(Location(str(tmp_path)), ours=ours).prepare()
        assert part.exists() is not ours


def test_a_relative_place_means_the_same_on_a_worker_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert staging_for(Location("a.zarr"), "here").location.url == str(tmp_path / "here")
    assert staging_for(Location("a.zarr"), None).location.url == str(tmp_path / "a.zarr.staging")


@pytest.fixture
def stopped(monkeypatch):
    """Conversions stop before they pack, as if they were killed there."""

    def stop(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.convert.pack", stop)
        yield


def test_what_changes_is_staged_again_and_nothing_else(eegbci_copy, tmp_path, stopped):
    folder = tmp_path / "staging"

    def staged(**options):
        with pytest.raises(KeyboardInterrupt):
            bids_dl.convert(
                str(eegbci_copy),
                str(tmp_path / "a.zarr"),
                **EYES | {"staging": str(folder), "subject": ["001", "002"]} | options,
            )
        times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}
        time.sleep(0.02)
        return times

    first = staged()
    assert len(first) == 4
    assert staged() == first
    edf = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes()[:-2] + b"\x01\x02")
    after_source = staged()
    assert len(set(after_source.items()) - set(first.items())) == 1
    assert set(first.items()) < set(after_source.items())
    fewer = staged(subject=["001"], hed={"eyes_closed": "Eyes-closed"})
    assert fewer == after_source
    after_recipe = staged(set={"filter.high": 40})
    assert len(set(after_recipe) - set(after_source)) == 4
    assert set(after_source.items()) < set(after_recipe.items())
    table = eegbci_copy / "sub-002/eeg/sub-002_task-motion_run-1_events.tsv"
    text = table.read_text()
    assert text.splitlines()[1].startswith("0")
    table.write_text(text.replace("\n0", "\n1", 1))
    assert len(set(staged()) - set(after_recipe)) == 1


def test_entries_are_used_by_another_dest_and_garbage_goes_with_the_last_write(
    eegbci, tmp_path, monkeypatch
):
    options = EYES | {"subject": ["001"]}
    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.convert.pack", lambda *_args, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bids_dl.convert(
                str(eegbci), str(tmp_path / "a.zarr"), staging=str(tmp_path / "named"), **options
            )
        with pytest.raises(ZeroDivisionError):
            bids_dl.convert(str(eegbci), str(tmp_path / "b.zarr"), **options)
    assert (
        bids_dl.convert(
            str(eegbci), str(tmp_path / "c.zarr"), staging=str(tmp_path / "named"), **options
        ).reused
        == 2
    )
    assert list((tmp_path / "named").iterdir()) == []
    (tmp_path / "b.zarr.staging" / "0ld.npy").write_bytes(b"of an older version")
    (tmp_path / "b.zarr.staging" / "0ld.npy.77.part").write_bytes(b"half")
    assert bids_dl.convert(str(eegbci), str(tmp_path / "b.zarr"), **options).reused == 2
    assert not (tmp_path / "b.zarr.staging").exists()
    (tmp_path / "b.zarr.staging").mkdir()
    (tmp_path / "b.zarr.staging" / "0ld.json").write_text(
        "left by a run that was killed after its last write"
    )
    assert bids_dl.convert(str(eegbci), str(tmp_path / "b.zarr"), **options).unchanged
    assert not (tmp_path / "b.zarr.staging").exists()
