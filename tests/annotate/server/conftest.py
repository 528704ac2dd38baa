"""A pool, and a page of it that is served for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_server import ServedPage, make_pool, served_page, write_classes_file


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pool of 240 windows of 1 s of four people, whose dataset is beside it."""
    return make_pool(tmp_path_factory.mktemp("pool"), n_subjects=4)[1]


@pytest.fixture(scope="module")
def page(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """A served page without answers at first."""
    folder = tmp_path_factory.mktemp("page")
    classes = write_classes_file(folder / "classes.yaml")
    with served_page(pool, folder / "labels", classes=classes) as served:
        yield served
