"""Files on the hub are resolved once, renewed, listed; the token goes to the hub only."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Iterator

import pytest
from hub_repository import HubRepository
from hub_server import TOKEN, HubServer, use_hub

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_client import HttpClient
from bids_dl.remote.hub.hub_objects import open_hub
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader

URL = "hf://datasets/lab/eyes/eyes.zarr"
SHARD = bytes(range(256)) * 40
SMALL = b'{"small": 1}'
QUICK = {"retry_timeout": 0}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub, use_hub(hub, token=None):
        yield hub


@pytest.fixture
def repository(hub: HubServer) -> HubRepository:
    repository = hub.add_repository("lab/eyes")
    repository.put({"eyes.zarr/signals/c/0": SHARD, "eyes.zarr/zarr.json": SMALL, "README.md": b""})
    return repository


@pytest.fixture
def location(repository: HubRepository) -> Location:
    return Location(URL, QUICK).pinned()


def resolves(hub: HubServer) -> list[str]:
    return hub.log.lines("/resolve/")


@pytest.mark.parametrize(
    ("start", "stop"),
    [(None, None), (0, 10), (4, 9), (-8, None), (-8, -2), (5, None), (5, 99_999), (5, 5)],
)
@pytest.mark.parametrize(
    ("name", "content"), [("signals/c/0", SHARD), ("zarr.json", SMALL)], ids=["large", "small"]
)
def test_a_file_and_its_ranges_are_read_back(location, name, content, start, stop):
    assert location.read(name, start, stop) == content[start:stop]


def test_many_ranges_of_a_file_need_one_resolve(hub, location):
    ranges = [ByteRange("signals/c/0", start, 100, None) for start in range(0, 2000, 100)]
    hub.delay = 0.02
    contents = RangeReader(location).read(ranges)
    assert b"".join(bytes(content) for content in contents) == SHARD[:2000]
    assert location.read("signals/c/0") == SHARD
    assert len(resolves(hub)) == 1


def test_a_file_that_was_read_whole_is_not_resolved_for_its_ranges(hub, location):
    location.read("signals/c/0")
    location.read("signals/c/0", 0, 5)
    assert location.size("signals/c/0") == len(SHARD)
    assert len(resolves(hub)) == 1


def test_a_branch_is_never_remembered(hub, repository):
    location = Location(URL, QUICK)
    assert location.read("signals/c/0", 0, 2) == SHARD[:2]
    repository.put({"eyes.zarr/signals/c/0": SHARD[::-1]})
    assert location.read("signals/c/0", 0, 2) == SHARD[::-1][:2]


def test_a_pinned_location_stays_at_its_commit(hub, repository):
    old = Location(URL, QUICK).pinned()
    repository.put({"eyes.zarr/zarr.json": b"new"})
    assert old.read("zarr.json") == SMALL
    assert Location(URL, QUICK).pinned().read("zarr.json") == b"new"
    assert old.pinned().url == old.url


def test_a_tag_is_pinned_to_its_commit(repository):
    repository.tags["v1"] = repository.branches["main"]
    pinned = Location("hf://datasets/lab/eyes@v1/eyes.zarr").pinned()
    assert pinned.url == f"hf://datasets/lab/eyes@{repository.branches['main']}/eyes.zarr"


@pytest.mark.parametrize("is_amazon", [False, True])
def test_an_address_is_renewed_before_it_expires(hub, location, is_amazon):
    hub.storage.is_amazon = is_amazon
    hub.storage.signed_seconds = 2
    location.read("signals/c/0", 0, 5)
    time.sleep(2.0)
    assert location.read("signals/c/0", 0, 5) == SHARD[:5]
    assert len(resolves(hub)) == 2
    assert {request.status for request in hub.log.requests if request.is_storage} == {206}


def test_a_refused_address_is_renewed_once_for_all_ranges(hub, location):
    location.read("signals/c/0", 0, 5)
    hub.log.fail("denied", "^GET /stored/", times=4)
    ranges = [ByteRange("signals/c/0", start, 100, None) for start in range(0, 400, 100)]
    contents = RangeReader(location).read(ranges)
    assert b"".join(bytes(content) for content in contents) == SHARD[:400]
    assert len(resolves(hub)) == 2


def test_an_address_that_is_expired_at_once_is_an_error_after_one_renewal(hub, location):
    hub.log.fail("expired", "/resolve/", times=9)
    with pytest.raises(StoreError, match="refuses the address that the hub has just given"):
        location.read("signals/c/0", 0, 5)
    assert len(resolves(hub)) == 2


@pytest.mark.parametrize("kind", ["error", "reset", "short", "dropped"])
@pytest.mark.parametrize("pattern", ["/resolve/", "^GET /stored/"])
def test_a_fault_of_the_hub_or_its_storage_is_retried(hub, location, kind, pattern):
    hub.log.fail(kind, pattern)
    assert location.read("signals/c/0", 0, 100) == SHARD[:100]
    hub.log.fail(kind, pattern)
    assert location.read("signals/c/0") == SHARD


def test_the_token_is_sent_to_the_hub_only(hub):
    repository = hub.add_repository("lab/own", is_private=True)
    repository.put({"eyes.zarr/signals/c/0": SHARD})
    location = Location("hf://datasets/lab/own/eyes.zarr", {"token": TOKEN}).pinned()
    assert location.read("signals/c/0") == SHARD
    assert location.read("signals/c/0", 0, 5) == SHARD[:5]
    for request in hub.log.requests:
        assert ("Authorization" in request.headers) == (not request.is_storage)


def test_the_token_of_the_person_who_is_logged_in_is_used_unless_refused(hub):
    hub.add_repository("lab/own", is_private=True).put({"eyes.zarr/zarr.json": SMALL})
    with use_hub(hub, token=TOKEN):
        assert Location("hf://datasets/lab/own/eyes.zarr").read("zarr.json") == SMALL
        with pytest.raises(StoreError, match="not there, or not public"):
            Location("hf://datasets/lab/own/eyes.zarr", {"token": False}).read("zarr.json")


def test_no_secret_is_pickled_or_shown(hub, repository):
    with use_hub(hub, token=TOKEN):
        location = Location(URL).pinned()
        location.read("signals/c/0", 0, 5)
        reader = RangeReader(location)
        reader.read([ByteRange("signals/c/0", 0, 5, None)])
        for item in (location, reader):
            content = pickle.dumps(item) + repr(item).encode()
            assert TOKEN.encode() not in content
            assert b"Signature" not in content
            assert b"/stored/" not in content
        assert pickle.loads(pickle.dumps(location)).read("zarr.json") == SMALL


@pytest.mark.parametrize("kind", ["denied", "error", "reset", "short"])
def test_no_signed_address_is_in_a_message(hub, location, kind):
    hub.log.fail(kind, "^GET /stored/", times=99)
    with pytest.raises((StoreError, OSError)) as caught:
        location.read("signals/c/0")
    error: BaseException | None = caught.value
    while error is not None:
        assert not re.search(r"Signature|Expires|/stored/", f"{error} {error!r}")
        error = error.__cause__ or error.__context__


def test_files_are_listed_with_their_checksums(hub, location):
    hub.page_entries = 1
    assert location.sizes() == {"signals/c/0": len(SHARD), "zarr.json": len(SMALL)}
    assert "lfs" in location.entries()["signals/c/0"]
    assert location.child("nothing").list() == []


def test_files_and_the_folder_exist_or_not(location):
    assert location.exists()
    assert location.exists("zarr.json")
    assert not location.exists("nothing")
    assert not location.child("nothing").exists()
    with pytest.raises(FileNotFoundError):
        location.read("nothing")


def test_a_repository_that_is_missing_is_not_there_or_not_public(hub):
    message = r"hf://datasets/lab/none/a: not there, or not public \(HTTP 401\); .* set HF_TOKEN"
    with pytest.raises(StoreError, match=message):
        Location("hf://datasets/lab/none/a").pinned()
    with pytest.raises(StoreError, match="not there, or the token may not read it"):
        Location("hf://datasets/lab/none/a", {"token": TOKEN}).pinned()


def test_a_folder_or_a_whole_repository_has_a_name_without_its_revision(repository):
    assert Location("hf://datasets/lab/eyes@v1/eyes.zarr").name == "eyes.zarr"
    whole = Location("hf://datasets/lab/eyes").pinned()
    assert whole.name == "eyes"
    assert whole.read("eyes.zarr/zarr.json") == SMALL
    assert "README.md" in whole.list()


def test_a_missing_revision_is_named(repository):
    with pytest.raises(StoreError, match="lab/eyes has no revision 'v9'"):
        Location("hf://datasets/lab/eyes@v9/eyes.zarr").pinned()


@pytest.mark.parametrize(
    "write",
    [
        lambda location: location.write("a", b""),
        lambda location: location.remove_all(["a"]),
        lambda location: location.check_writable(),
    ],
)
def test_writing_is_refused_with_the_way(location, write):
    message = rf"convert to a folder, then run `bids-dl push FOLDER {URL}`"
    with pytest.raises(StoreError, match=message):
        write(location)


@pytest.mark.parametrize("headers", [("Retry-After",), ("RateLimit",)])
def test_the_hub_is_not_asked_while_it_asks_to_wait(hub, location, headers):
    fault = hub.log.fail("busy", "/resolve/", seconds=1)
    fault.headers = headers
    ranges = [ByteRange("signals/c/0", start, 100, None) for start in range(0, 400, 100)]
    start = time.monotonic()
    contents = RangeReader(location).read(ranges)
    assert b"".join(bytes(content) for content in contents) == SHARD[:400]
    assert time.monotonic() - start >= 1
    assert len(resolves(hub)) == 2


def test_a_wait_beyond_the_limit_is_refused_at_once(hub, location):
    hub.log.fail("busy", "/resolve/", times=99, seconds=7200)
    message = r"no more requests for now \(HTTP 429\), and asks to wait for 7\d\d\d s"
    with pytest.raises(StoreError, match=message):
        location.read("signals/c/0", 0, 5)
    assert len(resolves(hub)) == 1
    (content,) = RangeReader(location).read([ByteRange("signals/c/0", 0, 5, None)])
    assert re.search(message, str(content))
    assert len(resolves(hub)) == 1


@pytest.mark.parametrize("options", [{"tokn": "a"}, {"token": 3}])
def test_a_wrong_storage_option_is_refused(options):
    with pytest.raises(StoreError, match=rf"{URL}: .*storage option"):
        open_hub(URL, options)


def test_a_file_of_the_hub_is_fetched_into_the_cache_of_files(hub, location, tmp_path):
    file = RemoteFile(len(SHARD), urls=(f"{location.url}/signals/c/0",))
    cache = ObjectCache(tmp_path)
    with HttpClient() as client:
        cache.fetch(file, client)
        cache.fetch_ranges(file, [(0, 10), (50, 60)], client)
    assert cache.path_of(file).read_bytes() == SHARD
    assert len(resolves(hub)) == 1
    names = [str(path) for path in tmp_path.rglob("*")]
    assert not [name for name in names if "stored" in name or "Signature" in name]
