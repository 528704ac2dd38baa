"""Output of `bids-dl compare`."""

from __future__ import annotations

import csv
import doctest
from pathlib import Path

import pytest
from command_line import assert_refused
from finished_runs import ACCURACIES, band_power, metrics_of, write_run

from bids_dl.cli import show_comparison

BETTER = tuple(value + 0.05 for value in ACCURACIES)


@pytest.fixture
def runs(command):
    """Two run folders in the working directory, of which the first one has a baseline."""
    write_run(Path("runs/a"), metrics_of(ACCURACIES, baselines=band_power(BETTER)))
    write_run(Path("runs/b"), metrics_of(BETTER), model="eegnet")
    return ("runs/a", "runs/b")


def test_the_examples_are_right():
    assert doctest.testmod(show_comparison).failed == 0


def test_runs_are_printed_side_by_side_with_their_tests(command, runs):
    result = command("compare", *runs)
    assert (result.status, result.err) == (0, "")
    assert "runs/b eegnet loso (8) recording 0.850 (0.500 to 1.000)" in result.words
    assert "against runs/a, paired by person" in result.words
    assert "runs/b 8 +0.050 (+0.050 to +0.050) 0.008 0.008 0.016" in result.words
    assert "runs/a, baseline 8 +0.050" in result.words
    assert result.words.endswith("p Holm: p permutation, corrected for 2 comparisons")


def test_the_json_has_all_numbers_and_their_definitions(command, runs):
    content = command("compare", *runs, "--json", "--metric", "kappa").json
    assert (content["metric"], content["higher_is_better"]) == ("kappa", True)
    assert content["rows"][0]["windows"]["value"] is None
    assert content["rows"][1]["test"]["p_permutation"] == 1
    assert "p_holm" in content["definitions"]


def test_the_table_is_written_as_csv(command, runs):
    assert command("compare", *runs, "-o", "runs.csv").status == 0
    rows = list(csv.DictReader(Path("runs.csv").read_text().splitlines()))
    assert [row["model"] for row in rows] == ["shallow-fbcsp", "eegnet", "band-power"]
    assert [row["p_holm"] for row in rows] == ["", "0.015625", "0.015625"]


def test_warnings_are_printed_on_standard_error(command):
    write_run(Path("a"), metrics_of(ACCURACIES[:3]))
    write_run(Path("b"), metrics_of(BETTER[:3]))
    result = command("compare", "a", "b")
    assert result.status == 0
    assert "warning 3 common people: the smallest possible p of the permutation test is 0.25" in (
        " ".join(result.err.split())
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "RUN..."),
        (("nosuch",), "nosuch: no such folder"),
        (("nosuch", "-o", "x.txt"), "--output x.txt: give a file that ends in .csv"),
        (("nosuch", "-o", "nodir/x.csv"), "folder nodir does not exist"),
        (("nosuch", "--metrc", "r"), "--metrc"),
    ],
)
def test_a_wrong_comparison_is_refused(command, arguments, message):
    assert_refused(command("compare", *arguments), message)


def test_an_unknown_metric_is_refused(command, runs):
    result = command("compare", *runs, "--metric", "acuracy")
    assert result.status == 2
    assert "--metric 'acuracy': runs/a has no such metric" in result.err
