"""Staging: entries are complete or absent, in bounded memory, and leave no garbage."""

from __future__ import annotations

import io
import json
import os
import stat
import time
import uuid
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from conversions import contents, convert
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.datamodel import Failure, StepReport
from bids_dl.errors import DamagedEntryError, StoreError
from bids_dl.pipeline import entry_file
from bids_dl.pipeline import staging as module
from bids_dl.pipeline.packing.pack import pack
from bids_dl.pipeline.processing import process
from bids_dl.pipeline.staging import MARK, Staging, locate_staging
from bids_dl.pipeline.staging_entry import (
    DropoutRun,
    DroppedWindow,
    ElectrodePositions,
    StagingEntry,
)
from bids_dl.remote.location import Location

ENTRY = StagingEntry(
    kept=(0, 2, 4, 5, 6, 7, 8),
    dropped=(DroppedWindow(1, "reject", "too loud"), DroppedWindow(3, "", "too late")),
    mean=(0.5, 1.5),
    std=(1.0, 2.0),
    steps=(StepReport("pick", ("E1",), 0.0, ("note",), 2.5),),
    dropout_runs=(DropoutRun(2, 0, 9, (0, 1)),),
    spectrum_before=(0.25,),
    electrodes=ElectrodePositions("standard_1005", ((0.125, 0.0, -0.1), None)),
)
SIGNALS = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
A, B, C = (letter * 64 for letter in "abc")  # keys of entries
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
    monkeypatch.setattr(entry_file, "BATCH_BYTES", 2 * SIGNALS[0].nbytes)
    write(staging, A)
    assert staging.location.read(f"{A}.npy") == npy_bytes(SIGNALS)
    batches = list(staging.read_windows(A))
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), SIGNALS)
    assert staging.read_entry(A) == ENTRY


def test_an_entry_is_read_back_with_its_types(staging):
    write(staging, A)
    entry = staging.read_entry(A)
    assert [window.message for window in entry.dropped] == ["reject: too loud", "too late"]
    assert entry.dropout_runs[0].channels == (0, 1)
    assert entry.steps[0].channels == ("E1",)


@given(st.sets(st.integers(0, 6)), st.randoms())
def test_rows_that_are_never_written_leave_no_gap(rows, random):
    order = sorted(rows)
    random.shuffle(order)
    staging = Staging(Location(f"memory://{uuid.uuid4().hex}"), is_owned=True)
    with staging.write_entry(A, SIGNALS.shape) as writer:
        for row in order:
            writer.write([row], SIGNALS[[row]])
        writer.entry = ENTRY
    assert staging.location.read(f"{A}.npy") == npy_bytes(SIGNALS[sorted(rows)])
    staging.location.remove()


def test_an_entry_that_fails_while_it_is_written_is_absent_and_leaves_nothing(staging):
    with pytest.raises(IndexError), staging.write_entry(A, SIGNALS.shape) as writer:
        writer.write([0, 99], SIGNALS[[0, 99]])
    assert staging.read_entry(A) is None
    assert not [name for name in staging.location.list() if name != MARK]


def test_an_entry_without_windows_can_be_read(staging):
    with staging.write_entry(A, (0, 3, 5)) as writer:
        writer.entry = replace(ENTRY, kept=())
    assert staging.read_entry(A).kept == ()
    assert list(staging.read_windows(A)) == []


@pytest.mark.parametrize("version", [None, 1, module.STAGING_VERSION + 1])
def test_an_entry_of_another_version_is_absent(staging, version):
    write(staging, A)
    content = json.loads(staging.location.read(f"{A}.json"))
    content["version"] = version
    if version is None:  # as version 1 wrote it
        del content["version"]
    staging.location.write(f"{A}.json", json.dumps(content).encode())
    assert staging.read_entry(A) is None


def test_a_failure_is_read_back(staging):
    staging.write_failure(A, FAILURE)
    assert staging.read_entry(A) == FAILURE


def test_a_worker_that_outlives_its_run_does_not_create_the_folder_again(tmp_path):
    removed = Staging(Location(str(tmp_path / "removed")), is_owned=True)
    with pytest.raises(FileNotFoundError):
        write(removed, A)
    with pytest.raises(FileNotFoundError, match="the staging folder is gone"):
        removed.write_failure(A, FAILURE)
    assert not (tmp_path / "removed").exists()


@pytest.mark.parametrize("is_owned", [True, False])
def test_an_owned_folder_is_removed_with_the_entries_of_other_plans(tmp_path, is_owned):
    folder = tmp_path / "staging"
    staging = Staging(Location(str(folder)), is_owned=is_owned)
    staging.prepare()
    write(staging, A)
    (folder / f"{B}.json").write_text("{}")
    staging.remove([A])
    assert folder.exists() is not is_owned
    if not is_owned:
        assert [path.name for path in folder.iterdir()] == [f"{B}.json"]


def test_keep_only_removes_the_entries_of_other_plans(staging):
    for key in (A, B, C):
        write(staging, key)
    staging.keep_only([B])
    assert [name for name in staging.location.list() if name != MARK] == [f"{B}.json", f"{B}.npy"]


@pytest.mark.parametrize("is_owned", [True, False])
def test_unfinished_files_of_a_killed_run_are_removed_from_an_owned_folder_only(tmp_path, is_owned):
    part = tmp_path / f"{A}.npy.123.part"
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
        patch.setattr("bids_dl.pipeline.build.pack", stop)
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
        patch.setattr("bids_dl.pipeline.build.pack", lambda *_args, **_options: 1 / 0)
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
    (folder / f"{A}.npy").write_bytes(b"of an older version")
    (folder / f"{A}.npy.77.part").write_bytes(b"half")
    assert convert(eegbci, tmp_path / "b.zarr", subject=["001"]).reused == 2
    assert not folder.exists()
    folder.mkdir()
    (folder / f"{B}.json").write_text("left by a run that was killed after its last write")
    assert convert(eegbci, tmp_path / "b.zarr", subject=["001"]).unchanged
    assert not folder.exists()


@pytest.mark.parametrize("name", ["notes.txt", "a.npy", "0ld.json"])
def test_a_folder_of_the_user_with_the_name_of_an_owned_one_is_refused_and_kept(
    eegbci, tmp_path, name
):
    folder = tmp_path / "a.zarr.staging"
    folder.mkdir()
    (folder / name).write_text("of the user")
    with pytest.raises(StoreError, match=f"was not created by bids-dl .contains '{name}'"):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"])
    assert contents(folder) == {name: b"of the user"}
    assert not (tmp_path / "a.zarr").exists()


def test_a_file_of_the_user_in_an_owned_folder_is_kept(tmp_path):
    staging = Staging(Location(str(tmp_path / "staging")), is_owned=True)
    staging.prepare()
    write(staging, A)
    (tmp_path / "staging" / "notes.txt").write_text("of the user")
    staging.keep_only([])
    staging.remove([A])
    assert contents(tmp_path / "staging") == {"notes.txt": b"of the user"}


@pytest.mark.parametrize("has_target", [True, False])
def test_a_link_with_the_name_of_an_owned_folder_is_refused(eegbci, tmp_path, has_target):
    target = tmp_path / "photos"
    if has_target:
        target.mkdir()
        (target / f"{A}.npy").write_text("of the user")
    (tmp_path / "a.zarr.staging").symlink_to(target)
    with pytest.raises(StoreError, match="a link has the name of the staging folder; move it"):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"])
    assert contents(target) == ({f"{A}.npy": b"of the user"} if has_target else {})


def test_an_owned_folder_is_for_its_user_only(tmp_path):
    staging = Staging(Location(str(tmp_path / "staging")), is_owned=True)
    staging.prepare()
    assert (tmp_path / "staging").stat().st_mode & 0o777 == 0o700


def damage_file(file, kind, random):
    """Damage a file of a staged entry in one of `DAMAGES`, at a random place."""
    content = file.read_bytes()
    place = random.randrange(len(content))
    if kind == "cut":
        file.write_bytes(content[:place])
    elif kind == "flipped":
        flipped = content[place] ^ (1 << random.randrange(8))
        file.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
    elif kind == "zeros":
        file.write_bytes(content[:place] + bytes(len(content) - place))
    elif kind == "longer":
        file.write_bytes(content + random.randbytes(1 + place))
    elif kind == "other":
        file.write_bytes(random.randbytes(len(content)))
    else:
        file.unlink()
        if kind == "folder":
            file.mkdir()
        elif kind == "link":
            file.symlink_to("/dev/zero")
        elif kind == "pipe":
            os.mkfifo(file)


DAMAGES = ("cut", "flipped", "zeros", "longer", "other", "gone", "folder", "link", "pipe")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("suffix", ["json", "npy"])
def test_a_damaged_entry_is_absent_or_refused_when_its_windows_are_read(
    tmp_path, suffix, kind, seed
):
    staging = Staging(Location(str(tmp_path)))
    write(staging, A)
    file = tmp_path / f"{A}.{suffix}"
    before = file.read_bytes()
    damage_file(file, kind, Random(seed))
    if file.is_file() and file.read_bytes() == before:
        return  # zeros in the place of zeros
    is_absent = staging.read_entry(A) is None
    assert is_absent or (suffix == "npy" and kind in {"flipped", "zeros", "other"})
    with pytest.raises(DamagedEntryError, match="are gone or damaged; run the same command again"):
        list(staging.read_windows(A))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "null",
        "1e999",
        "9" * 5000,
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"version": 3}',
        '{"version": 3, "sha256": 1, "content": []}',
        '{"version": 3, "sha256": "", "content": {"failure": {}}}',
        "\0" * 50,
    ],
)
def test_an_absurd_description_is_no_entry(staging, text):
    write(staging, A)
    staging.location.write(f"{A}.json", text.encode())
    assert staging.read_entry(A) is None


def test_a_description_whose_checksum_fits_absurd_content_is_no_entry(staging):
    for content in (
        [],
        {},
        {"failure": {"x": 1}},
        {"windows": {"shape": [1, 2, 3], "batch_size": 0, "checksums": []}, "entry": {}},
        {"windows": {"shape": [10**30, 2, 3], "batch_size": 10**30, "checksums": [1]}},
        {"windows": {"shape": [-1, -2, 3], "batch_size": 1, "checksums": []}, "entry": {}},
    ):
        staging._write_description(A, content)
        assert staging.read_entry(A) is None


def test_an_entry_is_flushed_to_disk_before_it_counts(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def note(number):
        names = sorted(path.name.partition(".")[2] for path in tmp_path.iterdir())
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        synced.append((is_folder, [name.partition(".")[0] for name in names]))
        fsync(number)

    monkeypatch.setattr(os, "fsync", note)
    write(Staging(Location(str(tmp_path))), A)
    assert [is_folder for is_folder, _ in synced] == [False, True, False, True]
    assert [names for _, names in synced] == [["npy"], ["npy"], ["json", "npy"], ["json", "npy"]]


@pytest.mark.parametrize("seed", range(4))
def test_entries_damaged_after_they_were_staged_are_staged_again_by_the_same_run(
    eegbci, eyes_store, tmp_path, monkeypatch, seed
):
    random = Random(seed)
    folder = tmp_path / "a.zarr.staging"
    real_pack = pack

    def damage_and_pack(*args, **options):
        files = sorted(folder.glob("*.npy"))
        for file in random.sample(files, 1 + seed % 3):
            damage_file(file, random.choice(DAMAGES), random)
        return real_pack(*args, **options)

    notes = []
    monkeypatch.setattr("bids_dl.pipeline.build.pack", damage_and_pack)
    outcome = convert(
        eegbci, tmp_path / "a.zarr", on_progress=lambda progress: notes.append(progress.note)
    )
    assert outcome.exit_status == 0
    assert any("are damaged or gone, and are staged again: ds004362/" in note for note in notes)
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)
    assert not folder.exists()


def test_entries_that_vanish_while_others_are_staged_are_staged_again(
    eegbci, tmp_path, monkeypatch
):
    run_task = process.run_task
    runs = []

    def run_and_lose(task, *args):
        failure = run_task(task, *args)
        runs.append(task.key)
        if len(runs) == 1:
            task.staging.discard(task.key)  # as a conversion does that ends with the same folder
        return failure

    monkeypatch.setattr(process, "run_task", run_and_lose)
    options = {"subject": ["001"], "staging": str(tmp_path / "named")}
    assert convert(eegbci, tmp_path / "a.zarr", **options).exit_status == 0
    assert runs == [runs[0], runs[1], runs[0]]
