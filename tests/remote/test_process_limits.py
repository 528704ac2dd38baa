"""Limits that the system sets for a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bids_dl.remote import process_limits

PRINT = "from bids_dl.remote.process_limits import *; print(max_open_files(), has_limited_memory())"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.parametrize(
    ("limits", "expected"), [("-n 77", "77 False"), ("-n 99 -v 9000000", "99 True")]
)
def test_limits_are_those_of_the_shell(limits, expected):
    command = f"ulimit {limits}; exec {sys.executable} -c '{PRINT}'"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_windows_has_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert process_limits.max_open_files() > 1_000_000
    assert not process_limits.has_limited_memory()
