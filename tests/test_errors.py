"""Errors: masked credentials, exit status, and pickling between processes."""

from __future__ import annotations

import doctest
import pickle

import pytest

from bids_dl import errors
from bids_dl.errors import BidsDlError, DamagedStoreError, RecordingError, RequestError


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


def test_a_wrong_request_ends_with_status_2_and_any_other_error_with_1():
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, BidsDlError):
            assert error.exit_status == (2 if issubclass(error, RequestError) else 1)
    assert DamagedStoreError.exit_status == 1


def test_a_recording_error_survives_pickling():
    error = pickle.loads(pickle.dumps(RecordingError("read", "connection lost", transient=True)))
    assert (error.stage, error.reason, error.transient) == ("read", "connection lost", True)
    assert str(error) == "read: connection lost"
