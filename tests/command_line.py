"""Options of commands in tests, and assertions about their output."""

from __future__ import annotations

import re
from pathlib import Path

OPEN = ("--hed", "eyes_open=Eyes-open")
CLOSED = ("--hed", "eyes_closed=Eyes-closed")
EYES = (*OPEN, *CLOSED)
COMMANDS = (
    *("events", "convert", "info", "verify", "report", "export"),
    *("catalogue", "find", "cache", "recipes", "models", "train", "compare", "predict"),
    *("explain", "embed", "probe", "pretrain", "simulate", "label", "push", "pull", "demo"),
)


def without_styles(text: str) -> str:
    """Remove the escape sequences of colours and fonts."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def assert_refused(result, *fragments: str) -> None:
    """Check that a command ended with status 2 and a short message, and wrote nothing."""
    assert result.status == 2, result
    assert all(fragment in result.err for fragment in fragments), result.err
    assert result.err.startswith("error: ")
    assert 1 <= len(result.err.strip().splitlines()) <= 4
    assert "Traceback" not in result.err
    assert result.out == ""
    assert not list(Path.cwd().iterdir())
