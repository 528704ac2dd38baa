"""Output of commands."""

from __future__ import annotations

import logging
import warnings

import pytest
from command_line import CLOSED

from bids_dl.cli import console

WINDOWS = ("--window", "2")  # need headers, whose notes are warnings


@pytest.fixture(autouse=True)
def _reset_verbosity():
    yield
    console.set_verbosity(quiet=False, verbose=False)


def test_quiet_prints_results_without_warnings(command, eegbci):
    usual = command("events", eegbci, *CLOSED, *WINDOWS)
    quiet = command("events", eegbci, *CLOSED, *WINDOWS, "-q")
    assert usual.err.startswith("warning ")
    assert (quiet.out, quiet.err) == (usual.out, "")


def test_quiet_prints_errors(command):
    result = command("events", "nowhere", *CLOSED, "--quiet")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: nowhere")


def test_quiet_ends_with_its_command(command, eegbci):
    command("events", eegbci, *CLOSED, *WINDOWS, "-q")
    assert command("events", eegbci, *CLOSED, *WINDOWS).err.startswith("warning ")


def test_verbose_prints_the_cause_of_an_error_with_its_place(command):
    usual = command("info", "nowhere.zarr")
    verbose = command("info", "nowhere.zarr", "-v")
    assert "caused by" not in usual.err
    assert "bids_dl: caused by FileNotFoundError" in verbose.err
    assert ".py:" in verbose.err
    assert verbose.err.endswith(usual.err)


def test_verbose_prints_warnings_of_libraries(capsys):
    console.set_verbosity(quiet=False, verbose=True)
    logging.getLogger("fsspec").warning("the server is slow")
    warnings.warn("the header is odd", stacklevel=1)
    messages = capsys.readouterr().err
    assert "fsspec: the server is slow" in messages
    assert "UserWarning: the header is odd" in messages
    console.set_verbosity(quiet=False, verbose=False)
    assert logging.getLogger("bids_dl").level == logging.WARNING


def test_many_warnings_are_counted(capsys):
    console.print_warnings([f"warning {i}" for i in range(console.MAX_LINES + 2)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == console.MAX_LINES + 1
    assert lines[-1] == "warning and 2 more"


def test_brackets_and_colons_are_printed_as_they_are(capsys):
    console.print_warnings(["[red]a[/red] :smile:"])
    assert capsys.readouterr().err == "warning [red]a[/red] :smile:\n"


def test_progress_is_hidden_without_a_terminal(capsys):
    with console.progress_bars() as bars:
        bars.show_verification("objects", 1, 2)
    assert capsys.readouterr().err.strip() == ""
