"""Messages of errors of the command line."""

from __future__ import annotations

import sys

import pytest

from bids_dl.cli.error_messages import describe_interruption


@pytest.mark.parametrize(
    ("words", "is_resumable"),
    [(["convert", "a"], True), (["train", "a"], True), (["verify", "train"], False), ([], False)],
)
def test_only_a_conversion_and_a_training_can_be_resumed(monkeypatch, words, is_resumable):
    monkeypatch.setattr(sys, "argv", ["bids-dl", *words])
    assert ("to resume" in describe_interruption()) == is_resumable
