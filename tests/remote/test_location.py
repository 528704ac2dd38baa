"""Objects are written, listed and removed alike on disk and in memory; options are checked."""

from __future__ import annotations

import warnings

import pytest

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location


@pytest.fixture(params=["disk", "memory"])
def location(request, tmp_path) -> Location:
    location = Location(str(tmp_path / "place") if request.param == "disk" else "memory://place")
    location.remove()
    return location


def test_objects_are_read_listed_and_removed(location):
    assert location.list() == []
    location.write("a", b"0123456789")
    location.write("folder/b", b"")
    assert location.sizes() == {"a": 10, "folder/b": 0}
    assert location.read("a", 2, 5) == b"234"
    assert location.read("a", -3) == b"789"
    location.remove("a")
    location.remove("a")
    assert location.list() == ["folder/b"]
    location.remove()
    assert not location.exists()


def test_a_missing_object_is_a_file_not_found_error(location):
    with pytest.raises(FileNotFoundError):
        location.read("nothing")


def test_checking_that_a_location_is_writable_leaves_nothing(location):
    location.check_writable()
    assert not location.exists()


def test_a_web_location_cannot_be_listed_or_written():
    location = Location("http://127.0.0.1:9/a.zarr")
    for request in (location.list, lambda: location.write("a", b"")):
        with pytest.raises(StoreError, match=r"http\(s\) URLs are read-only; write to a folder"):
            request()


@pytest.mark.parametrize("value", ["long", -1, True, float("inf")])
def test_a_retry_timeout_must_be_a_number_of_seconds(value):
    location = Location("memory://a", {"retry_timeout": value})
    message = r"retry_timeout must be a number of seconds, 0 or more, got "
    with pytest.raises(StoreError, match=message):
        assert location.retry_timeout


def test_the_former_name_of_retry_timeout_is_accepted_with_a_warning():
    with pytest.warns(DeprecationWarning, match="'patience' is now called 'retry_timeout'"):
        assert Location("memory://a", {"patience": 2}).retry_timeout == 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Location("memory://a", {"retry_timeout": 2}).retry_timeout == 2.0
        assert Location("memory://a").retry_timeout == 30.0


def test_options_are_not_in_the_repr():
    assert "secret" not in repr(Location("s3://bucket", {"secret": "secretvalue"}))
