from __future__ import annotations

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.annotate.learning.features import make_features, measure_windows
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def measures(eyes_store):
    return measure_windows(open_store(str(eyes_store)))


def test_amplitude_and_line_length_are_those_of_the_windows(eyes_store, measures):
    signals = open_store(str(eyes_store))[17:19].signals.astype(float)
    np.testing.assert_allclose(measures[17:19, :, 5], np.log(signals.std(axis=-1)), atol=1e-4)
    length = np.abs(np.diff(signals)).mean(axis=-1)
    np.testing.assert_allclose(measures[17:19, :, 6], np.log(length), atol=1e-4)


def test_flat_channels_have_finite_measures(tmp_path):
    table = window_table(2)
    store = open_store(write_store(tmp_path / "x.zarr", table, n_chans=2))
    assert np.isfinite(measure_windows(store)).all()


def test_features_are_scaled_by_the_given_windows_only(measures):
    rows = np.arange(180)
    features = make_features(measures, rows)
    assert features.shape == (240, 21 + 40)
    np.testing.assert_allclose(features[rows].mean(axis=0), 0, atol=1e-6)
    changed = measures.copy()
    changed[180:] += 3
    np.testing.assert_allclose(make_features(changed, rows)[rows], features[rows], atol=1e-9)


def test_the_features_of_few_channels_are_their_measures():
    measures = np.random.default_rng(0).standard_normal((30, 2, 7)).astype(np.float32)
    assert make_features(measures, np.arange(30)).shape == (30, 21 + 14)


def test_constant_measures_are_zero():
    features = make_features(np.ones((10, 8, 7), np.float32), np.arange(10))
    assert (features == 0).all()
