"""The code of docs/how-to/keep-a-gpu-busy.md runs on the store of the README."""

from __future__ import annotations

import re
import shutil

from markdown_pages import DOCS, blocks

PAGE = DOCS / "how-to" / "keep-a-gpu-busy.md"


def test_the_loop_of_the_page_measures_the_wait(eyes_store, tmp_path, monkeypatch, capsys):
    shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    monkeypatch.chdir(tmp_path)
    [block] = [block for block in blocks(PAGE) if block.language == "python"]
    exec(compile(block.text, str(PAGE), "exec"), {})
    share = re.fullmatch(r"(\d+)% of the time waiting for data\n", capsys.readouterr().out)
    assert share is not None
    assert 0 < int(share[1]) <= 100
