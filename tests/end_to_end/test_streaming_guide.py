"""The code of docs/streaming.md runs, and does what is said beside it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from counting_server import CountingServer

GUIDE = Path(__file__).parents[2] / "docs" / "streaming.md"


@pytest.fixture
def folder(eyes_store, tmp_path, monkeypatch) -> Path:
    """The store of the README, and another that fits it, in the working directory."""
    for name in ("eyes.zarr", "more.zarr"):
        shutil.copytree(eyes_store, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path


def test_the_code_of_the_guide_runs_from_top_to_bottom(folder, capsys):
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 8
    names: dict[str, object] = {}
    with CountingServer(folder) as server:
        for block in blocks:
            exec(block.replace("https://data.example.org", server.url), names)
        server.reset()
        first = [list(names["stream"]), len(server.signal_requests())]
        server.reset()
        again = [list(names["stream"]), len(server.signal_requests())]
    assert capsys.readouterr().out == "('eyes_open', 'eyes_closed') 24 256 128.0 4\n"
    assert first[1] > 0 == again[1]
    assert len(first[0]) == len(again[0])
    assert len(names["seen"]) == 3
    assert any((folder / "xdg" / "bids_dl" / "chunks").iterdir())
