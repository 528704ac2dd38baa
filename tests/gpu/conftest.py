"""Device and data of the tests for machines with a GPU.

The environment variable BIDS_DL_TEST_DEVICE=cpu runs the same tests on a CPU.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from bids_dl.testing import PlantedEffect, plant_store

DEVICE_VARIABLE = "BIDS_DL_TEST_DEVICE"


@pytest.fixture(scope="session")
def device() -> str:
    """Device to test, ``"cuda"`` unless the environment names another."""
    name = os.environ.get(DEVICE_VARIABLE, "cuda")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip(f"no CUDA device; {DEVICE_VARIABLE}=cpu runs this test on a CPU")
    return name


@pytest.fixture(scope="session")
def planted(device: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Store of 16 persons with 24 channels of 256 samples, whose blocks differ in alpha power."""
    del device  # which skips the test before the store is written
    path: Path = tmp_path_factory.mktemp("planted") / "planted.zarr"
    effect = PlantedEffect(d=2, between=0.25, within=0.25, unit="block")
    channels = tuple(f"E{number}" for number in range(1, 25))
    return plant_store(
        path, effect, n_persons=16, n_windows=24, n_blocks=4, ch_names=channels, test=0.25
    ).url
