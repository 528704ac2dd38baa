"""The commands and the code of docs/finding.md run word for word, on an imitated catalogue."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from nemar_catalogue import served_catalogue

from bids_dl.demo import sample_folder

GUIDE = (Path(__file__).parents[2] / "docs" / "finding.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    no_signals = shutil.ignore_patterns("*.edf")
    root = Path(shutil.copytree(sample_folder(), folder / "on004362", ignore=no_signals))
    (folder / "git").mkdir()
    with served_catalogue({"on004362": root}, folder / "git") as served:
        served.api.rows[0] |= {
            "subject_count": 109,
            "tasks": "rest, motion",
            "total_recording_duration": 48.5 * 3600,
        }
        yield served


@pytest.fixture(autouse=True)
def environment(catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("BIDS_DL_NEMAR_API", catalogue.api.url)
    monkeypatch.setenv("BIDS_DL_NEMAR_GIT", catalogue.git.url)
    monkeypatch.setenv("BIDS_DL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", [0, 1])
def test_the_commands_print_what_the_guide_shows(command, number):
    program, *arguments = shlex.split(blocks("bash")[number])
    printed = command(*arguments)
    assert (program, printed.status, printed.err) == ("bids-dl", 0, "")
    assert printed.out == blocks("text")[number]


def test_the_code_of_the_guide_runs(capsys):
    exec(compile(blocks("python")[0], "docs/finding.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "nemar:on004362 4 0.07 h\n120\n"
