"""Training from a bucket in int16, with worker processes, gives the numbers of a local run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bucket import objects_at
from conversions import convert
from stopped_training import assert_same_run

from bids_dl.config.training_stage import TrainConfig
from bids_dl.training import train

pytestmark = pytest.mark.slow

URL = "s3://bucket/eyes.zarr"
SETTINGS = {"folds": "loso", "epochs": 3, "normalize": "recording", "device": "cpu"}
# Rounding to steps of 0.125 µV adds white noise of 0.036 µV, a thousandth of the signal. Measured
# for four folds: 0.011 at most and 0.0008 on average, and 0.0003 of the losses.
LARGEST_ERROR = 0.03  # of a probability
MEAN_ERROR = 3e-3
LOSS_ERROR = 1e-3
N_TESTED = 240  # windows


@pytest.fixture
def bucket_store(eegbci, options) -> str:
    """URL of the store of the sample in int16."""
    convert(eegbci, URL, dtype="int16", storage_options=options)
    return URL


def copy_store(options: dict, folder: Path) -> str:
    """Copy the store in the bucket to a folder, and return its path."""
    for name, content in objects_at(URL, options).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def test_a_run_from_a_bucket_has_the_bytes_of_a_run_on_a_copy(bucket_store, options, tmp_path):
    local = copy_store(options, tmp_path / "eyes.zarr")
    train(local, TrainConfig(**SETTINGS), run_dir=tmp_path / "local")
    config = TrainConfig(**SETTINGS, workers=2)
    train(bucket_store, config, run_dir=tmp_path / "bucket", storage_options=options)
    assert_same_run(tmp_path / "local", tmp_path / "bucket")


def test_a_run_in_int16_has_the_numbers_of_float32_within_rounding(
    eyes_store, bucket_store, options, tmp_path
):
    config = TrainConfig(**SETTINGS, workers=2)
    exact = train(str(eyes_store), replace(config, workers=0), run_dir=tmp_path / "exact")
    rounded = train(bucket_store, config, run_dir=tmp_path / "rounded", storage_options=options)
    expected, found = (
        run.predictions.set_index("window").sort_index()["p_eyes_open"] for run in (exact, rounded)
    )
    error = np.abs(found - expected)
    assert len(error) == N_TESTED
    assert 0 < error.max() < LARGEST_ERROR
    assert error.mean() < MEAN_ERROR
    losses = [run.history["train_loss"].to_numpy() for run in (exact, rounded)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0, atol=LOSS_ERROR)
    accuracies = [run.metrics["windows"]["accuracy"]["value"] for run in (exact, rounded)]
    assert accuracies[1] == pytest.approx(accuracies[0], abs=2 / N_TESTED)
