from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conversions import contents
from copied_stores import assert_none_or_whole, assert_whole
from counting_server import CountingServer

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, StoreError
from bids_dl.publishing import fetched_file
from bids_dl.remote.location import Location
from bids_dl.store.format import to_json


@pytest.fixture
def served(eyes_store, tmp_path):
    """Server of a copy of the store, which a test may change."""
    shutil.copytree(eyes_store, tmp_path / "served" / "eyes.zarr")
    with CountingServer(tmp_path / "served") as server:
        yield server


def test_a_store_is_pulled_over_http(served, tmp_path, content):
    progress = []
    outcome = bids_dl.pull(
        f"{served.url}/eyes.zarr",
        tmp_path / "a" / "copy",
        on_progress=lambda *values: progress.append(values),
    )
    assert outcome.state == "received"
    assert_whole(contents(tmp_path / "a" / "copy"), content)
    assert progress[-1] == ("receive", content.n_bytes, content.n_bytes)
    assert bids_dl.verify(tmp_path / "a" / "copy").damages == ()


def test_a_store_is_pulled_from_a_bucket(eyes_store, options, tmp_path, content):
    bids_dl.push(eyes_store, "s3://bucket/eyes.zarr", storage_options=options)
    Location("s3://bucket/eyes.zarr", options).write("stranger.exe", b"x")
    bids_dl.pull("s3://bucket/eyes.zarr", tmp_path / "copy", storage_options=options)
    assert_whole(contents(tmp_path / "copy"), content)


def test_a_store_is_pulled_from_an_archive_behind_http(eyes_store, tmp_path, content):
    (tmp_path / "record").mkdir()
    bids_dl.export(eyes_store, tmp_path / "record" / "eyes.zip")
    with CountingServer(tmp_path / "record") as server:
        bids_dl.pull(f"zip://eyes.zarr::{server.url}/eyes.zip", tmp_path / "copy")
    assert_whole(contents(tmp_path / "copy"), content)


def test_a_store_is_pulled_from_the_hub(hub, eyes_store, tmp_path, content):
    address = bids_dl.push(eyes_store, "hf://datasets/lab/eyes").address
    bids_dl.pull(address, tmp_path / "copy")
    assert_whole(contents(tmp_path / "copy"), content)


def test_a_second_pull_fetches_nothing(served, tmp_path):
    url = f"{served.url}/eyes.zarr"
    bids_dl.pull(url, tmp_path / "copy")
    served.reset()
    outcome = bids_dl.pull(url, tmp_path / "copy")
    assert (outcome.state, outcome.copied_bytes) == ("present", 0)
    assert served.signal_requests() == []


def test_a_dry_run_writes_nothing(served, tmp_path, content):
    outcome = bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy", dry_run=True)
    assert (outcome.state, outcome.copied_bytes) == ("planned", content.n_bytes)
    assert not (tmp_path / "copy").exists()


def test_another_store_in_the_folder_is_refused(served, other_store, tmp_path):
    copy = shutil.copytree(other_store, tmp_path / "copy")
    before = contents(copy)
    with pytest.raises(StoreError, match="holds another store") as caught:
        bids_dl.pull(f"{served.url}/eyes.zarr", copy)
    assert caught.value.exit_status == 2
    assert contents(copy) == before


def test_a_folder_with_other_files_is_refused(served, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis\.txt"):
        bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")


def test_a_url_is_no_folder(eyes_store):
    with pytest.raises(ConfigError, match="is a URL"):
        bids_dl.pull(eyes_store, "s3://bucket/eyes.zarr")


def test_a_file_is_no_folder(eyes_store, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        bids_dl.pull(eyes_store, tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../evil.txt", "is not as bids_dl writes it"),
        ("/evil.txt", "is not as bids_dl writes it"),
        ("a/../../evil.txt", "is not as bids_dl writes it"),
        ("C:evil.txt", "which is no object of a store"),
        ("zarr.json.part", "which is no object of a store"),
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(eyes_store, tmp_path, monkeypatch, name, problem):
    from bids_dl.publishing import content as module

    store = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    manifest = json.loads((store / "manifest.json").read_text())["objects"]
    manifest[name] = {"bytes": 1, "sha256": "0" * 64}
    (store / "manifest.json").write_bytes(to_json({"objects": dict(sorted(manifest.items()))}))
    monkeypatch.setattr(module, "check_content", lambda *_: [])  # an older store ties no documents
    with pytest.raises(DamagedStoreError, match=problem):
        bids_dl.pull(store, tmp_path / "a" / "copy")
    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path / "a").exists()


def test_damage_on_the_way_is_found_and_a_rerun_ends_it(served, eyes_store, tmp_path, content):
    there = tmp_path / "served" / "eyes.zarr" / "label" / "c" / "0"
    there.write_bytes(bytes(there.stat().st_size))
    with pytest.raises(DamagedStoreError, match="label/c/0 differs from the object written"):
        bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    assert not (tmp_path / "copy" / "zarr.json").exists()
    shutil.copy(eyes_store / "label" / "c" / "0", there)
    outcome = bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    assert outcome.state == "resumed"
    assert_whole(contents(tmp_path / "copy"), content)


@pytest.mark.parametrize("n_bytes", [0, 1_000_000, 99_999_999])
def test_the_rest_of_an_unfinished_object_is_fetched(
    served, eyes_store, tmp_path, content, monkeypatch, n_bytes
):
    monkeypatch.setattr(fetched_file, "RANGE_BYTES", 1_500_000)
    part = tmp_path / "copy" / "signals" / "c" / "0" / "0" / "0.part"
    part.parent.mkdir(parents=True)
    shard = (eyes_store / "signals" / "c" / "0" / "0" / "0").read_bytes()
    part.write_bytes((shard * 20)[:n_bytes])
    bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    assert_whole(contents(tmp_path / "copy"), content)


def test_an_unfinished_object_of_other_bytes_is_fetched_again(served, tmp_path, content):
    part = tmp_path / "copy" / "signals" / "c" / "0" / "0" / "0.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    assert_whole(contents(tmp_path / "copy"), content)


def test_a_changed_object_of_an_unfinished_folder_is_refused(served, tmp_path):
    bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    (tmp_path / "copy" / "zarr.json").unlink()
    label = tmp_path / "copy" / "label" / "c" / "0"
    label.write_bytes(bytes(label.stat().st_size))
    with pytest.raises(StoreError, match="label/c/0 differs in its bytes"):
        bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")


def test_an_edited_card_comes_along(served, tmp_path, content):
    (tmp_path / "served" / "eyes.zarr" / "README.md").write_text("where it came from")
    bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text() == "where it came from"
    assert_whole(contents(tmp_path / "copy"), content, card=False)
    assert bids_dl.pull(f"{served.url}/eyes.zarr", tmp_path / "copy").state == "present"


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_pull_that_was_ended_is_resumed_by_the_same_command(served, tmp_path, content, sent):
    copy = tmp_path / "copy"
    command = [sys.executable, "-m", "bids_dl", "pull", f"{served.url}/eyes.zarr", str(copy)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (copy / "unfinished.json").exists() and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, sent)
    _, errors = process.communicate(timeout=60)
    if sent == signal.SIGINT and process.returncode:
        assert process.returncode == 130
        assert "run the same command again to resume" in errors
    assert_none_or_whole(contents(copy), content)
    subprocess.run(command, check=True, capture_output=True)
    assert_whole(contents(copy), content)
