"""Commands on what models have learnt: requests that they refuse, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import assert_refused, without_styles


@pytest.mark.parametrize("files", [(), ("config.json",)])
def test_a_folder_that_is_no_finished_run_is_refused(command, eyes_store, tmp_path, files):
    run = tmp_path / "run"
    run.mkdir()
    for name in files:
        (run / name).write_text("{}")
    assert_refused(command("explain", eyes_store, "--run-dir", run), "run")
    assert sorted(path.name for path in run.iterdir()) == sorted(files)


def test_a_missing_run_folder_is_named(command, eyes_store):
    assert_refused(command("explain", eyes_store, "--run-dir", "runs/missing"), "runs/missing")


def test_the_run_folder_is_required(command, eyes_store):
    assert_refused(command("explain", eyes_store), "option --run-dir FOLDER is required")


def test_an_output_folder_with_other_files_is_refused_before_the_run_is_read(
    command, eyes_store, tmp_path
):
    (tmp_path / "notes.txt").write_text("mine")
    result = command("explain", eyes_store, "--run-dir", "missing", "-o", tmp_path)
    assert result.status == 2
    assert "holds other files (notes.txt" in result.err
    assert sorted(path.name for path in Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--random", "0"), "--random 0: expected a number of at least 1"),
        (("--quantile", "1.5"), "--quantile 1.5: expected a number less than 1"),
        (("--start", "3"), "--start"),
    ],
)
def test_a_wrong_option_is_named_as_it_is_typed(command, eyes_store, options, message):
    assert_refused(command("explain", eyes_store, "--run-dir", "run", *options), message)


def test_the_help_has_an_example(command):
    text = without_styles(command("explain", "--help").out)
    assert "bids-dl explain eyes.zarr --run-dir runs/eyes-shallow-fbcsp-0" in " ".join(text.split())
