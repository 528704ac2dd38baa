"""Folders on disk have the paths that fsspec gives them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from fsspec.core import url_to_fs

from bids_dl.remote.disk_files import disk_path
from bids_dl.remote.location import Location

posix = pytest.mark.skipif(os.sep != "/", reason="fsspec knows the drives of Windows")


@posix
@pytest.mark.parametrize(
    "path",
    ["/a/b", "/a/b/", "/", "//a//b/", "a", "./a", "./a/", ".", "./", "../x", "a/../b", ".a", "x y"],
)
def test_a_path_on_disk_is_that_of_fsspec(path):
    _, expected = url_to_fs(path)
    assert disk_path(path, {}) == expected.rstrip("/")


@pytest.mark.parametrize(
    "url", ["s3://b/a", "memory://a", "file:///a", "~/a", "zip::/a.zip", "C:/a"]
)
def test_other_urls_are_left_to_fsspec(url):
    assert disk_path(url, {}) is None


@posix
def test_options_of_the_file_system_are_left_to_fsspec_but_not_those_of_the_location():
    assert disk_path("/a", {"auto_mkdir": True}) is None
    assert disk_path("/a", {"retry_timeout": 3}) == "/a"
    assert Location("/a", {"auto_mkdir": True}).is_local


@posix
def test_a_store_on_disk_is_described_without_the_clients_of_servers(tmp_path):
    code = (
        "import sys; from bids_dl.remote.location import Location; "
        f"folder = Location({str(tmp_path)!r}); folder.write('a', b'1'); folder.read('a'); "
        "print({'fsspec', 'asyncio', 'aiohttp'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
