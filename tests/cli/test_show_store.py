"""Output of `bids-dl convert`, `info` and `verify`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import EYES

import bids_dl
from bids_dl.cli.show_store import print_outcome, print_verification
from bids_dl.datamodel import Failure
from bids_dl.pipeline.outcome import Outcome, PersonCount
from bids_dl.store.checking.damage import Damage
from bids_dl.verification import Verification

OUTCOME = Outcome(
    url="a.zarr",
    n_windows=1,
    n_recordings=1,
    people=(PersonCount("ds", "001", "train", {"eyes_open": 1}),),
    failures=(Failure("ds/sub-002", "read", "cannot be read"),),
    warnings=("few persons",),
    dropped=3,
    reused=1,
)


@pytest.mark.slow
def test_convert_prints_what_it_wrote_and_what_it_assumed(command, synthetic):
    result = command(
        *("convert", synthetic, "a.zarr", "--hed", "closed=Eyes-closed", "--subject", "001"),
        *("--split", "1", "--scheduler", "synchronous"),
    )
    assert result.status == 0
    assert "a.zarr: 10 windows of 1 recording" in result.words
    assert "using sliding windows of 2 s" in result.err
    assert [path.name for path in Path.cwd().iterdir()] == ["a.zarr"]


def test_an_outcome_shows_people_dropped_windows_and_failures(capsys):
    print_outcome(OUTCOME)
    printed = capsys.readouterr()
    assert "a.zarr: 1 window of 1 recording, 1 of them staged before" in printed.out
    assert "left out: 3 (events, blocks or windows)" in printed.out
    assert "warning few persons" in printed.err
    assert "1 recording failed\nfailed ds/sub-002: read: cannot be read" in printed.err


def test_an_unchanged_store_is_said_to_exist(command, eegbci, eyes_store):
    result = command("convert", eegbci, eyes_store, *EYES, "--window", "2")
    assert result.status == 0
    assert "already exists, made by the same plan; 240 windows of 8 recordings" in result.words


def test_info_prints_the_content_and_how_to_stream_it(command, eyes_store):
    result = command("info", eyes_store)
    assert result.status == 0
    assert "240 windows x 24 channels x 256 samples (2 s at 128 Hz)" in result.words
    assert "train 2 people, 120 windows" in result.words
    assert "(CC0)" in result.words
    streaming = f'bids_dl.StreamingDataset("{eyes_store}", split="train", batch_size=64)'
    assert streaming in result.out


def test_info_json_is_the_attributes_and_the_shape(command, eyes_store):
    description = command("info", eyes_store, "--json").json
    assert description["shape"] == [240, 24, 256]
    assert description["bytes"] > 240 * 24 * 256 * 4
    assert {"label", "subject", "onset"} <= set(description["columns"])
    assert description["statistics"]["windows"] == {"eyes_open": 120, "eyes_closed": 120}
    assert description.items() >= bids_dl.open_store(str(eyes_store)).attributes.items()


def test_brackets_in_the_name_of_a_store_are_printed(command, eyes_store):
    name = "[old]/[/old]eyes.zarr"
    shutil.copytree(eyes_store, name)
    assert f'StreamingDataset("{name}"' in command("info", name).out


def test_verify_prints_that_nothing_is_damaged(command, eyes_store):
    result = command("verify", eyes_store)
    assert result.status == 0
    assert result.out.endswith("240 windows: OK\n")
    assert command("verify", eyes_store, "--json").json["damages"] == []


def test_remarks_are_printed_and_counted_and_change_the_status_only_if_strict(
    command, eyes_store, tmp_path
):
    store = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    (store / ".gitattributes").write_text("*.zarr")
    (store / ".cache").mkdir()
    result = command("verify", store)
    assert result.out.splitlines()[:2] == [
        "remark: .cache/: not part of the store",
        "remark: .gitattributes: not part of the store",
    ]
    assert result.out.endswith("240 windows: OK, 2 remarks\n")
    assert (result.status, command("verify", store, "--strict").status) == (0, 1)
    [first, _] = command("verify", store, "--json").json["remarks"]
    assert first == {"where": ".cache/", "note": "not part of the store"}


def test_another_content_identifier_is_a_problem(command, eyes_store):
    result = command("verify", eyes_store, "--content", "bids-dl:0000000000000000")
    assert result.status == 1
    assert "expected the content identifier bids-dl:0000000000000000, the store" in result.out
    assert result.out.endswith(": 1 problem found\n")
    refused = command("verify", eyes_store, "--content", "123")
    assert refused.status == 2
    assert "which has 16 to 64 hexadecimal digits" in refused.err


def test_damages_are_printed_with_windows_and_recordings(capsys):
    recordings = tuple(f"ds/{i}" for i in range(5))
    damage = Damage("signals/c/0", "wrong checksum", (2, 5), recordings)
    print_verification(Verification("a.zarr", "", 9, 1000, 5, (damage,), 1, {"ds/9": "missing"}))
    assert capsys.readouterr().out.splitlines() == [
        "signals/c/0: wrong checksum; windows 2 to 4 of ds/0, ds/1, ds/2 and 2 more",
        "ds/9: not compared: missing",
        "a.zarr: 9 objects, 1.0 kB, 5 windows, 1 recording converted again from the source: "
        "1 problem found",
    ]
