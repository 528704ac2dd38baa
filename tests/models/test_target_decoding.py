"""Outputs of a model as values of its target."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.special import expit, softmax

from bids_dl.errors import ModelError
from bids_dl.models import target_decoding
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_decoding import decode

OUTPUTS = np.array([[1.0, -2.0], [30.0, 0.5]], np.float32)


def make_spec(kind: str, n_outputs: int = 2) -> TargetSpec:
    names = ("a", "b")[:n_outputs]
    return TargetSpec("x", kind, names, names, mean=40.0, std=8.0)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(target_decoding).failed == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("classes", softmax(OUTPUTS.astype(float), axis=1)),
        ("shares", softmax(OUTPUTS.astype(float), axis=1)),
        ("labels", expit(OUTPUTS.astype(float))),
    ],
)
def test_outputs_become_probabilities(kind, expected):
    decoded = decode(make_spec(kind), OUTPUTS)
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, expected, rtol=1e-12)


def test_outputs_become_numbers_in_their_own_unit():
    decoded = decode(make_spec("number", 1), OUTPUTS[:, :1])
    np.testing.assert_array_equal(decoded, [[48.0], [280.0]])


def test_no_windows_have_no_predictions():
    assert decode(make_spec("classes"), OUTPUTS[:0]).shape == (0, 2)


@pytest.mark.parametrize("outputs", [OUTPUTS[:, 0], OUTPUTS[:, :1], OUTPUTS[None]])
def test_outputs_of_another_shape_are_refused(outputs):
    with pytest.raises(ModelError, match=r"for the target 'x'; expected \(n_windows, 2\)"):
        decode(make_spec("classes"), outputs)
