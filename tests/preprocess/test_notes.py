"""Warnings, errors, notes and flags of steps."""

from __future__ import annotations

import logging
import sys
import warnings

import mne
import pytest

from bids_dl.errors import RecordingError
from bids_dl.preprocess.notes import (
    MAX_NOTES,
    as_recording_error,
    at_warning_level,
    capture_warnings,
    merge_flags,
    merge_notes,
    share_flag,
)


@pytest.mark.parametrize(
    ("share", "flag"),
    [
        (0.0, "changed nothing"),
        (1e-6, ""),
        (0.75, ""),
        (0.8, "changed nearly everything"),
    ],
)
def test_only_none_and_nearly_all_are_flagged(share, flag):
    assert share_flag(share) == flag


@pytest.mark.parametrize(
    ("shares", "flag"),
    [
        ([0.0], "changed nothing"),
        ([0.0, 0.5], ""),
        ([0.0, 0.0], "changed nothing"),
        ([0.9, 0.0], ""),
        ([0.9, 0.8], "changed nearly everything"),
        ([0.5, 0.5], ""),
    ],
)
def test_a_recording_has_a_flag_only_if_each_of_its_excerpts_has_it(shares, flag):
    assert merge_flags([share_flag(share) for share in shares]) == flag


def test_merged_notes_are_each_listed_once_in_order():
    assert merge_notes([("a", "b"), (), ("b", "c")]) == ("a", "b", "c")


def test_notes_of_a_hundred_excerpts_are_counted_beyond_the_limit():
    notes = merge_notes([(f"excerpt {i}",) for i in range(100)])
    assert notes == (*(f"excerpt {i}" for i in range(MAX_NOTES)), "and 80 more notes")


def test_warnings_become_notes_of_one_line_without_those_for_developers(capfd):
    with capture_warnings() as notes:
        mne.utils.warn("first\n  line")
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
    assert notes == ["first line"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("level", ["INFO", "WARNING", "ERROR"])
def test_mne_logs_warnings_only_inside_and_as_before_outside(level):
    with mne.utils.use_log_level(level):
        before = mne.utils.logger.level
        with at_warning_level(), at_warning_level():
            assert mne.utils.logger.level == logging.WARNING
        assert mne.utils.logger.level == before


def test_the_log_of_mne_is_as_before_even_after_an_error():
    was_disabled = mne.utils.logger.disabled
    with pytest.raises(ValueError, match="stop"), capture_warnings():
        raise ValueError("stop")
    assert mne.utils.logger.disabled == was_disabled


@pytest.mark.parametrize(
    ("raised", "reason", "transient"),
    [
        (ValueError("first line\n  second line"), "ValueError: first line second line", False),
        (MemoryError(), "not enough memory", True),
        (RecordingError("header", "no header"), "no header", False),
    ],
)
def test_any_exception_becomes_a_recording_error_of_one_line(raised, reason, transient):
    with pytest.raises(RecordingError) as failed, as_recording_error("filter"):
        raise raised
    assert failed.value.reason == reason
    assert failed.value.transient is transient
    expected_stage = "header" if isinstance(raised, RecordingError) else "filter"
    assert failed.value.stage == expected_stage


def test_an_interrupt_is_no_failure_of_a_recording():
    with pytest.raises(SystemExit), as_recording_error("filter"):
        sys.exit(1)
