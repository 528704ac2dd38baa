from __future__ import annotations

import doctest
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models import MODELS
from bids_dl.training import scaling
from bids_dl.training.scaling import choose_normalization

RECORDINGS = pd.DataFrame({"dataset": "d", "recording": ["a", "a", "b", "b", "c"]})
ALL = np.ones(5, bool)
MODEL = MODELS["shallow-fbcsp"]


@pytest.mark.parametrize("normalize", ["window", "recording", "training", "none"])
def test_a_requested_normalization_is_used(normalize):
    config = TrainConfig(normalize=normalize)
    published = replace(MODEL, normalize="training")
    chosen = choose_normalization(config, published, RECORDINGS, ALL, np.zeros(5, int))
    assert chosen.normalize == normalize


def test_the_normalization_of_the_publication_comes_before_the_rule():
    chosen = choose_normalization(
        TrainConfig(), MODELS["r-scnn"], RECORDINGS, ALL, np.array([0, 1, 0, 1, 0])
    )
    assert chosen.normalize == "none"
    assert chosen.reason == "r-scnn was published with it"


@pytest.mark.parametrize(
    ("values", "normalize"),
    [
        ([0, 1, 1, 1, 0], "recording"),
        ([0, 0, 1, 1, 0], "training"),
        ([0, -1, 1, 1, 0], "training"),
        ([30.0, 30.0, 20.0, np.nan, 25.0], "training"),
        ([30.0, 31.0, 20.0, 20.0, 25.0], "recording"),
        ([[0.5, 0.5], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]], "training"),
        ([[0.5, 0.5], [0.4, 0.6], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]], "recording"),
        ([[1.0, 0.0], [1.0, np.nan], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]], "recording"),
    ],
)
def test_a_target_that_varies_within_a_recording_is_normalized_by_recording(values, normalize):
    chosen = choose_normalization(TrainConfig(), MODEL, RECORDINGS, ALL, np.array(values))
    assert chosen.normalize == normalize


def test_only_windows_that_may_be_used_count():
    known = np.array([True, False, True, True, True])
    chosen = choose_normalization(
        TrainConfig(), MODEL, RECORDINGS, known, np.array([0, 1, 1, 1, 0])
    )
    assert chosen.normalize == "training"
    assert "each recording has one value of the target" in chosen.reason


def test_recordings_of_the_same_name_in_two_datasets_are_two():
    table = RECORDINGS.assign(dataset=["d", "e", "d", "d", "d"])
    values = np.array([0, 1, 1, 1, 0])
    assert choose_normalization(TrainConfig(), MODEL, table, ALL, values).normalize == "training"


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(scaling, extraglobs={"pd": pd, "np": np}).failed == 0
