"""The page docs/transforms.md is about all transforms and operations, and examples run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from bids_dl import transforms
from bids_dl.training import augmentation
from bids_dl.training.augmentation.registry import MIXUP, OPERATIONS
from bids_dl.transforms import TRANSFORMS

PAGE = Path(__file__).parents[2] / "docs" / "transforms.md"


def test_the_code_of_the_page_runs():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("room", [transforms, augmentation])
def test_the_examples_of_the_docstrings_are_right(room):
    n_examples = 0
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0
        n_examples += result.attempted
    assert n_examples > 10


def test_the_tables_list_all_transforms_and_operations_in_order():
    names = re.findall(r"^\| `([\w-]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert names == [*TRANSFORMS, *OPERATIONS, MIXUP]
