"""Stores of several montages and rates that the tests read."""

from __future__ import annotations

import montage_stores
import pytest
from montage_stores import MontageStore

CONTENTS = (
    MontageStore(64, n_windows=40, per_chunk=5),
    MontageStore(24, sfreq=256.0, n_windows=33, per_chunk=3, seed=1),
    MontageStore(129, n_windows=25, per_chunk=2, seed=2),
)


@pytest.fixture(scope="session")
def contents() -> tuple[MontageStore, ...]:
    """Content of `stores`: 64, 24 and 129 channels at 128, 256 and 128 Hz."""
    return CONTENTS


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Paths of stores of several montages."""
    folder = tmp_path_factory.mktemp("montages")
    return [montage_stores.write(folder / f"{c.n_chans}.zarr", c) for c in CONTENTS]
