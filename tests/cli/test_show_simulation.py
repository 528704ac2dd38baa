"""Output of `bids-dl simulate`."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import assert_refused, without_styles
from people_store import window_table, write_store
from planted_patients import write_patients

SMALL = ("--strategy", "mixture", "--seeds", "2", "--batch", "6", "--budget", "12")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("store") / "x.zarr"
    return write_store(folder, window_table(4, n_windows=16))


def test_the_table_has_each_strategy_and_its_difference_to_random(command, store):
    result = command("simulate", store, *SMALL, "--automatic")
    assert result.status == 0, result.err
    assert "balanced accuracy, logistic regression" in result.words
    lines = {line.split("  ")[0].strip() for line in result.out.splitlines()}
    assert {"random", "random, automatic", "mixture", "mixture, automatic"} <= lines
    assert "automatic labels, mixture: area " in result.out
    assert "windows: rest 64, move 64" in result.words
    assert "1 of 4 persons held out, 2 seeds" in result.words
    assert Path("simulations/x-label-0/curves.png").is_file()


def test_json_has_the_summary_and_the_settings(command, store):
    result = command("simulate", store, *SMALL, "-o", "out", "--json")
    content = result.json
    assert content["folder"] == "out"
    assert [row["strategy"] for row in content["summary"]] == ["random", "mixture"]
    assert content["summary"][0]["gain"] is None
    assert content["settings"]["batch"] == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--strategy", "wise"), "unknown strategy 'wise'"),
        (("--seeds", "0"), "--seeds 0: expected a number of at least 1"),
        (("--test", "2"), "--test 2: expected a share of the people"),
        (("--target", "onset"), "onset"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(command, store, options, message):
    assert_refused(command("simulate", store, *options), message)


def test_the_help_has_an_example(command):
    text = without_styles(command("simulate", "--help").out)
    assert "bids-dl simulate eyes.zarr --strategy margin,mixture" in " ".join(text.split())


def test_the_table_of_new_patients_has_each_number_of_answers(command, tmp_path):
    pool = write_patients(tmp_path / "pool", n_patients=3, n_windows=100, share=0.12)
    options = ("--strategy", "mixture", "--seeds", "1", "--answers", "0,10")
    result = command("simulate", pool, "--leave-one-patient-out", *options)
    assert result.status == 0, result.err
    cells = [line.split() for line in result.out.splitlines()]
    assert [row[:2] for row in cells if row and row[0] in ("0", "10")] == [
        *(["0", "random"], ["10", "random"], ["0", "mixture"], ["10", "mixture"]),
    ]
    assert "3 of 3 persons left out in turn, 1 seed" in result.words
    assert "patients, each the mean over seeds" in result.words
