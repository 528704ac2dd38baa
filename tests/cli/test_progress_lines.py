"""Progress as lines is rare, and its last line says that all is done."""

from __future__ import annotations

import doctest

from bids_dl.cli import progress_lines
from bids_dl.cli.console import progress_bars
from bids_dl.cli.progress_lines import PERIOD_SECONDS, ProgressLines
from bids_dl.pipeline.outcome import Progress


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(progress_lines).failed == 0


def test_a_stage_has_a_line_per_period_and_one_at_its_end():
    now = 0.0
    shown: list[str] = []
    lines = ProgressLines(shown.append, lambda: now)
    for done in range(101):
        now = done / 100 * 2.5 * PERIOD_SECONDS
        lines.update("stage", done, 100, "recordings", in_bytes=False)
        lines.update("stage", done, 100, "recordings", in_bytes=False)
    assert shown == [f"recordings: {done} of 100" for done in (0, 40, 80, 100)]


def test_bytes_have_a_unit():
    shown: list[str] = []
    ProgressLines(shown.append).update("fetch", 10**6, 10**9, "fetching", in_bytes=True)
    assert shown == ["fetching: 1.0 MB of 1.0 GB"]


def test_lines_are_printed_on_standard_error_only_if_asked(capsys, monkeypatch):
    for value, expected in (("lines", "recordings, 1 failed: 8 of 8\n"), ("", "")):
        monkeypatch.setenv("BIDS_DL_PROGRESS", value)
        with progress_bars() as bars:
            bars.show_conversion(Progress("stage", 8, 8, failed=1))
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", expected)
