from __future__ import annotations

import hashlib
import shutil
from urllib.parse import unquote

import pytest
from bucket import objects_at
from copied_stores import assert_whole, is_store

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, StoreError
from bids_dl.remote.location import Location

DEST = "s3://bucket/public/eyes.zarr"


def push(store, dest=DEST, **more):
    return bids_dl.push(store, dest, **more)


def writes(faulty):
    return [request for request in faulty.requests if request.startswith(("PUT", "POST", "DELETE"))]


def test_a_bucket_gets_a_whole_store_root_last(eyes_store, content, options, faulty):
    progress = []
    outcome = push(
        eyes_store, storage_options=options, on_progress=lambda *values: progress.append(values)
    )
    assert (outcome.state, outcome.address) == ("sent", DEST)
    assert outcome.unchecked == 0
    assert_whole(objects_at(DEST, options), content)
    sent = [unquote(request.partition("eyes.zarr/")[2]) for request in writes(faulty)]
    assert sent[0] == "unfinished.json"
    assert sent[-3:-1] == ["manifest.json", "zarr.json"]
    assert progress[0] == ("send", 0, content.n_bytes)
    assert progress[-1] == ("send", content.n_bytes, content.n_bytes)
    assert bids_dl.verify(DEST, storage_options=options).damages == ()


def test_a_second_push_sends_nothing(eyes_store, options, faulty):
    push(eyes_store, storage_options=options)
    faulty.fail()
    outcome = push(eyes_store, storage_options=options)
    assert (outcome.state, outcome.copied_objects) == ("present", 0)
    assert writes(faulty) == []


def test_another_store_at_the_same_place_is_refused(eyes_store, other_store, content, options):
    push(eyes_store, storage_options=options)
    with pytest.raises(StoreError, match="holds another store") as caught:
        push(other_store, storage_options=options)
    assert caught.value.exit_status == 2
    assert_whole(objects_at(DEST, options), content)


def test_facts_that_a_finished_copy_does_not_state_are_refused(eyes_store, tmp_path):
    dest = tmp_path / "eyes.zarr"
    push(eyes_store, dest, doi="10.5281/zenodo.1")
    card = (dest / "README.md").read_bytes()
    assert push(eyes_store, dest, doi="10.5281/zenodo.1").state == "present"
    assert push(eyes_store, dest).state == "present"
    with pytest.raises(StoreError, match=r"whose README\.md does not state these doi"):
        push(eyes_store, dest, doi="10.5281/zenodo.2")
    assert (dest / "README.md").read_bytes() == card


def test_a_file_is_no_destination(eyes_store, tmp_path):
    (tmp_path / "eyes.zip").write_bytes(b"a")
    with pytest.raises(StoreError, match=r"eyes\.zip: is a file; nothing there is replaced"):
        push(eyes_store, tmp_path / "eyes.zip")


@pytest.mark.parametrize("author", ["", " "])
def test_a_blank_author_is_refused(eyes_store, tmp_path, author):
    with pytest.raises(ConfigError, match="author"):
        push(eyes_store, tmp_path / "eyes.zarr", author=author)
    assert not (tmp_path / "eyes.zarr").exists()


def test_a_folder_can_be_a_destination(eyes_store, content, tmp_path):
    push(eyes_store, tmp_path / "a" / "eyes.zarr")
    assert_whole(objects_at(str(tmp_path / "a" / "eyes.zarr")), content)


def test_a_store_is_pushed_from_a_bucket(eyes_store, content, options):
    push(eyes_store, storage_options=options)
    push(DEST, "s3://bucket/again.zarr", storage_options=options)
    assert_whole(objects_at("s3://bucket/again.zarr", options), content)


def test_a_dry_run_writes_nothing(eyes_store, content, options, faulty):
    outcome = push(eyes_store, storage_options=options, dry_run=True)
    assert (outcome.state, outcome.copied_bytes) == ("planned", content.n_bytes)
    assert outcome.rights.licence == "CC0-1.0"
    assert writes(faulty) == []


def test_licences_are_told_before_anything_is_sent(eyes_store, options, faulty):
    told = []

    def on_message(text):
        told.append((text, len(writes(faulty))))

    push(eyes_store, storage_options=options, on_message=on_message)
    assert told[0] == ("licence: CC0-1.0", 0)


@pytest.mark.parametrize("name", ["signals/c/0/0/0", "label/c/0"])
def test_a_damaged_store_is_never_sent(eyes_store, tmp_path, options, name):
    store = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    damaged = bytearray((store / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (store / name).write_bytes(damaged)
    with pytest.raises(DamagedStoreError, match=name):
        push(store, storage_options=options)
    objects = objects_at(DEST, options)
    assert not is_store(objects)
    assert name not in objects


def test_an_unfinished_store_is_refused(eyes_store, tmp_path, options):
    store = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    (store / "zarr.json").rename(store / "unfinished.json")
    with pytest.raises(StoreError, match="not finished"):
        push(store, storage_options=options)


def test_a_missing_bucket_is_named(eyes_store, options):
    with pytest.raises(StoreError, match="the bucket does not exist"):
        push(eyes_store, "s3://nowhere/eyes.zarr", storage_options=options)


def test_a_web_address_is_refused(eyes_store):
    with pytest.raises(StoreError, match="read-only"):
        push(eyes_store, "https://127.0.0.1:9/eyes.zarr")


def test_a_store_is_not_pushed_onto_itself(eyes_store):
    with pytest.raises(ConfigError, match="is the store itself"):
        push(eyes_store, eyes_store)


@pytest.mark.parametrize("option", [{"private": True}, {"message": "text"}])
def test_options_of_repositories_are_refused(eyes_store, option):
    with pytest.raises(ConfigError, match="has no effect"):
        push(eyes_store, DEST, **option)


def test_an_object_that_was_changed_there_is_not_taken_for_ours(eyes_store, content, options):
    push(eyes_store, storage_options=options)
    location = Location(DEST, options)
    location.remove("zarr.json")
    entry = content.entries["label/c/0"]
    location.write("label/c/0", bytes(entry.n_bytes))
    with pytest.raises(StoreError, match="label/c/0 differs in its bytes"):
        push(eyes_store, storage_options=options)


def test_a_check_reads_everything_back(eyes_store, content, options):
    push(eyes_store, storage_options=options, check=True)
    entry = content.entries["label/c/0"]
    Location(DEST, options).write("label/c/0", bytes(entry.n_bytes))
    with pytest.raises(DamagedStoreError, match="1 object differ"):
        push(eyes_store, storage_options=options, check=True)


def test_a_doi_is_in_the_card_of_the_copy_alone(eyes_store, content, options):
    told = {"doi": "10.5281/zenodo.1234", "author": "Ada Lovelace"}
    push(eyes_store, storage_options=options, **told)
    objects = objects_at(DEST, options)
    assert_whole(objects, content, card=False)
    card = objects["README.md"].decode()
    assert "10.5281/zenodo.1234" in card
    assert "Ada Lovelace" in card
    assert DEST in card
    assert push(eyes_store, storage_options=options).state == "present"
    verification = bids_dl.verify(DEST, storage_options=options)
    assert verification.exit_status == 0


def test_a_server_that_stores_other_bytes_is_found(eyes_store, options, monkeypatch):
    real = Location.call_s3

    def call(self, method, **parameters):
        if method == "put_object" and parameters["Key"].endswith("label/c/0"):
            parameters["Body"] = bytes(len(parameters["Body"]))
            parameters.pop("ChecksumSHA256")
        return real(self, method, **parameters)

    monkeypatch.setattr(Location, "call_s3", call)
    with pytest.raises(DamagedStoreError, match="label/c/0"):
        push(eyes_store, storage_options=options)
    assert not is_store(objects_at(DEST, options))


def test_a_conversion_that_takes_over_meanwhile_ends_the_push(eyes_store, options, faulty):
    def take_over(request):
        if request.endswith("plan.json") and "PUT" in request:
            faulty.on_write = lambda _: None
            server = {"endpoint_url": f"http://127.0.0.1:{faulty.port}"}  # not behind the faults
            Location(DEST, options | {"client_kwargs": server}).write("unfinished.json", b"{}")

    faulty.on_write = take_over
    with pytest.raises(StoreError, match="somebody else writes to it"):
        push(eyes_store, storage_options=options, jobs=1)
    assert not is_store(objects_at(DEST, options))


def test_the_root_there_is_the_root_here(eyes_store, options):
    push(eyes_store, storage_options=options)
    root = objects_at(DEST, options)["zarr.json"]
    assert (
        hashlib.sha256(root).digest()
        == hashlib.sha256((eyes_store / "zarr.json").read_bytes()).digest()
    )
