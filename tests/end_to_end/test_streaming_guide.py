"""The code of docs/streaming.md runs, and its results are as described."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from counting_server import CountingServer

GUIDE = Path(__file__).parents[2] / "docs" / "streaming.md"


@pytest.fixture
def folder(eyes_store, tmp_path, monkeypatch) -> Path:
    """Working directory with the store of the README and a second store that fits it."""
    for name in ("eyes.zarr", "more.zarr"):
        shutil.copytree(eyes_store, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path


def test_the_code_of_the_guide_runs_in_order(folder, capsys):
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 11
    names: dict[str, object] = {}
    n_batches = []
    n_requests = []
    with CountingServer(folder) as server:
        for block in blocks:
            exec(block.replace("https://data.example.org", server.url), names)
        for _ in range(2):
            server.reset()
            n_batches.append(len(list(names["stream"])))
            n_requests.append(len(server.signal_requests()))
    assert capsys.readouterr().out == "('eyes_open', 'eyes_closed') 24 256 128.0 4\n24\n"
    assert n_requests[0] > 0 == n_requests[1]  # the second epoch comes from the cache
    assert n_batches[0] == n_batches[1]
    assert len(names["seen"]) == 3
    assert any((folder / "xdg" / "bids_dl" / "chunks").iterdir())
