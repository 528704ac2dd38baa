from __future__ import annotations

import hashlib

import pytest
from faulty_server import FaultyServer

from bids_dl.errors import StoreError
from bids_dl.publishing.conditional_objects import ExistingObjectError, has_object, write_new
from bids_dl.publishing.content import ObjectEntry
from bids_dl.remote.location import Location

CONTENT = b"some bytes"
ENTRY = ObjectEntry("a/b", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
OTHER = ObjectEntry("a/b", len(CONTENT), hashlib.sha256(b"some Bytes").hexdigest())


@pytest.fixture(params=["folder", "bucket", "memory"])
def location(request, tmp_path) -> Location:
    if request.param == "bucket":
        return Location("s3://bucket/x", request.getfixturevalue("options"))
    url = {"folder": str(tmp_path / "x"), "memory": f"memory://{tmp_path.name}/x"}
    return Location(url[request.param])


def test_an_object_is_written_once_and_never_replaced(location):
    write_new(location, "a/b", CONTENT)
    with pytest.raises(ExistingObjectError):
        write_new(location, "a/b", b"other bytes")
    assert location.read("a/b") == CONTENT
    assert location.list() == ["a/b"]


def test_an_object_that_is_read_has_the_bytes_of_its_entry_or_not(location):
    write_new(location, "a/b", CONTENT)
    assert has_object(location, ENTRY, reads=True)
    assert has_object(location, OTHER, reads=True) is False
    assert has_object(location, ObjectEntry("a/b", 3, ENTRY.sha256), reads=False) is False


def test_a_missing_object_is_an_error(location):
    with pytest.raises(FileNotFoundError):
        has_object(location, ENTRY, reads=False)


def test_a_bucket_compares_without_reading(options, faulty: FaultyServer):
    location = Location("s3://bucket/x", options)
    write_new(location, "a/b", CONTENT)
    faulty.fail()
    assert has_object(location, ENTRY, reads=False)
    assert has_object(location, OTHER, reads=False) is False
    assert {request.split()[0] for request in faulty.requests} == {"HEAD"}


def test_a_bucket_that_states_no_checksum_is_unknown(options):
    location = Location("s3://bucket/x", options)
    location.write("a/b", CONTENT)
    assert has_object(location, ENTRY, reads=False) is None


def test_the_checksum_of_parts_is_none_of_the_object(options, monkeypatch):
    location = Location("s3://bucket/x", options)
    head = {"ContentLength": len(CONTENT), "ChecksumSHA256": "AAAA-3"}
    monkeypatch.setattr(Location, "call_s3", lambda *_, **__: head)
    assert has_object(location, ENTRY, reads=False) is None


def test_an_object_too_large_for_one_request_is_refused(options, monkeypatch):
    monkeypatch.setattr("bids_dl.publishing.conditional_objects.MAX_PUT_BYTES", 5)
    with pytest.raises(StoreError, match="a/b has 10 bytes, more than 5 of one request"):
        write_new(Location("s3://bucket/x", options), "a/b", CONTENT)


def test_a_try_whose_answer_was_lost_has_written(options, faulty: FaultyServer):
    faulty.fail("lost", share=1.0)
    location = Location("s3://bucket/x", options)
    with pytest.raises((ExistingObjectError, StoreError)):
        write_new(location, "a/b", CONTENT)
    faulty.fail()
    assert has_object(location, ENTRY, reads=True)


def test_a_folder_keeps_no_temporary_file(tmp_path):
    location = Location(str(tmp_path))
    write_new(location, "a", CONTENT)
    with pytest.raises(ExistingObjectError):
        write_new(location, "a", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
