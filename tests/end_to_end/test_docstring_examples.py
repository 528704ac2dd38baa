"""The examples of docstrings that need a store run."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from bids_dl.stream import StreamingDataset

MODULES = (
    "bids_dl.stream.dataset",
    "bids_dl.stream.prefetch",
    "bids_dl.stream.window_dataset",
    "bids_dl.training.run",
    "bids_dl.prediction",  # needs the run folder of the module before
    "bids_dl.verification",
)


@pytest.mark.slow
def test_the_examples_of_the_docstrings_run(eyes_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("eyes.zarr").symlink_to(eyes_store)
    for name in MODULES:
        names = {"StreamingDataset": StreamingDataset}
        result = doctest.testmod(import_module(name), extraglobs=names)
        assert result.attempted > 0, name
        assert result.failed == 0, name
