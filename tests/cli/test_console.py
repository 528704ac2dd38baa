"""Output of commands."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from command_line import CLOSED, without_styles
from rich.console import Console

from bids_dl.cli import console
from bids_dl.pipeline.outcome import Progress
from bids_dl.training.events import TrainingEvent

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


@pytest.mark.parametrize("words", [["info"], ["verify"], ["verify", "--json"], ["info", "-q"]])
def test_a_terminal_that_cannot_encode_a_path_gets_escapes(eyes_store, tmp_path, words):
    shutil.copytree(eyes_store, tmp_path / "ü/α.zarr")
    done = subprocess.run(
        [sys.executable, "-m", "bids_dl", *words, "ü/α.zarr"],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    if "--json" in words:
        assert json.loads(done.stdout)["url"] == "ü/α.zarr"
    else:
        assert rb"\xfc/\u03b1.zarr" in done.stdout


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_output_that_cannot_be_written_is_one_line(flags):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bids_dl", "recipes", *flags],
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output: No space left on device\n",
    )


def test_brackets_and_colons_are_printed_as_they_are(capsys):
    console.print_warnings(["[red]a[/red] :smile:"])
    assert capsys.readouterr().err == "warning [red]a[/red] :smile:\n"


def test_progress_is_hidden_without_a_terminal(capsys):
    with console.progress_bars() as bars:
        bars.show_verification("objects", 1, 2)
    assert capsys.readouterr().err.strip() == ""


def test_progress_of_bytes_has_rate_and_time_left(monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(console, "notes", terminal)
    with console.progress_bars() as bars:
        for done in (0, 1_000_000, 2_000_000):
            bars.show_conversion(Progress("fetch", done, 8_000_000))
            time.sleep(0.05)
        bars.show_conversion(Progress("stage", 1, 3))
        time.sleep(0.3)  # until the bars are drawn again
    shown = without_styles(terminal.file.getvalue())
    assert re.search(r"fetching .* 2.0 MB of 8.0 MB, [\d.]+ MB/s, 0:00:0\d left", shown)
    assert re.search(r"recordings .* 1/3", shown)


PROGRESS = {"step": 3.0, "n_steps": 12.0, "loss": 0.412}
PROGRESS |= {"windows_per_second": 812.0, "waiting_share": 0.04}


def test_the_progress_of_an_epoch_is_one_line_until_the_epoch_ends(monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(console, "notes", terminal)
    with console.progress_bars() as bars:
        bars.show_training(TrainingEvent("progress", "", 4, 1, PROGRESS))
        time.sleep(0.3)  # until the bars are drawn again
        shown = without_styles(terminal.file.getvalue())
        assert "fold 2 of 4, loss 0.412, 812 windows/s, 4 % waiting for data" in shown
        assert "3/12" in shown
        bars.show_training(TrainingEvent("epoch", "epoch 1: done", 4, 1))
        terminal.file.truncate(0)
        time.sleep(0.3)
        assert "windows/s" not in without_styles(terminal.file.getvalue())


def test_without_a_terminal_the_progress_of_an_epoch_is_hidden_and_its_end_printed(capsys):
    with console.progress_bars() as bars:
        bars.show_training(TrainingEvent("progress", "", 1, 0, PROGRESS))
        bars.show_training(TrainingEvent("epoch", "epoch 1: done", 1, 0))
    assert capsys.readouterr().err.strip() == "epoch 1: done"


def test_messages_on_the_plan_are_printed_without_a_terminal(capsys):
    with console.progress_bars() as bars:
        bars.show_conversion(Progress("plan", 0, 1, note="fetching the text files"))
        bars.show_conversion(Progress("stage", 0, 1, note="a failure, printed at the end"))
    assert capsys.readouterr().err.strip() == "fetching the text files"


STEERING = "a\x1b[31m\x9b\u202eb [bold]c[/] https://user:Zq7secret@host/?sig=Zq7secret"


@pytest.mark.parametrize(
    "show",
    [
        lambda: console.print_warnings([STEERING]),
        lambda: console.print_failures([STEERING]),
        lambda: console.print_message(STEERING),
        lambda: console.print_path(Path(STEERING)),
        lambda: console.print_line(STEERING),
        lambda: console.print_json({STEERING: [STEERING]}),
        lambda: console.out.print(console.Text.assemble(("x", "bold"), STEERING)),
    ],
)
def test_whatever_is_printed_steers_no_terminal_and_has_no_secret(capsys, show):
    show()
    printed = "".join(capsys.readouterr())
    assert not set(printed) & set("\x1b\x9b\u202e")
    assert "Zq7secret" not in printed
    assert "[bold]c[/]" in printed


def test_json_with_control_characters_is_read_as_it_was(capsys):
    content = {"a": "\x1b\x9b\u202e\x7f\u2028 https://host/x", "b": ["https://host/?a", 'q"\\']}
    console.print_json(content)
    printed = capsys.readouterr().out
    assert json.loads(printed) == content | {"b": ["https://host/?***", 'q"\\']}


@pytest.mark.parametrize(
    ("is_terminal", "printed"), [(True, b"\\x1b[31m\n"), (False, b"\x1b[31m\n")]
)
def test_a_file_is_escaped_on_a_terminal_only(monkeypatch, is_terminal, printed):
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(output, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", output)
    console.print_bytes(b"\x1b[31m\n")
    output.flush()
    assert output.buffer.getvalue() == printed
