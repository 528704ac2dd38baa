from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from resealed_store import read_root, reseal, update_manifest, write_root

import bids_dl
from bids_dl.config.verify_stage import VerifyConfig
from bids_dl.errors import BidsDlError, StoreError
from bids_dl.pipeline.source_comparison import SOURCE_VALUES
from bids_dl.store import open_store
from bids_dl.store.format import SOURCE_COLUMNS
from bids_dl.verification import verify

FIRST = "ds004362/sub-001/eeg/sub-001_task-motion_run-1"
SECOND = FIRST.replace("run-1", "run-2")
N_DAMAGES = 100  # flipped bits, and truncations
STRICT = VerifyConfig(strict=True)
DOCUMENTS = ("plan.json", "recordings.json", "LICENSE", "CITATION.cff", "croissant.json")
FOREIGN = (".gitattributes", ".DS_Store", ".cache/huggingface/a", ".git/HEAD", "._x", "notes.txt")


@pytest.fixture
def store(eyes_store, tmp_path) -> Path:
    """A copy of the store of 240 windows of eight recordings, which tests may damage."""
    return Path(shutil.copytree(eyes_store, tmp_path / "eyes.zarr"))


def flip_bit(file: Path, position: int, bit: int = 0) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)


def damage_file(file: Path, rng: np.random.Generator, *, truncate: bool) -> None:
    """Truncate a file, or flip one of its bits, at a random position."""
    content = file.read_bytes()
    if truncate:
        file.write_bytes(content[: rng.integers(len(content))])
    else:
        flip_bit(file, int(rng.integers(len(content))), int(rng.integers(8)))


def set_value(store: Path, column: str, row: int, value: Any) -> None:
    """Change one value of a column, and reseal the store."""
    array = zarr.open_array(store / column, mode="r+")
    array[row] = value
    reseal(store)


def test_an_unchanged_store_has_no_damage(store):
    verification = verify(str(store))
    assert verification.damages == ()
    assert verification.exit_status == 0
    assert verification.windows == 240
    assert verification.content == open_store(str(store)).attributes["content"]
    assert verification.nbytes == open_store(str(store)).nbytes
    reseal(store)
    assert verify(str(store)).damages == ()


def test_progress_is_reported_in_bytes_up_to_all_objects(store):
    calls = []
    verification = verify(str(store), on_progress=lambda *call: calls.append(call))
    assert {stage for stage, _, _ in calls} == {"objects"}
    assert calls[-1][1] == calls[-1][2] == verification.nbytes


def test_each_of_a_hundred_flipped_bits_and_a_hundred_truncations_is_found(store):
    rng = np.random.default_rng(0)
    files = sorted(path for path in store.rglob("*") if path.is_file())
    for number in range(2 * N_DAMAGES):
        file = files[rng.integers(len(files))]
        content = file.read_bytes()
        damage_file(file, rng, truncate=number >= N_DAMAGES)
        verification = verify(str(store), config=STRICT)
        assert verification.exit_status == 1, (number, file)
        assert verification.damages or file.name == "README.md"
        file.write_bytes(content)
    assert verify(str(store), config=STRICT).exit_status == 0


def test_a_stream_raises_on_each_of_a_hundred_flipped_bits_and_truncations_in_what_it_reads(store):
    rng = np.random.default_rng(1)
    shards = sorted(path for path in (store / "signals/c").rglob("0") if path.is_file())
    files = [store / "zarr.json", store / "label/c/0", *shards]
    weights = np.sqrt([path.stat().st_size for path in files])
    for number in range(2 * N_DAMAGES):
        file = files[rng.choice(len(files), p=weights / weights.sum())]
        content = file.read_bytes()
        damage_file(file, rng, truncate=number >= N_DAMAGES)
        with pytest.raises(BidsDlError):
            list(bids_dl.StreamingDataset(str(store), batch_size=240))
        file.write_bytes(content)


def test_a_flipped_bit_names_the_chunk_with_its_windows_and_recordings(store):
    flip_bit(store / "signals/c/0/0/0", 100)
    [damage] = verify(str(store)).damages
    assert damage.where == "signals/c/0/0/0"
    assert damage.problem == (
        "differs from the object written (SHA-256 mismatch); its chunk 0 is damaged"
    )
    assert damage.windows == (0, 20)
    assert damage.recordings == (FIRST,)


def test_a_truncated_shard_affects_all_its_windows(store):
    shard = store / "signals/c/0/0/0"
    shard.write_bytes(shard.read_bytes()[:-1])
    [damage] = verify(str(store)).damages
    assert "index is lost" in damage.problem
    assert damage.windows == (0, 240)
    assert len(damage.recordings) == 8


def test_missing_and_unexpected_objects_of_arrays_are_named(store):
    (store / "onset/c/0").unlink()
    (store / "onset/c/1").write_text("mine")
    problems = {damage.where: damage.problem for damage in verify(str(store)).damages}
    assert problems == {
        "onset/c/0": "is missing",
        "onset/c/1": "unexpected object: not listed in the manifest",
    }


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_not_of_the_store_is_a_remark_and_no_damage(store, name):
    (store / name).parent.mkdir(parents=True, exist_ok=True)
    (store / name).write_text("mine")
    verification = verify(str(store))
    first, slash, _ = name.partition("/")
    assert [remark.where for remark in verification.remarks] == [first + slash]
    assert (verification.problems, verification.exit_status) == ((), 0)
    assert verify(str(store), config=STRICT).exit_status == 1


def test_folders_that_lead_in_a_circle_are_not_entered(store):
    (store / "a").symlink_to(store)
    (store / "signals/b").symlink_to(store)
    verification = verify(str(store))
    assert [remark.where for remark in verification.remarks] == ["a"]
    assert verification.damages == ()


def test_an_edited_readme_is_a_remark_and_a_missing_one_is_damage(store):
    card = store / "README.md"
    card.write_text(card.read_text() + "More.\n")
    verification = verify(str(store))
    assert (verification.problems, verification.exit_status) == ((), 0)
    assert [damage.is_remark for damage in verification.damages] == [True]
    assert verification.remarks[0].where == "README.md"
    assert "edited after the store was written" in verification.remarks[0].note
    card.unlink()
    assert [damage.where for damage in verify(str(store)).damages] == ["README.md"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_another_document_that_was_edited_is_damage(store, name):
    (store / name).write_text((store / name).read_text() + " ")
    [damage] = verify(str(store)).damages
    assert damage.where == name


@pytest.mark.parametrize("name", [*DOCUMENTS, "README.md"])
def test_a_document_that_was_changed_together_with_the_manifest_is_found(store, name):
    (store / name).write_text((store / name).read_text() + " ")
    update_manifest(store, name)
    damages = verify(str(store)).damages
    assert damages[0].where == "manifest.json"
    assert damages[0].problem == (
        f"has another SHA-256 for {name} than the root; both were changed together"
    )


@pytest.mark.parametrize("name", ["TERMS", "label/c/1", "nosuch/c/0"])
def test_an_object_that_was_added_to_the_manifest_is_found(store, name):
    (store / name).parent.mkdir(parents=True, exist_ok=True)
    (store / name).write_text("more")
    update_manifest(store, name)
    assert "manifest.json" in [damage.where for damage in verify(str(store)).damages]


def test_a_store_of_an_older_version_is_verified_and_says_what_is_not_checked(store):
    root = read_root(store)
    del root["attributes"]["documents"]
    write_root(store, root)
    verification = verify(str(store))
    assert (verification.problems, verification.exit_status) == ((), 0)
    [line] = verification.unchecked
    assert "a document, such as LICENSE, that was changed together" in line
    (store / "LICENSE").write_text("None.")
    assert [damage.where for damage in verify(str(store)).damages] == ["LICENSE"]


@pytest.mark.parametrize("n_digits", [16, 40, 64])
@pytest.mark.parametrize("name", ["content", "root_sha256"])
def test_a_store_is_held_against_an_identifier(store, name, n_digits):
    identifier = getattr(verify(str(store)), name)[:n_digits]
    assert verify(str(store), config=VerifyConfig(content=identifier)).exit_status == 0
    other = f"{identifier[:-1]}{'0' if identifier[-1] != '0' else '1'}"
    verification = verify(str(store), config=VerifyConfig(content=other))
    [damage] = verification.damages
    assert damage.where == "zarr.json"
    assert f"expected the content identifier bids-dl:{other[:16]}" in damage.problem
    assert verification.exit_status == 1


@pytest.mark.parametrize("name", ["zarr.json", "manifest.json"])
def test_a_store_without_its_root_or_manifest_is_damaged_and_not_unknown(store, name):
    (store / name).unlink()
    assert [damage.where for damage in verify(str(store)).damages] == [name]


def test_the_manifest_of_another_store_is_found_even_if_every_object_matches_it(store):
    flip_bit(store / "onset/c/0", 20)
    update_manifest(store, "onset/c/0")
    [damage] = verify(str(store)).damages
    assert damage.where == "manifest.json"
    assert damage.problem.startswith("belongs to another store")


def test_a_root_that_was_edited_together_with_the_manifest_is_found(store):
    root = store / "zarr.json"
    root.write_text(root.read_text().replace('"sfreq": 128.0', '"sfreq": 256.0'))
    update_manifest(store, "zarr.json")
    [damage] = verify(str(store)).damages
    assert (damage.where, damage.problem) == ("zarr.json", "does not match its own SHA-256")


@pytest.mark.parametrize("read", [open_store, verify])
def test_a_store_of_a_newer_version_is_refused_and_not_called_damaged(store, read):
    root = store / "zarr.json"
    root.write_text(root.read_text().replace('"format_version": 1', '"format_version": 2'))
    reseal(store)
    message = r"version 2 of the format, this bids_dl reads version 1; install a newer bids_dl"
    with pytest.raises(StoreError, match=message):
        read(str(store))


def test_a_path_without_a_finished_store_is_refused(tmp_path, store):
    with pytest.raises(StoreError, match=r"nothing\.zarr"):
        verify(str(tmp_path / "nothing.zarr"))
    (store / "zarr.json").unlink()
    (store / "unfinished.json").write_text("{}")
    with pytest.raises(StoreError, match="not finished"):
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
def test_inconsistent_tables_are_found_although_every_checksum_matches(
    store, column, row, value, where, problem
):
    set_value(store, column, row, value)
    damages = verify(str(store)).damages
    assert any(damage.where == where and problem in damage.problem for damage in damages), damages


def test_a_column_of_another_length_is_found(store):
    root = read_root(store)
    onset = root["consolidated_metadata"]["metadata"]["onset"]
    onset["shape"] = [239]
    onset["chunk_grid"]["configuration"]["chunk_shape"] = [239]
    write_root(store, root)
    [damage] = verify(str(store)).damages
    assert damage.where == "zarr.json"
    assert "array onset: has 239 along window, other arrays have 240" in damage.problem


def test_every_column_that_the_source_determines_can_be_compared():
    assert tuple(SOURCE_VALUES) == SOURCE_COLUMNS


def test_the_windows_of_an_unchanged_store_are_those_of_its_sources(store, eegbci):
    calls = []
    verification = verify(
        str(store),
        sources=[str(eegbci)],
        config=VerifyConfig(jobs=2),
        on_progress=lambda *call: calls.append(call),
    )
    assert verification.damages == ()
    assert (verification.compared, verification.skipped) == (8, {})
    assert calls[-1] == ("source", 8, 8)


def test_changed_windows_and_columns_are_found_although_every_checksum_matches(store, eegbci):
    array = zarr.open_array(store / "signals", mode="r+")
    array[31, 3, 7] = array[31, 3, 7] + 0.5
    set_value(store, "onset", 45, 31.0)
    damages = verify(str(store), sources=[str(eegbci)], config=VerifyConfig(jobs=2)).damages
    assert [(damage.where, damage.windows, damage.recordings) for damage in damages] == [
        ("onset", (45, 46), (SECOND,)),
        (SECOND, (31, 32), (SECOND,)),
    ]
    assert damages[0].problem == "onset is 31.0, the source says 30.0 (and 0 more)"
    assert damages[1].problem == "differs from the source in 1 window, by up to 0.5 uV"


def test_a_changed_source_is_reported_and_the_others_are_compared(store, eegbci_copy):
    file = next(eegbci_copy.glob("sub-001/eeg/*run-1*.edf"))
    flip_bit(file, file.stat().st_size - 3)
    verification = verify(str(store), sources=[str(eegbci_copy)], config=VerifyConfig(jobs=2))
    [damage] = verification.damages
    assert (damage.where, damage.windows) == (FIRST, (0, 30))
    assert "its source is not the one that was converted" in damage.problem
    assert verification.compared == 7


def test_a_recording_that_is_not_in_the_sources_is_skipped_with_the_reason(store, eegbci_copy):
    shutil.rmtree(eegbci_copy / "sub-001")
    verification = verify(str(store), sources=[str(eegbci_copy)], config=VerifyConfig(jobs=2))
    assert verification.damages == ()
    assert verification.compared == 6
    assert verification.skipped == {
        FIRST: "not in the given sources, or not readable there",
        SECOND: "not in the given sources, or not readable there",
    }
