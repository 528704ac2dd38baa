"""Fixtures: another store, the imitated hub, and short waits of its client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conversions import convert
from hub_server import HubServer, use_hub

import bids_dl
from bids_dl.publishing.content import StoreContent, read_content


@pytest.fixture(scope="session")
def other_store(eegbci: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of one person of the sample, under the same name as `eyes_store`."""
    store = tmp_path_factory.mktemp("others") / "eyes.zarr"
    convert(eegbci, store, subject="001", split=1, title="one person")
    return store


@pytest.fixture
def content(eyes_store: Path) -> StoreContent:
    return read_content(bids_dl.open_store(eyes_store))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The imitated hub, whose client does not wait between its own tries."""
    from huggingface_hub.utils import _http

    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda _: None))
    with HubServer() as server, use_hub(server):
        yield server
