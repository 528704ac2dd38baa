"""Construction of stages from values."""

from __future__ import annotations

import pytest

from bids_dl.config.stages import StoreConfig, WindowsConfig
from bids_dl.config.validation import build, check_names
from bids_dl.errors import ConfigError


def test_a_value_of_none_keeps_the_default():
    assert build(StoreConfig, dtype=None) == StoreConfig()


@pytest.mark.parametrize(
    ("stage", "values", "message"),
    [
        (StoreConfig, {"dtype": "int4"}, "dtype 'int4': input should be 'float32' or 'int16'"),
        (StoreConfig, {"chunk_bytes": 0}, "chunk-bytes 0: input should be greater than 0"),
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
