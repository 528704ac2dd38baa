"""Power by label is that of the windows, and electrodes are where a head has them."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.cataloguing.shown_windows import read_shown_windows
from bids_dl.cataloguing.topography import band_powers, draw_topography, resolved_bands
from bids_dl.store import Store, open_store


@pytest.fixture(scope="module")
def topography(eyes_store):
    store = open_store(str(eyes_store))
    return draw_topography(store, read_shown_windows(store))


def test_a_sine_has_its_power_in_its_band():
    time = np.arange(512) / 128
    signals = np.zeros((3, 2, 512), np.float32)
    signals[:, 1] = 10 * np.sin(2 * np.pi * 10 * time)
    bands = resolved_bands(512, 128.0)
    alpha = band_powers(signals, 128.0, bands)[list(bands).index("alpha"), 1]
    # 50 µV² spread over the 21 frequencies of 8 to 13 Hz, a quarter of a Hz each
    assert alpha == pytest.approx(10 * np.log10(50 / (21 * 0.25)), abs=0.1)
    assert np.isnan(band_powers(signals, 128.0, bands)[:, 0]).all()


def test_closed_eyes_have_more_alpha_at_the_back(topography):
    assert [band.name for band in topography.bands][2] == "alpha"
    opened, closed = topography.labels
    assert closed.medians[2] > opened.medians[2] + 3
    assert closed.maps[2].description.endswith(("at O1", "at O2"))
    assert "eyes_closed, alpha:" in closed.maps[2].description


def test_every_label_has_a_map_of_each_band_in_the_same_colours(topography):
    for label in topography.labels:
        assert len(label.maps) == len(topography.bands) == 5
    areas = topography.labels[1].maps[2].head.areas
    styles = [style for style, _ in areas]
    assert styles == sorted(set(styles))
    assert styles[-1] == "v8"  # eyes closed have the most alpha
    assert "v8" not in [style for style, _ in topography.labels[0].maps[2].head.areas]


@pytest.mark.parametrize(
    ("n_times", "sfreq", "bands"),
    [
        (100, 100.0, ["delta", "theta", "alpha", "beta", "gamma"]),
        (50, 100.0, ["theta", "alpha", "beta", "gamma"]),
        (3000, 64.0, ["delta", "theta", "alpha", "beta"]),
        (5, 100.0, []),
    ],
)
def test_bands_that_a_window_does_not_resolve_are_left_out(n_times, sfreq, bands):
    assert list(resolved_bands(n_times, sfreq)) == bands


def test_without_positions_there_are_medians_but_no_heads(eyes_store):
    store = open_store(str(eyes_store))
    consolidated = store.root["consolidated_metadata"]
    arrays = dict(consolidated["metadata"])
    del arrays["channel_position"]
    root = {**store.root, "consolidated_metadata": {**consolidated, "metadata": arrays}}
    without = Store(store.url, {}, root)
    topography = draw_topography(without, read_shown_windows(store))
    assert [label.maps for label in topography.labels] == [(), ()]
    assert all(np.isfinite(label.medians).all() for label in topography.labels)
