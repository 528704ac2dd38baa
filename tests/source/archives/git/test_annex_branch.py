"""Remotes and logs of branch git-annex."""

from __future__ import annotations

import base64

import pytest

from bids_dl.source.archives.git.annex import parse_key
from bids_dl.source.archives.git.annex_branch import (
    BucketBases,
    KeyLogs,
    is_chunked,
    object_url,
    parse_remotes,
    parse_versions,
    parse_web_urls,
    urls_of,
)

UUID = "57894849-d0c8-4c62-8418-3627be18a196"
EXPORT = (
    f"{UUID} bucket=openneuro.org datacenter=US encryption=none exporttree=yes fileprefix=ds1/ "
    "host=s3.amazonaws.com name=s3-PUBLIC public=yes "
    "publicurl=http://openneuro.org.s3.amazonaws.com/ type=S3 versioning=yes timestamp=200.5s"
)
OBJECTS = (
    "u2 bucket=nemar datacenter=us-east-2 encryption=none fileprefix=nm1/objects/ name=nemar "
    "public=yes type=S3 timestamp=100s"
)
KEY = parse_key("MD5E-s3--900150983cd24fb0d6963f7d28e17f72.edf")
PATH = "sub-01/eeg/sub-01_eeg.edf"


def test_a_bucket_is_addressed_by_path_and_encrypted():
    bases = [remote.base for remote in parse_remotes(f"{EXPORT}\n{OBJECTS}\n")]
    assert bases == [
        "https://s3.amazonaws.com/openneuro.org",
        "https://s3.us-east-2.amazonaws.com/nemar",
    ]


def test_the_newest_line_of_a_remote_counts():
    older = EXPORT.replace("fileprefix=ds1/", "fileprefix=old/").replace("200.5s", "100s")
    for text in (f"{EXPORT}\n{older}", f"{older}\n{EXPORT}"):
        assert [remote.prefix for remote in parse_remotes(text)] == ["ds1/"]


@pytest.mark.parametrize(
    ("remote", "trust"),
    [
        (EXPORT, f"{UUID} X timestamp=5s"),
        (EXPORT, f"{UUID} 1 timestamp=4s\n{UUID} X timestamp=5s"),
        (EXPORT.replace("encryption=none", "encryption=shared"), ""),
        (EXPORT.replace("public=yes", "").replace("publicurl=", "x="), ""),
        (EXPORT.replace("type=S3", "type=rsync"), ""),
        ("garbage", ""),
        ("", ""),
    ],
)
def test_dead_and_private_remotes_are_omitted(remote, trust):
    assert parse_remotes(remote, trust) == ()


def test_a_remote_that_was_revived_counts():
    assert parse_remotes(EXPORT, f"{UUID} X timestamp=5s\n{UUID} 1 timestamp=6s")


def test_blanks_in_values_are_read():
    assert parse_remotes(EXPORT.replace("s3-PUBLIC", "a&32;b"))[0].name == "a b"


def test_the_newest_version_of_the_remote_comes_first():
    text = f"100s {UUID}:V +old#ds1/a\n300.5s other:V +x#ds1/a\n200.25s {UUID}:V +new#ds1/a\n"
    assert [version.version_id for version in parse_versions(text, UUID)] == ["new", "old"]


def test_an_encoded_version_is_decoded():
    value = base64.b64encode(b"v1#ds1/with blank").decode()
    (version,) = parse_versions(f"1s {UUID}:V +!{value}", UUID)
    assert (version.version_id, version.path) == ("v1", "ds1/with blank")


def test_several_versions_of_one_line_are_read():
    text = f"1s {UUID}:V +v1#ds1/a +v2#ds1/b {UUID}:X +v3#ds1/c"
    assert [version.path for version in parse_versions(text, UUID)] == ["ds1/a", "ds1/b"]


def test_a_withdrawn_version_is_omitted():
    text = f"1s {UUID}:V +v1#ds1/a +v2#ds1/a\n2s {UUID}:V -v1#ds1/a"
    assert [version.version_id for version in parse_versions(text, UUID)] == ["v2"]


@pytest.mark.parametrize("text", ["", "x", f"1s {UUID}:V", f"1s {UUID}:V +!%", f"1s {UUID}:V +v1"])
def test_a_damaged_log_has_no_version(text):
    assert parse_versions(text, UUID) == ()


def test_addresses_that_were_withdrawn_or_are_no_http_are_omitted():
    text = "1s 1 https://a.org/x\n2s 0 https://a.org/x\n1s 1 yt:https://b.org\n1s 1 http://c.org/x"
    assert parse_web_urls(text) == ("http://c.org/x",)


def test_chunks_of_the_remote_are_found():
    assert is_chunked(f"1s {UUID}:1048576 9", UUID)
    assert not is_chunked(f"1s {UUID}:1048576 9\n2s {UUID}:1048576 0", UUID)
    assert not is_chunked("1s other:1048576 9", UUID)


def test_paths_and_versions_are_encoded():
    url = object_url("http://127.0.0.1:1/b", "ds1/ä b+c#d?.edf", "a/+=")
    assert url == "http://127.0.0.1:1/b/ds1/%C3%A4%20b%2Bc%23d%3F.edf?versionId=a%2F%2B%3D"


def test_the_exact_version_is_tried_before_the_newest():
    logs = KeyLogs(versions=f"1s {UUID}:V +v1#ds1/{PATH}", web="1s 1 https://web.org/x")
    bases = BucketBases({"openneuro.org": "http://127.0.0.1:1/openneuro.org"})
    urls = urls_of(KEY, PATH, logs, remotes=parse_remotes(EXPORT), bases=bases)
    assert urls == (
        f"http://127.0.0.1:1/openneuro.org/ds1/{PATH}?versionId=v1",
        f"http://127.0.0.1:1/openneuro.org/ds1/{PATH}",
        "https://web.org/x",
    )


def test_the_version_at_the_path_of_the_file_is_tried_first():
    logs = KeyLogs(versions=f"1s {UUID}:V +v1#ds1/copy.edf +v2#ds1/{PATH}")
    urls = urls_of(KEY, PATH, logs, remotes=parse_remotes(EXPORT), bases=BucketBases())
    assert [url.rpartition("=")[2] for url in urls[:2]] == ["v2", "v1"]


def test_an_object_is_named_by_its_key_unless_it_is_chunked():
    remotes = parse_remotes(OBJECTS)
    url = f"https://s3.us-east-2.amazonaws.com/nemar/nm1/objects/{KEY.text}"
    assert urls_of(KEY, PATH, KeyLogs(), remotes=remotes, bases=BucketBases()) == (url,)
    chunked = KeyLogs(chunks="1s u2:1000 3")
    assert urls_of(KEY, PATH, chunked, remotes=remotes, bases=BucketBases()) == ()
