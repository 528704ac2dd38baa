"""Each tutorial and each decision is a script that runs alone, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from markdown_pages import DOCS, ROOT

FOLDERS = (ROOT / "examples" / "tutorials", ROOT / "examples" / "decisions")
WITH_PROCESSES = ("plot_bucket", "plot_cluster", "plot_own_model", "plot_when_something_fails")
SCRIPTS = sorted(path for folder in FOLDERS for path in folder.glob("plot_*.py"))


@pytest.fixture
def gallery(monkeypatch):
    """The module that orders the galleries."""
    monkeypatch.syspath_prepend(str(DOCS))
    from extensions import gallery

    return gallery


@pytest.mark.slow
@pytest.mark.parametrize(  # the others are run by the build of the site only
    "script",
    [script for script in SCRIPTS if script.stem in WITH_PROCESSES],
    ids=lambda script: script.stem,
)
def test_a_script_runs_in_an_empty_folder_and_writes_nothing_beside_itself(script, tmp_path):
    before = sorted(script.parent.iterdir())
    work = tmp_path / "work"
    temporary = tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    result = subprocess.run(
        [sys.executable, str(script)],
        cwd=work,
        env={
            **os.environ,
            "MPLBACKEND": "agg",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(temporary),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert str(temporary) not in result.stdout  # no path of this machine on the page
    assert "\x1b" not in result.stdout + result.stderr  # no colours of a terminal, no progress bar
    assert "Warning" not in result.stderr
    assert list(work.iterdir()) == []
    assert sorted(script.parent.iterdir()) == before


def test_the_order_of_the_galleries_lists_every_script(gallery):
    written = {script.name for script in SCRIPTS}
    assert set(gallery.TUTORIALS + gallery.DECISIONS) == written
    names = sorted(gallery.TUTORIALS[:3], key=gallery.position)
    assert tuple(names) == gallery.TUTORIALS[:3]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_says_first_on_which_data_it_runs(script):
    text = script.read_text(encoding="utf-8")
    title, rule, empty, first = text.lstrip('r"').lstrip().splitlines()[:4]
    assert re.fullmatch(r"=+", rule), title
    assert len(rule) >= len(title)
    assert empty == ""
    assert re.search(r"real EEG|planted", first, re.IGNORECASE), first


def test_the_cell_that_installs_is_python_of_a_notebook(gallery):
    cell = gallery.first_notebook_cell("./bids_dl")
    code = cell.replace("%pip install -q ./bids_dl", "pass")
    assert code != cell
    compile(code, "cell", "exec")
