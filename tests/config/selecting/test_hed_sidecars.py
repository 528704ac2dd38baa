"""HED sidecars of a request, from files and from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bids_dl.config.documents import request_to_document
from bids_dl.config.parsing import parse_request
from bids_dl.config.selecting.hed_sidecars import parse_hed_sidecars
from bids_dl.errors import ArgumentTypeError, ConfigError

CODES = {"code": {"Levels": {"1": "red light"}, "HED": {"1": "Red", "2": ""}}}
READ = {"code": {"HED": {"1": "Red"}}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the HED of one of two values."""
    path = tmp_path / "codes.json"
    path.write_text(json.dumps(CODES), encoding="utf-8-sig")
    return path


def test_only_hed_that_says_something_is_read(file):
    assert parse_hed_sidecars(file) == {"": READ}
    assert parse_hed_sidecars(CODES) == {"": READ}
    assert parse_hed_sidecars(None) is None


def test_a_file_may_be_for_one_dataset(file):
    assert parse_hed_sidecars([f"ds1={file}", f"my-data.2={file}"]) == {
        "ds1": READ,
        "my-data.2": READ,
    }
    assert parse_hed_sidecars({"ds1": file, "ds2": CODES}) == {"ds1": READ, "ds2": READ}


def test_a_file_whose_name_has_an_equals_sign_is_found(file):
    renamed = file.rename(file.with_name("a=b.json"))
    assert parse_hed_sidecars(str(renamed)) == {"": READ}
    assert parse_hed_sidecars(f"ds={renamed}") == {"ds": READ}


def test_what_is_read_is_read_again_as_the_same():
    sidecars = parse_hed_sidecars({"ds": CODES, "": {"n": {"HED": "Label/#"}}})
    assert parse_hed_sidecars(sidecars) == sidecars


def test_the_order_of_a_file_does_not_change_a_request():
    first = {"b": {"HED": {"y": "Red", "x": "Blue"}}, "a": {"HED": "Label/#"}}
    second = {"a": {"HED": "Label/#"}, "b": {"HED": {"x": "Blue", "y": "Red"}}}
    assert json.dumps(parse_hed_sidecars(first)) == json.dumps(parse_hed_sidecars(second))


def test_a_document_has_hed_only_if_it_is_given():
    options = {"hed": "a=Red"}
    assert "hed_sidecar" not in request_to_document(parse_request(options))["events"]
    document = request_to_document(parse_request(options | {"hed_sidecar": CODES}))
    assert document["events"]["hed_sidecar"] == {"": READ}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"code":\n {"HED": {"1" "Red"}}}', "is not JSON, line 2: Expecting ':' delimiter"),
        ("[]", "expected columns of events.tsv, found a JSON list"),
        ("{}", r"has no HED \(found: nothing\)"),
        ('{"code": {"Levels": {"1": "x"}}}', r"has no HED \(found: code\)"),
        ('{"code": {"HED": {"1": "", "2": "n/a"}}}', r"has no HED \(found: code\)"),
        (
            '{"code": {"HED": {"1": ["Red"]}}}',
            "HED of .* 'code' must be text for each value, got list",
        ),
        ('{"code": {"HED": 3}}', "HED of .* 'code' must be text or a mapping of values, got int 3"),
        ('{"code": {"HED": {"1": "Red", "1": "Blue"}}}', "has the key '1' twice in one object"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_what_is_wrong(file, text, message):
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"--hed-sidecar .*codes\.json: {message}"):
        parse_hed_sidecars(file)


def test_a_file_that_is_absent_or_no_text_or_large_is_refused(file):
    with pytest.raises(ConfigError, match=r"none\.json: cannot be read \(No such file"):
        parse_hed_sidecars("none.json")
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        parse_hed_sidecars(file)
    file.write_text(json.dumps(CODES) + " " * 1_000_000)
    with pytest.raises(ConfigError, match=r"has 1\.0 MB, the limit is 1 MB"):
        parse_hed_sidecars(file)


def test_two_files_may_not_annotate_one_column(file):
    with pytest.raises(ConfigError, match="two files annotate the column 'code'; keep one"):
        parse_hed_sidecars([str(file), str(file)])


def test_a_value_that_is_no_file_is_refused():
    for value in (3, [3], {"ds": 3}):
        with pytest.raises(ArgumentTypeError, match=r"hed_sidecar must be .* got int 3"):
            parse_hed_sidecars(value)
