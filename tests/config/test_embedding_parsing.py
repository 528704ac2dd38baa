from __future__ import annotations

import doctest

import pytest

from bids_dl.config import embedding_parsing
from bids_dl.config.embedding_parsing import parse_embedding, parse_probing
from bids_dl.errors import ConfigError


def test_options_become_settings():
    settings = parse_probing(
        {"target": "sex", "where": {"age": (18, 30)}, "folds": "5", "train_fraction": "0.5"}
    )
    assert settings.target == ("sex",)
    assert settings.where == ("age=18..30",)
    assert settings.train_fraction == 0.5
    assert parse_embedding({"layer": "pool", "output": "a.zarr"}).layer == "pool"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inverse_penalty": 0}, "--inverse-penalty 0: expected a number greater than 0"),
        ({"train_fraction": "0.1,1"}, r"--train-fraction \(0.1, 1.0\): expected a number"),
    ],
)
def test_wrong_settings_of_a_probe_are_named_by_their_flags(options, message):
    with pytest.raises(ConfigError, match=message):
        parse_probing(options)


def test_wrong_settings_of_an_embedding_are_named_by_their_flags():
    with pytest.raises(ConfigError, match="--random-seeds 0: expected a number of at least 1"):
        parse_embedding({"random_seeds": 0})


def test_the_examples_run():
    assert doctest.testmod(embedding_parsing).failed == 0
