"""Staging: entries are complete or absent, in bounded memory, and leave no garbage."""

from __future__ import annotations

import io
import json
import time
import uuid
from dataclasses import replace

import numpy as np
import pytest
from conversions import convert
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.datamodel import Failure, StepReport
from bids_dl.pipeline import staging as module
from bids_dl.pipeline.staging import (
    DropoutRun,
    DroppedWindow,
    Staging,
    StagingEntry,
    locate_staging,
)
from bids_dl.remote.location import Location

ENTRY = StagingEntry(
    kept=(0, 2),
    dropped=(DroppedWindow(1, "reject", "too loud"), DroppedWindow(3, "", "too late")),
    mean=(0.5, 1.5),
    std=(1.0, 2.0),
    steps=(StepReport("pick", ("E1",), 0.0, ("note",), 2.5),),
    dropout_runs=(DropoutRun(2, 0, 9, (0, 1)),),
    spectrum_before=(0.25,),
)
SIGNALS = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
FAILURE = Failure("ds/sub-1", "read", "broken")


@pytest.fixture(params=["local", "remote"])
def staging(request, tmp_path):
    """An owned, empty staging folder."""
    urls = {
        "local": str(tmp_path / "a.zarr.staging"),
        "remote": f"memory://{uuid.uuid4().hex}",
    }
    folder = Staging(Location(urls[request.param]), is_owned=True)
    folder.prepare()
    yield folder
    folder.location.remove()


def write(staging, key, signals=SIGNALS, entry=ENTRY):
    with staging.write_entry(key, signals.shape) as writer:
        for rows in ([4, 1], [0], [6, 5, 3, 2]):
            writer.write(rows, signals[rows])
        writer.entry = entry


def npy_bytes(signals):
    buffer = io.BytesIO()
    np.save(buffer, signals)
    return buffer.getvalue()


def test_an_entry_written_in_parts_is_the_file_that_numpy_saves(staging, monkeypatch):
    monkeypatch.setattr(module, "READ_BYTES", 2 * SIGNALS[0].nbytes)
    write(staging, "a")
    assert staging.location.read("a.npy") == npy_bytes(SIGNALS)
    batches = list(staging.read_windows("a"))
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), SIGNALS)
    assert staging.read_entry("a") == ENTRY


def test_an_entry_is_read_back_with_its_types(staging):
    write(staging, "a")
    entry = staging.read_entry("a")
    assert [window.message for window in entry.dropped] == ["reject: too loud", "too late"]
    assert entry.dropout_runs[0].channels == (0, 1)
    assert entry.steps[0].channels == ("E1",)


@given(st.sets(st.integers(0, 6)), st.randoms())
def test_rows_that_are_never_written_leave_no_gap(rows, random):
    order = sorted(rows)
    random.shuffle(order)
    staging = Staging(Location(f"memory://{uuid.uuid4().hex}"), is_owned=True)
    with staging.write_entry("a", SIGNALS.shape) as writer:
        for row in order:
            writer.write([row], SIGNALS[[row]])
        writer.entry = ENTRY
    assert staging.location.read("a.npy") == npy_bytes(SIGNALS[sorted(rows)])
    staging.location.remove()


def test_an_entry_that_fails_while_it_is_written_is_absent_and_leaves_nothing(staging):
    with pytest.raises(IndexError), staging.write_entry("a", SIGNALS.shape) as writer:
        writer.write([0, 99], SIGNALS[[0, 99]])
    assert staging.read_entry("a") is None
    assert staging.location.list() == []


def test_an_entry_without_windows_can_be_read(staging):
    with staging.write_entry("a", (0, 3, 5)) as writer:
        writer.entry = replace(ENTRY, kept=())
    assert staging.read_entry("a").kept == ()
    assert list(staging.read_windows("a")) == []


@pytest.mark.parametrize("version", [None, 1, module.STAGING_VERSION + 1])
def test_an_entry_of_another_version_is_absent(staging, version):
    write(staging, "a")
    content = json.loads(staging.location.read("a.json"))
    content["version"] = version
    if version is None:  # as version 1 wrote it
        del content["version"]
    staging.location.write("a.json", json.dumps(content).encode())
    assert staging.read_entry("a") is None


def test_dropout_masks_have_the_runs_of_their_windows(monkeypatch):
    monkeypatch.setattr(module, "READ_BYTES", 15)
    masks = np.concatenate(list(ENTRY.dropout_masks((3, 12))))
    expected = np.zeros((2, 3, 12), dtype=bool)
    expected[1, :2, :9] = True
    np.testing.assert_array_equal(masks, expected)


def test_a_failure_is_read_back(staging):
    staging.write_failure("a", FAILURE)
    assert staging.read_entry("a") == FAILURE


def test_a_worker_that_outlives_its_run_does_not_create_the_folder_again(tmp_path):
    removed = Staging(Location(str(tmp_path / "removed")), is_owned=True)
    with pytest.raises(FileNotFoundError):
        write(removed, "a")
    with pytest.raises(FileNotFoundError, match="the staging folder is gone"):
        removed.write_failure("a", FAILURE)
    assert not (tmp_path / "removed").exists()


@pytest.mark.parametrize("is_owned", [True, False])
def test_only_an_owned_folder_is_removed_with_its_other_entries(tmp_path, is_owned):
    folder = tmp_path / "staging"
    staging = Staging(Location(str(folder)), is_owned=is_owned)
    staging.prepare()
    write(staging, "a")
    (folder / "older.json").write_text("{}")
    staging.remove(["a"])
    assert folder.exists() is not is_owned
    if not is_owned:
        assert [path.name for path in folder.iterdir()] == ["older.json"]


def test_keep_only_removes_the_entries_of_other_plans(staging):
    for key in "abc":
        write(staging, key)
    staging.keep_only(["b"])
    assert staging.location.list() == ["b.json", "b.npy"]


@pytest.mark.parametrize("is_owned", [True, False])
def test_unfinished_files_of_a_killed_run_are_removed_from_an_owned_folder_only(tmp_path, is_owned):
    part = tmp_path / "a.npy.123.part"
    part.write_bytes(b"half")
    Staging(Location(str(tmp_path)), is_owned=is_owned).prepare()
    assert part.exists() is not is_owned


def test_a_relative_staging_folder_is_resolved_for_workers_in_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dest = Location("a.zarr")
    assert locate_staging(dest, "here").location.url == str(tmp_path / "here")
    assert locate_staging(dest, None).location.url == str(tmp_path / "a.zarr.staging")


@pytest.fixture
def no_packing(monkeypatch):
    """Conversions stop before they pack, as if they were killed there."""

    def stop(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.convert.pack", stop)
        yield


def test_only_changed_recordings_are_staged_again(eegbci_copy, tmp_path, no_packing):
    folder = tmp_path / "staging"

    def stage(**options):
        options = {"staging": str(folder), "subject": ["001", "002"], **options}
        with pytest.raises(KeyboardInterrupt):
            convert(eegbci_copy, tmp_path / "a.zarr", **options)
        times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}
        time.sleep(0.02)
        return times

    first = stage()
    assert len(first) == 4
    assert stage() == first
    edf = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes()[:-2] + b"\x01\x02")
    after_source = stage()
    assert len(set(after_source.items()) - set(first.items())) == 1
    assert set(first.items()) < set(after_source.items())
    assert stage(subject=["001"], hed={"eyes_closed": "Eyes-closed"}) == after_source
    after_recipe = stage(set={"filter.high": 40})
    assert len(set(after_recipe) - set(after_source)) == 4
    assert set(after_source.items()) < set(after_recipe.items())
    table = eegbci_copy / "sub-002/eeg/sub-002_task-motion_run-1_events.tsv"
    text = table.read_text()
    assert text.splitlines()[1].startswith("0")
    table.write_text(text.replace("\n0", "\n1", 1))
    assert len(set(stage()) - set(after_recipe)) == 1


@pytest.fixture
def staged_only(eegbci, tmp_path, monkeypatch):
    """Two staged recordings of a conversion to b.zarr, and the same in the folder `named`."""
    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.convert.pack", lambda *_args, **_options: 1 / 0)
        for options in ({"staging": str(tmp_path / "named")}, {}):
            with pytest.raises(ZeroDivisionError):
                convert(eegbci, tmp_path / "b.zarr", subject=["001"], **options)


def test_entries_are_reused_by_another_destination(eegbci, tmp_path, staged_only):
    named = tmp_path / "named"
    outcome = convert(eegbci, tmp_path / "c.zarr", subject=["001"], staging=str(named))
    assert outcome.reused == 2
    assert list(named.iterdir()) == []


def test_a_finished_conversion_leaves_no_staging_folder(eegbci, tmp_path, staged_only):
    folder = tmp_path / "b.zarr.staging"
    (folder / "0ld.npy").write_bytes(b"of an older version")
    (folder / "0ld.npy.77.part").write_bytes(b"half")
    assert convert(eegbci, tmp_path / "b.zarr", subject=["001"]).reused == 2
    assert not folder.exists()
    folder.mkdir()
    (folder / "0ld.json").write_text("left by a run that was killed after its last write")
    assert convert(eegbci, tmp_path / "b.zarr", subject=["001"]).unchanged
    assert not folder.exists()
