"""README's Python code runs, and its tables name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import bids_dl

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_block_runs(tmp_path, monkeypatch):
    [block] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "bids_dl").symlink_to(Path(bids_dl.__file__).parent)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(block.replace("window=2)", 'window=2, scheduler="synchronous")'), names)
    assert names["signals"].shape[1:] == (24, 256)
    assert names["stream"].classes == ("eyes_open", "eyes_closed")


def test_every_link_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    local = [link for link in links if not link.startswith("http")]
    assert len(local) > 10
    assert [link for link in local if not (ROOT / link).exists()] == []
