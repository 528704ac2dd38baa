"""Files and JSON of unknown origin are read in bounded memory, or refused in one line."""

from __future__ import annotations

import doctest
import os

import pytest

from bids_dl import input as input_module
from bids_dl.input import MAX_JSON_DEPTH, open_regular, parse_json, read_regular, read_text


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(input_module).failed == 0


@pytest.mark.parametrize(
    ("start", "stop"), [(None, None), (3, None), (-4, None), (2, 5), (0, 100), (200, 300), (5, 2)]
)
def test_a_part_of_a_file_is_that_slice_of_its_bytes(tmp_path, start, stop):
    content = bytes(range(10))
    (tmp_path / "a").write_bytes(content)
    assert read_regular(tmp_path / "a", start, stop) == content[start:stop]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_devices_and_links_to_them_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/urandom"):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    (tmp_path / "a").write_text("a\r\nb\n")
    (tmp_path / "to_a").symlink_to("a")
    assert read_text(tmp_path / "to_a") == "a\nb\n"


def test_a_file_is_refused_by_its_size_before_it_is_read(tmp_path):
    (tmp_path / "a").touch()
    os.truncate(tmp_path / "a", 10**13)
    with pytest.raises(OSError, match="10000000000000 bytes, more than the 16000000"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 64 levels deep"),
        ("[" * 65 + "]" * 65, "nested more than 64 levels deep"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested more than 64 levels deep"),
        ("9" * 5000, "an integer is too long"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("[" + "0," * 4_000_000 + "0]", "more than 4000000 values"),
        ("{", "Expecting property name"),
        ("", "Expecting value"),
    ],
)
def test_json_that_would_harm_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)
    with pytest.raises(ValueError, match=message):
        parse_json(text.encode())


def test_json_up_to_the_limit_is_read():
    assert parse_json("[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH)
    assert parse_json("3") == 3
    with pytest.raises(UnicodeDecodeError):
        parse_json(b'"\xff"')
