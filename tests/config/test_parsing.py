"""Options by name to the dataclasses of stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bids_dl.config import access_parsing, parsing
from bids_dl.config.stages import PipelineConfig
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError


def test_a_file_and_the_command_line_give_the_same_request():
    of_file = {"hed": {"a": "Red"}, "trim": [3, 5], "split": [0.5, 0.5], "set": {"filter.high": 40}}
    of_shell = {
        "hed": ["a=Red"],
        "trim": ["3,5"],
        "split": "0.5,0.5",
        "set": ["filter.high=40"],
    }
    assert parsing.parse_request(of_file) == parsing.parse_request(of_shell)


def test_a_stride_equal_to_the_window_is_the_same_request_as_none():
    assert parsing.parse_request({"hed": "Red", "window": 2}) == parsing.parse_request(
        {"hed": "Red", "window": 2, "stride": 2}
    )


def test_paths_are_accepted_as_texts_are():
    request = parsing.parse_request({"hed": "Red", "recipe": Path("own.yaml")})
    assert request.preprocess.recipe == "own.yaml"
    assert parsing.parse_pipeline({"staging": Path("a/b")}).staging == "a/b"


def test_the_memory_limit_is_parsed_to_bytes():
    assert parsing.parse_pipeline({"memory": "4GB"}) == PipelineConfig(memory=4_000_000_000)


@pytest.mark.parametrize("name", ["storage_options", "storage_option"])
@pytest.mark.parametrize("value", [{"anon": True}, ["anon=true"]])
def test_storage_options_are_found_by_both_names_and_in_both_forms(name, value):
    assert access_parsing.parse_storage_options({name: value}) == {"anon": True}
    assert parsing.parse_pipeline({name: value}).storage_options == {"anon": True}


@pytest.mark.parametrize("value", ["none", None])
def test_no_normalization_differs_from_the_default(value):
    options = parsing.merge_training_file({"normalize": value, "epochs": 2})
    assert parsing.parse_training(options) == TrainConfig(normalize="none", epochs=2)
    assert parsing.parse_training({"epochs": 2}).normalize == "auto"


def test_training_ignores_the_options_of_other_stages():
    assert parsing.parse_training({"run_dir": "a", "model_options": ["dropout=0.5"]}) == (
        TrainConfig(model_options={"dropout": 0.5})
    )


def test_options_given_directly_override_those_of_the_file(tmp_path):
    file = tmp_path / "eyes.yaml"
    file.write_text("hed: Red\nwindow: 2\n")
    options = parsing.merge_file({"config": file, "window": 4, "stride": None})
    assert options == {"hed": "Red", "window": 4}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hed": "Red", "windw": 2}, "unknown option 'windw'; did you mean 'window'"),
        ({"hed": "Red", "aliases": ["a"]}, "aliases: expected NAME"),
        ({"hed": "Red", "window": -1}, "--window must be positive, got -1 s"),
        ({"hed": "Red", "window": 2, "stride": 0}, "--stride must be positive, got 0 s"),
        ({"hed": "Red", "window": 2, "tmin": 0, "tmax": 1}, "not both"),
        ({"hed": "Red", "tmin": 1, "tmax": 0}, "--tmin must be less than --tmax, got 1 and 0"),
        ({"hed": "Red", "split": "0.5,0.6"}, "add up to 1"),
        ({"hed": "Red", "set": ["filter.high"]}, "expected KEY=VALUE"),
        ({"hed": "Red", "dtype": "int4"}, "dtype 'int4'"),
        ({"hed": "Red", "window": float("nan")}, "--window nan: expected a finite number"),
        ({"hed": "Red", "tmin": 0, "tmax": float("inf")}, "finite"),
        ({"hed": "Red", "subject": 1}, "--subject 1: expected text, because numbers lose"),
        ({"hed": "Red", "task": {"a": 1}}, "--task {'a': 1}: expected text"),
        ({"hed": "Red", "run": True}, "--run True: expected text"),
        ({"hed": 3}, "--hed 3: expected a query"),
        ({"hed": {"a": [1]}}, "--hed [1]: expected a query"),
        ({"hed": "Red", "until": True}, "--until True: expected a number"),
        ({"hed": "Red", "set": 3}, "--set 3: expected KEY=VALUE"),
        ({"hed": "Red", "seed": -1}, "seed -1"),
        ({"hed": ["a=Red", "a=Blue"]}, "two queries have the label 'a'"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line_with_its_value(options, message):
    with pytest.raises(ConfigError) as refusal:
        parsing.parse_request(options)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_yaml_is_refused_with_the_line(tmp_path):
    file = tmp_path / "eyes.yaml"
    file.write_text("hed: Red\nwindow: [2\n")
    with pytest.raises(ConfigError, match=r"eyes.yaml: not YAML, line 3"):
        parsing.read_file(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"- hed\n", "expected option: value pairs, found list"), (b"\xff", "not UTF-8 text")],
)
def test_a_file_without_options_is_refused(tmp_path, content, message):
    file = tmp_path / "eyes.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        parsing.read_file(str(file))
