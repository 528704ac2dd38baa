"""Windows of a pool, joined on the clock of their recording."""

from __future__ import annotations

import numpy as np
import pytest

import bids_dl
from bids_dl import source
from bids_dl.annotate.viewing import StoreSignals, ViewRequest, compute_view, pool_recordings
from bids_dl.annotate.viewing.view import MISSING
from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.store import open_store

RECIPE = "name: plain\nsteps:\n  - pick: {types: [eeg]}\n"


@pytest.fixture(scope="module")
def pool(eegbci, tmp_path_factory):
    """Pool of the sample at its own rate, with windows of 2 s and samples as recorded."""
    folder = tmp_path_factory.mktemp("pool")
    recipe = folder / "plain.yaml"
    recipe.write_text(RECIPE)
    pool = folder / "pool.zarr"
    bids_dl.convert(
        *(str(eegbci), str(pool)), whole=True, window=2, recipe=str(recipe), scheduler="synchronous"
    )
    return open_store(pool)


def test_joined_windows_are_the_recording(pool, eegbci):
    signals = StoreSignals(pool)
    dataset = source.open_dataset(str(eegbci))
    recording = source.find_recordings(dataset, SourceConfig())[3]
    key = (recording.dataset, recording.path)
    header = signals.header(key)
    assert (header.sfreq, header.seconds) == (160.0, 61.0)
    with source.open_raw(dataset, recording) as raw:
        expected = raw.get_data(picks=list(pool.channels)) * 1e6
    samples = signals.read(key, -10, 9800)
    np.testing.assert_allclose(samples[:, 10:9610], expected[:, :9600], atol=1e-3)
    assert np.isnan(samples[:, :10]).all()
    assert np.isnan(samples[:, 9610:]).all()  # no window fits into the last second
    part = signals.read(key, 1000, 1001)
    np.testing.assert_array_equal(part, samples[:, 1010:1011])


def test_the_recordings_of_a_pool_are_in_the_order_of_its_windows(pool):
    keys = pool_recordings(pool)
    assert len(keys) == 11
    assert keys[0] == ("ds004362", "sub-001/eeg/sub-001_task-motion_run-1")
    assert keys == sorted(keys)


def test_gaps_between_windows_are_missing(eyes_store):
    store = open_store(eyes_store)
    signals = StoreSignals(store)
    key = pool_recordings(store)[0]
    header = signals.header(key)
    view = compute_view(signals, key, ViewRequest(55.0, 10.0, 500, "average", low=1.0, high=30.0))
    times = view.first_time + np.arange(500) * view.column_seconds
    is_missing = (view.minima == MISSING).all(axis=0)
    assert is_missing[times > header.seconds].all()
    assert not is_missing[times < 59.9].any()


def test_an_unknown_recording_is_refused(pool):
    with pytest.raises(RecordingError, match="ds1/x: the pool has no window of this recording"):
        StoreSignals(pool).read(("ds1", "x"), 0, 10)
