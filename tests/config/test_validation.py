"""Construction of stages from values."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bids_dl.config.declaration import declared_options
from bids_dl.config.options import ConvertOptions, EventsOptions
from bids_dl.config.stages import (
    EventsConfig,
    LabelConfig,
    PipelineConfig,
    PreprocessConfig,
    SharingConfig,
    SourceConfig,
    SplitsConfig,
    StoreConfig,
    WindowsConfig,
)
from bids_dl.config.training_options import TrainOptions
from bids_dl.config.training_stage import TrainConfig
from bids_dl.config.validation import build, check_names
from bids_dl.errors import ConfigError


def test_a_value_of_none_keeps_the_default():
    assert build(StoreConfig, dtype=None) == StoreConfig()


@pytest.mark.parametrize(
    ("stage", "values", "message"),
    [
        (StoreConfig, {"dtype": "int4"}, "--dtype 'int4': expected one of float32, int16"),
        (StoreConfig, {"chunk_bytes": 0}, "chunk_bytes 0: expected a number greater than 0"),
        (WindowsConfig, {"stride": 1}, "--stride needs --window"),
    ],
)
def test_a_refused_value_is_shown_with_its_option(stage, values, message):
    with pytest.raises(ConfigError) as refusal:
        build(stage, **values)
    assert str(refusal.value) == message


def test_an_unknown_name_is_refused_with_the_closest_or_with_all():
    with pytest.raises(ConfigError, match=r"unknown option 'windw'; did you mean 'window'\?"):
        check_names(["windw"], ["window", "stride"])
    with pytest.raises(ConfigError, match="unknown option 'x'; use one of window, stride"):
        check_names(["x"], ["window", "stride"])


STAGES = (
    *(SourceConfig, LabelConfig, EventsConfig, WindowsConfig, SplitsConfig, PreprocessConfig),
    *(StoreConfig, SharingConfig, PipelineConfig, TrainConfig),
)
REQUIRED = {
    LabelConfig: {"label": "a", "query": "b"},
    EventsConfig: {"labels": (LabelConfig("a", "b"),)},
}
WRONG = (
    *(3, -1, 2.5, float("nan"), 10**30, "9" * 5000, True, "", "2s", b"a", object(), 1j),
    *([], [1], ["a"], ["a", "b", "c"], [[1]], {}, {"a": 1}, {3: 4}, {"a": {"b": 3}}, ("a", 2)),
)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_no_message_of_pydantic_reaches_a_user(stage):
    options = declared_options(EventsOptions, ConvertOptions, TrainOptions)
    n_refused = 0
    for field in fields(stage):
        option = options.get(field.name)
        shown = option.flags[0] if option is not None and option.flags else field.name
        for value in WRONG:
            try:
                build(stage, **REQUIRED.get(stage, {}) | {field.name: value})
            except ConfigError as problem:
                message = str(problem)
                n_refused += 1
                assert "\n" not in message
                assert shown in message, (field.name, value)
                for leak in ("nput should", "another value", "unable to", "pydantic", "None"):
                    assert leak not in message, (field.name, value)
    assert n_refused > 10


@pytest.mark.parametrize("name", ["window", "epochs", "lr", "folds", "until", "seed"])
def test_true_is_no_number(name):
    [stage] = [stage for stage in STAGES if name in {field.name for field in fields(stage)}][:1]
    with pytest.raises(ConfigError, match=f"--{name} True: expected a number"):
        build(stage, **REQUIRED.get(stage, {}), **{name: True})
