"""The small store that the tests of streams read. Tests that damage it use a copy."""

from __future__ import annotations

import pytest
import small_store
from streams import SMALL


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of `streams.SMALL`."""
    path = tmp_path_factory.mktemp("stream") / "small.zarr"
    small_store.write(path, SMALL)
    return str(path)
