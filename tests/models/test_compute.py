from __future__ import annotations

import doctest

import pytest
import torch

from bids_dl.errors import ConfigError
from bids_dl.models import compute
from bids_dl.models.compute import autocast, pick_device, pick_precision

CPU = torch.device("cpu")


def test_auto_picks_an_available_device():
    assert pick_device("auto").type in ("cuda", "mps", "cpu")
    assert pick_device("cpu") == CPU


def test_an_unknown_device_is_refused_with_the_available_ones():
    with pytest.raises(ConfigError, match=r"unknown device 'abacus'; use one of auto, .*cpu"):
        pick_device("abacus")


def test_a_device_that_this_machine_does_not_have_is_refused():
    with pytest.raises(ConfigError, match=r"device 'cuda:99' is not available here; use one of"):
        pick_device("cuda:99")


def test_precision_is_float32_on_a_cpu_unless_it_is_requested():
    assert pick_precision("auto", CPU) == torch.float32
    assert pick_precision("bfloat16", CPU) == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrix_products_are_computed_in_the_requested_precision(dtype):
    with autocast(CPU, dtype):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == dtype


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(compute).failed == 0
