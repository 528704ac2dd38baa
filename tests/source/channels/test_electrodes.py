"""Electrodes of the 10-05 system."""

from __future__ import annotations

import doctest
import warnings

import mne
import numpy as np
import pytest

from bids_dl.source.channels import electrodes
from bids_dl.source.channels.electrodes import standard_positions


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(electrodes).failed == 0


def test_positions_are_looked_up_by_name_ignoring_case():
    positions, template = standard_positions(["Cz", "fCZ", "E57"])
    assert positions.shape == (3, 3)
    assert abs(positions[0][0]) < 0.01  # on the midline
    assert positions[0][2] > 0.05
    assert positions[1][1] > positions[0][1]  # in front of Cz
    assert np.isnan(positions[2]).all()
    assert template.endswith("1005")


def test_no_names_have_no_positions():
    assert standard_positions([])[0].shape == (0, 3)


def test_a_template_with_more_of_the_names_is_taken():
    names = ["E1", "E57", "Cz"]
    positions, template = standard_positions(names, ["GSN-HydroCel-129"])
    assert template == "GSN-HydroCel-129"
    assert np.isfinite(positions).all()
    assert standard_positions(["Fz", "Cz"], ["GSN-HydroCel-129"])[1].endswith("1005")


def test_positions_are_head_coordinates():
    """In the frame of the template, Cz is 0.10 m above the origin, and in that of the head 0.14."""
    left, right, vertex = standard_positions(["T7", "T8", "Cz"])[0]
    assert 0.12 < vertex[2] < 0.15
    assert left[0] < -0.07 < 0.07 < right[0]


@pytest.mark.parametrize("kind", ["1005", "1020", "postfixed"])
def test_a_template_has_its_names_of_all_releases_of_mne(kind, monkeypatch):
    """MNE 1.12 has standard_1020, 1.13 has colin27_1020 and warns of the former name."""
    names = [f"{prefix}_{kind}" for prefix in ("standard", "colin27")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len({electrodes._find_template(name) for name in names}) == 1
        for name in names:
            assert np.isfinite(standard_positions(["Cz"], [name])[0]).all()
            assert electrodes._load_electrodes(name)["cz"].shape == (3,)
    monkeypatch.setattr(mne.channels, "get_builtin_montages", lambda: ["standard_1020"])
    assert electrodes._find_template("colin27_1020") == "standard_1020"
