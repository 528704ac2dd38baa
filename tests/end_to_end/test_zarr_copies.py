"""A store made of NEMAR's Zarr copies: the samples, what it states, and a copy that is replaced."""

from __future__ import annotations

import json

import numpy as np
import pytest
from zarr_copies import ADDRESS, UPDATED, served_copies

import bids_dl
from bids_dl.source.formats import raw_zarr_copy

OPTIONS = {"hed": {"closed": "Eyes-closed"}, "window": 2, "split": 1, "scheduler": "synchronous"}


@pytest.fixture(scope="module")
def copies(eegbci, tmp_path_factory):
    with served_copies(eegbci, tmp_path_factory.mktemp("copies")) as served:
        yield served


@pytest.mark.slow
def test_a_store_of_copies_has_the_windows_of_the_source_and_says_that_it_is_lossy(
    copies, eegbci, tmp_path
):
    bids_dl.convert(eegbci, tmp_path / "source.zarr", **OPTIONS)
    copies.server.reset()
    outcome = bids_dl.convert(
        ADDRESS, tmp_path / "copy.zarr", **OPTIONS, **copies.options(tmp_path / "cache")
    )
    source, copy = (bids_dl.open_store(tmp_path / f"{name}.zarr") for name in ("source", "copy"))
    assert (outcome.n_windows, outcome.failures) == (120, ())
    [described] = copy.attributes["sources"]
    assert (described["address"], described["updated_utc"]) == (ADDRESS, UPDATED)
    assert described["commit"] == copies.index["source_commit"]
    assert "updated_utc" not in source.attributes["sources"][0]
    assert bids_dl.verify(tmp_path / "copy.zarr").damages == ()
    for window, copied in zip(source.to_numpy(), copy.to_numpy(), strict=True):
        assert np.corrcoef(window.ravel(), copied.ravel())[0, 1] > 0.999
    runs = {path.partition("_run-")[2][0] for path in copies.server.requests if "_run-" in path}
    assert runs == {"2"}


@pytest.mark.slow
def test_a_copy_that_is_replaced_fails_its_recording_and_no_other(copies, tmp_path, monkeypatch):
    path = "sub-001/eeg/sub-001_task-motion_run-2_eeg.zarr/zarr.json"
    document = (copies.root / path).read_text()
    read_samples = raw_zarr_copy._read_samples

    def replace_and_read(*arguments):
        content = json.loads(document)
        content["attributes"]["created_utc"] = "2026-10-01T00:00:00+00:00"
        (copies.root / path).write_text(json.dumps(content))
        return read_samples(*arguments)

    monkeypatch.setattr(raw_zarr_copy, "_read_samples", replace_and_read)
    options = {**OPTIONS, **copies.options(tmp_path / "cache")}
    try:
        outcome = bids_dl.convert(ADDRESS, tmp_path / "copy.zarr", **options)
    finally:
        (copies.root / path).write_text(document)
    [failure] = outcome.failures
    assert failure.recording.startswith("ds004362/sub-001")
    assert (failure.stage, failure.transient) == ("source", True)
    assert "was replaced while it was read" in failure.reason
