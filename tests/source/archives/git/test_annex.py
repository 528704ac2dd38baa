"""Keys, links and pointer files of git-annex."""

from __future__ import annotations

import hashlib

import pytest

from bids_dl.source.archives.git.annex import parse_key, parse_link, parse_pointer

DIGEST = "d614929593bf2a7cccea90bea67255f4"
KEY = f"MD5E-s12102144--{DIGEST}.bdf"


def test_the_folder_of_a_key_is_that_of_git_annex():
    key = parse_key(KEY)
    assert key.log_path(".log.rmet") == f"9ce/c07/{KEY}.log.rmet"


@pytest.mark.parametrize(
    ("backend", "algorithm"),
    [("MD5", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256"), ("SHA512", "sha512")],
)
@pytest.mark.parametrize("ending", ["", ".nii.gz"])
def test_a_digest_in_a_key_is_its_checksum(backend, algorithm, ending):
    digest = hashlib.new(algorithm, b"x").hexdigest()
    key = parse_key(f"{backend}{'E' if ending else ''}-s1--{digest}{ending}")
    assert (key.size, key.algorithm, key.checksum) == (1, algorithm, digest)


@pytest.mark.parametrize(
    "text",
    [
        "WORM-s5-m1289672605--a--b.txt",
        "URL-s5--http&c%%example.org%x",
        "BLAKE2B512E-s5--abc.edf",
        f"SHA256E-s5--{DIGEST}.edf",
    ],
)
def test_a_key_without_a_supported_digest_has_a_size_only(text):
    key = parse_key(text)
    assert (key.size, key.algorithm, key.checksum) == (5, "", "")


def test_a_key_without_size_has_none():
    assert parse_key(f"MD5--{DIGEST}").size is None


def test_a_chunk_is_told_from_the_whole():
    key = parse_key(f"SHA256E-s900-S100-C3--{'0' * 64}.edf")
    assert (key.size, key.chunk_bytes, key.chunk_number) == (900, 100, 3)


@pytest.mark.parametrize("text", ["", "README", "md5-s1--x", "MD5-s1-x", "MD5-s--x", "MD5-s1--"])
def test_other_text_is_no_key(text):
    assert parse_key(text) is None


@pytest.mark.parametrize(
    "target",
    [
        f".git/annex/objects/Xx/9k/{KEY}/{KEY}",
        f"../../.git/annex/objects/Xx/9k/{KEY}/{KEY}",
        f"..\\..\\.git\\annex\\objects\\Xx\\9k\\{KEY}\\{KEY}",
        f"../.git/modules/ds1/annex/objects/9ce/c07/{KEY}/{KEY}",
        f"/data/ds1/.git/annex/objects/Xx/9k/{KEY}/{KEY}",
    ],
)
def test_a_link_into_the_annex_has_a_key(target):
    assert parse_link(target).text == KEY


@pytest.mark.parametrize(
    "target", ["../sub-01_eeg.edf", f"../{KEY}", "annex/objects/sub-01_eeg.edf", "/etc/passwd"]
)
def test_another_link_has_no_key(target):
    assert parse_link(target) is None


@pytest.mark.parametrize(
    "content",
    [
        f"/annex/objects/{KEY}",
        f"/annex/objects/{KEY}\n",
        f"/annex/objects/{KEY}\r\n",
        f"\\annex\\objects\\{KEY}\r\n",
        f"/annex/objects/{KEY}\nanother line\n",
        f"../../.git/annex/objects/Xx/9k/{KEY}/{KEY}",
        f"..\\.git\\annex\\objects\\Xx\\9k\\{KEY}\\{KEY}\r\n",
    ],
)
def test_a_pointer_file_has_a_key(content):
    assert parse_pointer(content.encode()).text == KEY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"onset\tduration\n",
        b"the content is at /annex/objects/" + KEY.encode(),
        b"\xff\xfe/annex/objects/" + KEY.encode(),
        b"/annex/objects/" + KEY.encode() + b"\n" + bytes(40_000),
    ],
)
def test_other_content_is_no_pointer(content):
    assert parse_pointer(content) is None


def test_the_file_name_of_a_key_is_read_back():
    key = parse_key("URL--http://example.org/a%b&c")
    assert "/" not in key.file_name
    assert parse_link(f".git/annex/objects/x/{key.file_name}") == key
