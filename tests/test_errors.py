"""Errors: masked credentials, exit status, and pickling between processes."""

from __future__ import annotations

import doctest
import pickle
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl import errors
from bids_dl.errors import (
    BidsDlError,
    DamagedStoreError,
    RecordingError,
    RequestError,
    escape_controls,
    mask_secrets,
)

SECRETS = st.text(string.ascii_letters + string.digits + "+=%._~-", min_size=8, max_size=40).map(
    "Zq7{}Kx".format
)
PLACES = [
    "s3://{}@bucket/x.zarr",
    "s3://KEY:{}@bucket/x.zarr",
    "s3://KEY:a/{}@bucket/x.zarr",
    "https://user:{}@host:8080/x.zarr",
    "https://user:a@{}@host/x.zarr",
    "https://user:a?{}@host/x.zarr",
    "https://host/x.zarr?sig={}",
    "https://host/x.zarr?{}",
    "https://host/x.zarr?a=1&X-Amz-Signature={}&b=2",
    "https://host/x.zarr?version={}",
    "https://host/x.zarr#{}",
    "https://host/x.zarr;token={}",
    "simplecache::https://user:{}@host/x.zarr",
    'Invalid bucket name "KEY:{}@bucket"',
    'Invalid bucket name "{}@bucket"',
    "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x?a={}",
    "400, message='Bad Request', url='https://host/x?sig={}'",
    "<HTTPError url=URL('https://host/x?sig={}')>",
    "{{'key': 'x', 'secret': '{}'}}",
    "aws_secret_access_key={}",
    "sas_token={}",
    "AccountKey={};EndpointSuffix=core",
    "Authorization: Bearer {}",
    '{{"session_token": "{}"}}',
]
SENTENCES = ["{}", "{}: not found", "cannot open '{}', try again", "({})", 'found "{}".', "{},\n{}"]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(errors).failed == 0


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("s3://key:secret@bucket/x: not found", "s3://***@bucket/x: not found"),
        ("http://a:b@c and ftp://d:e@f", "http://***@c and ftp://***@f"),
        ("https://host:8080/x: not found", "https://host:8080/x: not found"),
        ("s3://bucket/a@b: not found", "s3://bucket/a@b: not found"),
    ],
)
def test_only_credentials_of_urls_are_masked(message, masked):
    assert str(BidsDlError(message)) == masked


@given(secret=SECRETS, place=st.sampled_from(PLACES), sentence=st.sampled_from(SENTENCES))
def test_a_secret_in_no_place_of_a_message_is_shown(secret, place, sentence):
    message = sentence.replace("{}", place.format(secret))
    assert secret not in mask_secrets(message)
    assert secret not in str(BidsDlError(message))
    error = RecordingError("source", message)
    assert secret not in error.reason
    assert secret not in str(pickle.loads(pickle.dumps(error)))


@pytest.mark.parametrize(
    "message",
    [
        "https://host/x?: not found",
        "did you mean 'window'? use --window",
        "http://[::1]:8080/a@b: not found",
        "s3://bucket/ds@1.0.0 has no dataset_description.json",
        "the token of the server has expired",
        "ann@example.org wrote it",
        "https://doi.org/10.18112/openneuro.ds004362.v1.0.0",
    ],
)
def test_a_message_without_a_secret_is_not_changed(message):
    assert mask_secrets(message) == message


@given(st.text())
def test_an_escaped_text_has_no_character_that_steers_a_terminal(text):
    escaped = escape_controls(text)
    for character in escaped:
        assert character in "\t\n" or unicodedata.category(character) not in {"Cc", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        }
    assert escape_controls(escaped) == escaped
    if text.isprintable():
        assert escaped == text or any(unicodedata.category(c) == "Cf" for c in text)


@given(st.text("ab\x1b\x9b\u202e\u2066\n"))
def test_an_error_steers_no_terminal(text):
    for message in (str(BidsDlError(text)), str(RecordingError("read", text))):
        assert set(message) <= set("read: ab\\x1b9u0266\n")


def test_a_wrong_request_ends_with_status_2_and_any_other_error_with_1():
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, BidsDlError):
            assert error.exit_status == (2 if issubclass(error, RequestError) else 1)
    assert DamagedStoreError.exit_status == 1


def test_a_recording_error_survives_pickling():
    error = pickle.loads(pickle.dumps(RecordingError("read", "connection lost", transient=True)))
    assert (error.stage, error.reason, error.transient) == ("read", "connection lost", True)
    assert str(error) == "read: connection lost"
