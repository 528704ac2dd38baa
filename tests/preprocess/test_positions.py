"""Templates, fitted spheres, and the plausibility of measured positions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from electrode_files import CH_NAMES, NOSE_ALONG_X, read_measured
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bids_dl.preprocess import positions


@pytest.mark.parametrize("name", positions.TEMPLATES)
def test_every_template_is_a_head_of_plausible_size(name):
    points = np.array(list(positions.template_positions(name).values()))
    assert len(points) == len(positions.load_montage(name).ch_names)
    centre, radius = positions.fit_sphere(points)
    assert 0.09 < radius < 0.1
    np.testing.assert_allclose(centre, positions.DEFAULT_CENTRE, atol=0.016)


def test_an_unknown_template_is_refused_with_the_known_ones():
    assert positions.check_template_name("standard_1005") == "standard_1005"
    with pytest.raises(ValueError, match="no template of this name; use one of standard_1005, "):
        positions.check_template_name("standard_1006")


@given(
    arrays(float, (30, 3), elements=st.floats(-1, 1)),
    arrays(float, 3, elements=st.floats(-0.05, 0.05)),
    st.floats(0.05, 0.13),
)
def test_the_sphere_through_points_on_a_sphere_is_that_sphere(points, centre, radius):
    lengths = np.linalg.norm(points, axis=1)
    points = points[lengths > 0.1] / lengths[lengths > 0.1, None]
    if len(points) < positions.MIN_SPHERE_ELECTRODES:
        return
    if np.linalg.svd(points - points.mean(0), compute_uv=False)[-1] < 1:
        return
    fitted_centre, fitted_radius = positions.fit_sphere(centre + radius * points)
    np.testing.assert_allclose(fitted_centre, centre, atol=1e-6)
    assert fitted_radius == pytest.approx(radius, abs=1e-6)


@pytest.mark.parametrize(
    "names",
    [
        ["fp1", "o1", "cz"],
        ["fpz", "afz", "fz", "fcz", "cz", "cpz", "pz", "poz", "oz", "iz"],
    ],
)
def test_few_or_coplanar_electrodes_get_the_default_centre(names):
    template = positions.template_positions("easycap-M1")
    centre, radius = positions.fit_sphere(np.array([template[name] for name in names]))
    np.testing.assert_array_equal(centre, positions.DEFAULT_CENTRE)
    assert radius == pytest.approx(0.095, abs=2e-3)


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 100.0), ("mm", 1000.0)])
@pytest.mark.parametrize(
    ("system", "rotation"), [("CapTrak", None), ("EEGLAB", NOSE_ALONG_X), ("CTF", NOSE_ALONG_X)]
)
def test_measured_positions_are_plausible_in_every_unit_and_system(
    tmp_path, system, rotation, unit, factor
):
    raw = read_measured(tmp_path, system=system, unit=unit, factor=factor, rotation=rotation)
    measured = positions.electrode_positions(raw.info, CH_NAMES)
    assert positions.explain_implausible(raw.info, measured) is None
    template = positions.template_positions("easycap-M1")
    for name in CH_NAMES:
        np.testing.assert_allclose(measured[name], template[name.casefold()], atol=3e-3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"unit": "mm"},
            r"they are 0.0\d+ mm from their centre, but a head has 50 to 130 mm; is the unit right",
        ),
        ({"unit": "m", "factor": 10.53}, r"they are 1e\+03 mm from their centre"),
        (
            {"system": "EEGLAB"},
            r"\w+ is \d+ degrees from its position in the 10-05 system; are the axes right\?",
        ),
        ({"system": "Other"}, "their coordinate system is not tied to a head"),
    ],
)
def test_an_implausible_position_is_explained(tmp_path, options, reason):
    raw = read_measured(tmp_path, **options)
    measured = positions.electrode_positions(raw.info, CH_NAMES)
    explanation = positions.explain_implausible(raw.info, measured)
    assert re.match(reason, explanation)


def test_channels_without_a_position_are_left_out(tmp_path):
    raw = read_measured(tmp_path, without=("O2", "Cz"))
    measured = positions.electrode_positions(raw.info, CH_NAMES)
    assert list(measured) == [name for name in CH_NAMES if name not in ("O2", "Cz")]
