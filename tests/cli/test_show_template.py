"""Output of `bids-dl events --make-sidecar`."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command_line import without_styles
from text_dataset import write_dataset


@pytest.fixture
def unannotated(command) -> None:
    """A dataset `ds` without HED in the working directory."""
    write_dataset(Path(), [(1, "red", 1), (2, "x", 1)], 10)
    Path("ds/events.json").unlink()


def test_the_columns_are_printed_with_suggested_tags(command, unannotated):
    result = command("events", "ds", "--make-sidecar", "codes.json")
    assert result.status == 0, result.err
    assert "codes.json: events.tsv of 1 recording" in result.words
    assert "code 2 2 red: Red" in result.words


def test_the_last_line_is_a_command_that_runs(command, unannotated):
    last = command("events", "ds", "--make-sidecar", "codes.json").out.rstrip().splitlines()[-1]
    program, *arguments = shlex.split(last)
    assert (program, arguments[-1]) == ("bids-dl", "Red")
    result = command(*arguments)
    assert result.status == 0, result.err
    assert "Red Red 1 1" in result.words


def test_the_last_line_runs_if_no_value_is_named_like_a_tag(command, unannotated):
    table = next(Path("ds").rglob("*_events.tsv"))
    table.write_text(table.read_text().replace("red", "S  1"))
    last = command("events", "ds", "--make-sidecar", "codes.json").out.rstrip().splitlines()[-1]
    assert last.endswith("--hed ID/S_1")
    assert command(*shlex.split(last)[1:]).status == 0


def test_the_columns_are_printed_as_json(command, unannotated):
    printed = command("events", "ds", "--make-sidecar", "codes.json", "--json").json
    assert printed == {
        "file": "codes.json",
        "recordings": 1,
        "columns": {"code": {"values": 2, "rows": 2, "suggested": {"red": "Red"}}},
        "annotated": [],
    }


def test_options_that_choose_no_recordings_are_refused(command, unannotated):
    result = command("events", "ds", "--make-sidecar", "codes.json", "--window", "2")
    assert result.status == 2
    assert "takes no --window; beside it there may be --subject" in result.err
    assert not Path("codes.json").exists()


def test_the_help_has_the_option(command):
    assert "--make-sidecar" in without_styles(command("events", "--help").out)
