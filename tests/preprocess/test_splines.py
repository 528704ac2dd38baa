from __future__ import annotations

import doctest

import mne
import numpy as np

from bids_dl.preprocess import splines
from bids_dl.preprocess.positions import template_directions
from bids_dl.preprocess.splines import spline_weights

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "Fz", "Cz", "Pz")


def test_weights_interpolate_as_mne_does_on_the_same_directions():
    directions = template_directions("standard_1005")
    places = np.array([directions[name.casefold()] for name in NAMES])
    signals = np.random.default_rng(0).standard_normal((len(NAMES), 50))
    info = mne.create_info(list(NAMES), 100.0, "eeg")
    for channel, place in zip(info["chs"], places, strict=True):
        channel["loc"][:3] = place
    raw = mne.io.RawArray(signals, info, verbose="error")
    raw.info["bads"] = ["Cz", "O1"]
    bad = [name in raw.info["bads"] for name in NAMES]
    raw.interpolate_bads(origin=(0.0, 0.0, 0.0), method={"eeg": "spline"}, verbose="error")
    weights = spline_weights(places[np.invert(bad)], places[bad])
    np.testing.assert_allclose(weights @ signals[np.invert(bad)], raw.get_data()[bad], atol=1e-12)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(splines).failed == 0
