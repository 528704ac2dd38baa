"""Every example in the docstrings of bids_dl.selection gives the result that it shows."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

from bids_dl import selection

MODULES = [
    module.name
    for module in pkgutil.walk_packages(selection.__path__, "bids_dl.selection.")
    if not module.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_the_results_that_they_show(name):
    assert doctest.testmod(import_module(name)).failed == 0
