"""Declarations of options, and the stages that have their defaults."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal, get_origin

import pytest

from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.declaration import declared_options, format_default
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.option_stages import STAGES, default_value
from bids_dl.config.options import (
    ConvertOptions,
    DemoOptions,
    EventsOptions,
    InfoOptions,
    ReportOptions,
    VerifyOptions,
    WindowOptions,
)
from bids_dl.config.pretraining_options import PretrainOptions
from bids_dl.config.shell_options import CacheOptions, JsonOptions
from bids_dl.config.simulation_options import SimulateOptions
from bids_dl.config.training_options import CompareOptions, PredictOptions, TrainOptions

COMMANDS = (
    *(EventsOptions, ConvertOptions, InfoOptions, VerifyOptions, ReportOptions),
    *(TrainOptions, PredictOptions, CompareOptions, ExplainOptions, PretrainOptions),
    *(EmbedOptions, ProbeOptions, SimulateOptions),
    *(CatalogueOptions, DemoOptions, CacheOptions, JsonOptions),
)
WITHOUT_STAGE = {
    *("hed", "event", "config", "plot", "sources", "output", "run_dir"),
    *("quiet", "verbose", "log_file", "json", "metric", "overwrite", "test"),
}
"""Options of a function or of the command line that no stage has."""


def test_an_option_has_a_field_of_its_name_in_its_stage():
    for declaration, stage in STAGES:
        names = set(declared_options(declaration)) - WITHOUT_STAGE - {"storage_options"}
        assert names <= {field.name for field in fields(stage)}, (declaration, stage)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_belongs_to_a_stage(command):
    with_stage = {name for declaration, _ in STAGES for name in declared_options(declaration)}
    names = set(declared_options(command)) - WITHOUT_STAGE
    assert names - {"split"} <= with_stage if command is PredictOptions else names <= with_stage


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_sentence_and_a_placeholder(command):
    for option in declared_options(command).values():
        has_choices = option.type is bool or get_origin(option.type) is Literal
        assert option.opt.help.endswith("."), option.name
        assert option.opt.panel, option.name
        assert bool(option.opt.metavar) != has_choices, option.name


def test_defaults_come_from_the_stage_of_the_command():
    assert default_value(ConvertOptions, "seed") == 0
    assert default_value(TrainOptions, "seed") == 0
    assert default_value(ConvertOptions, "dtype") == "float32"
    assert default_value(PredictOptions, "device") == "auto"
    assert default_value(PredictOptions, "split") is None
    assert default_value(VerifyOptions, "jobs") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, ""), (False, ""), ((), ""), (0, "0"), (0.5, "0.5"), ((0, 0), "0,0"), ("a", "a")),
        (("label",), "label"),
    ],
)
def test_a_default_is_written_as_it_is_typed(value, text):
    assert format_default(value) == text


def test_required_options_and_flags_are_declared():
    run_dir = declared_options(PredictOptions)["run_dir"]
    assert (run_dir.required, run_dir.flags, run_dir.opt.former) == (True, ("--run-dir",), "--run")
    assert not declared_options(TrainOptions)["run_dir"].required
    options = declared_options(ConvertOptions)
    assert options["storage_options"].flags == ("--storage-option",)
    assert options["storage_options"].key == "storage_option"
    assert options["aliases"].flags == ()
    assert options["memory"].shell_type is str
    assert options["recipe"].shell_type is str
    assert options["hed"].shell_type == list[str]
    assert declared_options(WindowOptions)["window"].shell_type is float
