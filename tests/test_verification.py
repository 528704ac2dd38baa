from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

import bids_dl
from bids_dl.errors import BidsDlError, StoreError
from bids_dl.store import open_store
from bids_dl.store.format import BLANK_SHA256, ROOT_SHA256, content_id, to_json
from bids_dl.verification import verify

FIRST = "ds004362/sub-001/eeg/sub-001_task-motion_run-1"


@pytest.fixture
def store(eyes_store, tmp_path) -> Path:
    """240 windows of eight recordings, to be broken by a test."""
    return Path(shutil.copytree(eyes_store, tmp_path / "eyes.zarr"))


def flip(file: Path, place: int, bit: int = 0) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


def reseal(store: Path) -> None:
    """Make manifest and root agree with what is there, as somebody would who edits a store with care."""
    root = json.loads((store / "zarr.json").read_text())
    arrays = root["consolidated_metadata"]["metadata"]
    files = {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file()
    }
    objects = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    objects = {
        name: entry for name, entry in objects.items() if name not in {"manifest.json", "zarr.json"}
    }
    root["attributes"] |= {"content": content_id(objects, arrays), ROOT_SHA256: BLANK_SHA256}
    content = to_json(root)
    content = content.replace(BLANK_SHA256.encode(), hashlib.sha256(content).hexdigest().encode(), 1)
    (store / "zarr.json").write_bytes(content)
    objects["zarr.json"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (store / "manifest.json").write_bytes(to_json({"objects": dict(sorted(objects.items()))}))


def change(store: Path, column: str, row: int, value) -> None:
    array = zarr.open_array(store / column, mode="r+")
    array[row] = value
    reseal(store)


def test_a_store_as_it_was_written_is_whole(store):
    verdict = verify(str(store))
    assert (verdict.damages, verdict.exit_status, verdict.windows) == ((), 0, 240)
    assert verdict.content == open_store(str(store)).attributes["content"]
    assert verdict.nbytes == open_store(str(store)).nbytes
    reseal(store)
    assert verify(str(store)).damages == ()


def test_each_of_a_hundred_flipped_bytes_and_a_hundred_truncations_is_found(store):
    chance = np.random.default_rng(0)
    files = sorted(path for path in store.rglob("*") if path.is_file())
    for round_ in range(200):
        file = files[chance.integers(len(files))]
        content = file.read_bytes()
        if round_ < 100:
            flip(file, int(chance.integers(len(content))), int(chance.integers(8)))
        else:
            file.write_bytes(content[: chance.integers(len(content))])
        assert verify(str(store)).exit_status == 1, (round_, file)
        file.write_bytes(content)
    assert verify(str(store)).exit_status == 0


def test_a_stream_meets_each_of_a_hundred_flipped_bytes_and_truncations_in_what_it_reads(store):
    chance = np.random.default_rng(1)
    files = [
        store / "zarr.json",
        store / "label/c/0",
        *sorted(path for path in (store / "signals/c").rglob("0") if path.is_file()),
    ]
    shares = np.array([path.stat().st_size for path in files], float) ** 0.5
    for round_ in range(200):
        file = files[chance.choice(len(files), p=shares / shares.sum())]
        content = file.read_bytes()
        if round_ < 100:
            flip(file, int(chance.integers(len(content))), int(chance.integers(8)))
        else:
            file.write_bytes(content[: chance.integers(len(content))])
        with pytest.raises(BidsDlError):
            list(bids_dl.StreamingDataset(str(store), batch_size=240))
        file.write_bytes(content)


def test_a_flipped_byte_names_the_chunk_with_its_windows_and_recordings(store):
    flip(store / "signals/c/0/0/0", 100)
    [damage] = verify(str(store)).damages
    assert damage.where == "signals/c/0/0/0"
    assert damage.problem == (
        "differs from the object written (SHA-256 mismatch); its chunk 0 is damaged"
    )
    assert damage.windows == (0, 20)
    assert damage.recordings == (FIRST,)


def test_a_shard_cut_short_hits_all_its_windows(store):
    shard = store / "signals/c/0/0/0"
    shard.write_bytes(shard.read_bytes()[:-1])
    [damage] = verify(str(store)).damages
    assert "its index is lost" in damage.problem
    assert damage.windows == (0, 240)
    assert len(damage.recordings) == 8


def test_missing_and_unknown_objects_are_named(store):
    (store / "onset/c/0").unlink()
    (store / "notes.txt").write_text("mine")
    found = {damage.where: damage.problem for damage in verify(str(store)).damages}
    assert found == {"onset/c/0": "is missing", "notes.txt": "unexpected object: not listed in the manifest"}


@pytest.mark.parametrize("name", ["zarr.json", "manifest.json"])
def test_a_store_without_its_root_or_manifest_is_damaged_not_unknown(store, name):
    (store / name).unlink()
    assert [damage.where for damage in verify(str(store)).damages] == [name]


def test_a_manifest_of_another_store_is_found_even_where_every_object_matches_it(store):
    flip(store / "onset/c/0", 20)
    match_manifest(store, "onset/c/0")
    [damage] = verify(str(store)).damages
    assert damage.where == "manifest.json"
    assert damage.problem.startswith("belongs to another store")


def test_a_root_edited_together_with_the_manifest_is_found(store):
    root = store / "zarr.json"
    root.write_text(root.read_text().replace('"sfreq": 128.0', '"sfreq": 256.0'))
    match_manifest(store, "zarr.json")
    [damage] = verify(str(store)).damages
    assert (damage.where, damage.problem) == (
        "zarr.json",
        "does not match its own SHA-256",
    )


def test_a_store_of_a_newer_version_is_refused_not_called_damaged(store):
    root = store / "zarr.json"
    root.write_text(root.read_text().replace('"format_version": 1', '"format_version": 2'))
    reseal(store)
    for read in (open_store, verify):
        with pytest.raises(
            StoreError,
            match=r"written in version 2 of the format, this bids_dl reads version 1; install a newer bids_dl",
        ):
            read(str(store))


def match_manifest(store: Path, name: str) -> None:
    manifest = json.loads((store / "manifest.json").read_text())
    content = (store / name).read_bytes()
    manifest["objects"][name] = {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (store / "manifest.json").write_bytes(to_json(manifest))


def test_what_is_no_store_or_unfinished_is_refused(tmp_path, store):
    with pytest.raises(StoreError, match="no store there"):
        verify(str(tmp_path / "nothing.zarr"))
    (store / "zarr.json").unlink()
    (store / "unfinished.json").write_text("{}")
    with pytest.raises(StoreError, match="not finished; run the same"):
        verify(str(store))


@pytest.mark.parametrize(
    ("column", "row", "value", "where", "problem"),
    [
        ("label", 0, "eyes_shut", "label", "'eyes_shut', which is not among the classes"),
        ("label", 1, "eyes_closed", "label", "several values for windows of the same event"),
        ("split", 0, "other", "split", "sub-001 is in other and"),
        ("recording", 5, "sub-009/eeg/sub-009", "recording", "are not neighbours"),
        (
            "recording_windows",
            2,
            29,
            "recording_windows",
            "differs from the table from recording 2 on",
        ),
        ("onset", 7, 1e4, "onset", "windows exceed their recordings"),
        ("onset", 7, np.nan, "onset", "windows exceed their recordings"),
        ("subject", 0, "x", "zarr.json", "the statistics say persons 4, the table has 5"),
    ],
)
def test_tables_that_disagree_are_found_though_every_checksum_holds(
    store, column, row, value, where, problem
):
    change(store, column, row, value)
    found = verify(str(store)).damages
    assert any(damage.where == where and problem in damage.problem for damage in found), found


def test_columns_of_different_length_are_found(store):
    root = json.loads((store / "zarr.json").read_text())
    about = root["consolidated_metadata"]["metadata"]["onset"]
    about["shape"] = about["chunk_grid"]["configuration"]["chunk_shape"] = [239]
    (store / "zarr.json").write_text(json.dumps(root))
    reseal(store)
    assert any(
        damage.problem == "has 239 along window, other arrays have 240"
        for damage in verify(str(store)).damages
    )


def test_windows_are_those_of_the_sources(store, eegbci):
    verdict = verify(str(store), sources=[str(eegbci)], jobs=2)
    assert (verdict.damages, verdict.compared, verdict.skipped) == ((), 8, {})


def test_a_window_that_is_not_of_its_source_is_found_though_every_checksum_holds(store, eegbci):
    array = zarr.open_array(store / "signals", mode="r+")
    array[31, 3, 7] = array[31, 3, 7] + 0.5
    change(store, "onset", 45, 31.0)
    found = verify(str(store), sources=[str(eegbci)], jobs=2).damages
    second = FIRST.replace("run-1", "run-2")
    assert [(damage.where, damage.windows, damage.recordings) for damage in found] == [
        ("onset", (45, 46), (second,)),
        (second, (31, 32), (second,)),
    ]
    assert found[1].problem == "1 windows differ from the source, by up to 0.5 uV"


def test_a_source_that_has_changed_is_said(store, eegbci_copy):
    file = next(eegbci_copy.glob("sub-001/eeg/*run-1*.edf"))
    flip(file, file.stat().st_size - 3)
    verdict = verify(str(store), sources=[str(eegbci_copy)], jobs=2)
    [damage] = verdict.damages
    assert (damage.where, damage.windows) == (FIRST, (0, 30))
    assert "its source is not the one that was converted" in damage.problem
    assert verdict.compared == 7
