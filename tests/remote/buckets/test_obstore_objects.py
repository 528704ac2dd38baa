"""A bucket by obstore alone: the same objects, ranges and errors as by s3fs."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys

import fsspec
import numpy as np
import pytest
import small_store
from moto.server import ThreadedMotoServer
from small_store import SmallStore

from bids_dl.errors import StoreError
from bids_dl.remote.buckets import obstore_objects
from bids_dl.remote.buckets.obstore_objects import ObstoreObjects, open_bucket
from bids_dl.remote.location import Location

SMALL = SmallStore()
URL = "s3://bucket/by-obstore/small.zarr"


@pytest.fixture(scope="module")
def address():
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    url = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
    options = options_of(url)
    fsspec.filesystem("s3", **options).makedirs("s3://bucket", exist_ok=True)
    small_store.write(URL, SMALL, storage_options=options)
    yield url
    moto.stop()


def options_of(url):
    return {"key": "testing", "secret": "testing", "client_kwargs": {"endpoint_url": url}}


@pytest.fixture
def location(address, monkeypatch):
    """Location of the store, as if s3fs were not installed."""
    monkeypatch.setattr(obstore_objects, "is_needed", lambda url: url.startswith("s3://"))
    monkeypatch.setattr(obstore_objects, "OBSTORE_PROCESS", [])
    location = Location(URL, options_of(address) | {"retry_timeout": 0.2})
    assert isinstance(location.served, ObstoreObjects)
    return location


def test_objects_and_listing_are_those_of_s3fs(location, address):
    s3fs = fsspec.filesystem("s3", **options_of(address))
    folder = URL.removeprefix("s3://")
    paths = sorted(s3fs.find(folder))
    names = [path.removeprefix(f"{folder}/") for path in paths]
    assert sorted(location.list()) == names
    for name, path in zip(names, paths, strict=True):
        assert location.read(name) == s3fs.cat_file(path)
        assert location.size(name) == s3fs.size(path)
    assert location.exists()
    assert location.exists(names[0])
    assert not location.exists("nowhere")


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (3, None), (None, 4), (-4, None), (-6, -2), (2, 10**6)]
)
def test_ranges_are_those_of_python(location, start, stop):
    content = location.read("zarr.json")
    assert location.read("zarr.json", start, stop) == content[slice(start, stop)]


def test_a_range_after_the_end_is_empty(location):
    size = location.size("zarr.json")
    assert location.read("zarr.json", size + 5, size + 9) == b""


def test_a_missing_object_and_a_large_one_are_refused(location):
    with pytest.raises(FileNotFoundError):
        location.read("nowhere")
    with pytest.raises(OSError, match="File too large"):
        location.read("zarr.json", max_bytes=10)


def test_nothing_is_written(location):
    with pytest.raises(StoreError, match="s3fs, which is not installed; run pip install s3fs"):
        location.check_writable()


def test_a_server_that_is_gone_is_one_line(monkeypatch):
    monkeypatch.setattr(obstore_objects, "is_needed", lambda url: url.startswith("s3://"))
    options = options_of("http://127.0.0.1:9") | {"retry_timeout": 0.1}
    with pytest.raises(StoreError) as info:
        Location("s3://bucket/x.zarr", options).read("zarr.json")
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "lab", "anon": True}, "option profile needs s3fs.*pip install s3fs"),
        ({"client_kwargs": {"verify": False}}, "option verify needs s3fs"),
        ({}, "no credentials in the environment"),
    ],
)
def test_what_only_s3fs_can_do_is_refused(monkeypatch, options, message):
    for name in obstore_objects.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreError, match=message):
        open_bucket("s3://bucket/x.zarr", options)


def test_credentials_of_the_environment_are_used_and_never_shown(monkeypatch):
    for name in obstore_objects.CREDENTIALS:
        monkeypatch.setenv(name, "qX7secret")
    objects = open_bucket("s3://bucket/x.zarr", {})
    assert objects.config["access_key_id"] == "qX7secret"
    assert "qX7secret" not in repr(objects)


def test_a_forked_process_is_refused_instead_of_waiting_for_ever(location, monkeypatch):
    monkeypatch.setattr(obstore_objects, "OBSTORE_PROCESS", [os.getpid() + 1])
    with pytest.raises(StoreError, match="multiprocessing_context='spawn'"):
        location.read("zarr.json")


@pytest.mark.slow
def test_a_store_streams_without_s3fs(address):
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 's3fs' else real(name, *a)\n"
        "import bids_dl, numpy as np\n"
        f"options = {options_of(address)!r}\n"
        f"stream = bids_dl.StreamingDataset({URL!r}, batch_size=8, storage_options=options)\n"
        "rows = np.concatenate([batch[2].numpy() for batch in stream])\n"
        "print(len(rows), len(set(rows.tolist())))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    n_rows, n_distinct = map(int, done.stdout.split())
    assert n_rows == n_distinct > 0
    assert np.isfinite(n_rows)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(obstore_objects).failed == 0
