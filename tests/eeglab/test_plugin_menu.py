"""Files of the plug-in: menu, version, help, and a language that MATLAB and Octave share."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from eeglab.octave import EEGLAB, HERE, PLUGIN, quote, run_cases

import bids_dl
from bids_dl.eeglab.install import name_folder

FILES = sorted(PLUGIN.glob("*.m"))
MAX_BODY = 60  # lines of a function without comments, as in the package
ITEMS = (
    *("BIDS folders to a store", "Current dataset(s) or STUDY to a store"),
    *("Windows of a store as epochs", "Predictions of a network into events"),
    *("Report of a store", "Settings"),
)
MENU = r"""
global MENU ALLCOM LASTCOM WINDOWS DIALOGS
MENU = struct('parent', {}, 'label', {}, 'tag', {}, 'callback', {}, 'userdata', {}, ...
    'separator', {}, 'position', {});
uimenu(0, 'label', 'Tools', 'tag', 'tools');
uimenu(0, 'label', 'Import', 'tag', 'import data');
uimenu(0, 'label', 'File');
try_text = 'try,';
catch_text = 'catch, disp(lasterr()); problem = lasterr(); end;';
trystrs = struct('no_check', try_text);
catchstrs = struct('new_and_hist', catch_text, 'add_to_hist', catch_text);
vers = eegplugin_bidsdl(1, trystrs, catchstrs);
emit('version', struct('vers', vers, 'alone', eegplugin_bidsdl()));
emit('menu', struct('labels', {{MENU.label}}, 'parents', [MENU.parent], ...
    'userdata', {{MENU.userdata}}, 'tags', {{MENU.tag}}));

STUDY = [];
CURRENTSTUDY = 0;
EEG = eeg_emptyset();
EEG.data = zeros(2, 100);
EEG.srate = 100;
EEG.chanlocs = struct('labels', {'Fz', 'Cz'});
EEG.event = struct('type', 'square', 'latency', 50, 'duration', 0);
EEG = eeg_checkset(EEG);
for k = find(~cellfun(@isempty, {MENU.callback}))
    problem = '';
    ALLCOM = {};
    LASTCOM = 'before';
    before = EEG;
    prepare('cancel', 'cancel', 'cancel');
    eval(MENU(k).callback);
    title = '';
    if ~isempty(WINDOWS)
        title = WINDOWS{1}.title;
    end
    if ~isempty(DIALOGS)
        problem = DIALOGS{1}.text;
    end
    emit('callback', struct('label', MENU(k).label, 'problem', problem, 'title', title, ...
        'last', LASTCOM, 'same', isequaln(before, EEG), 'left', exist('EEGTMP', 'var')));
end
"""


@pytest.fixture(scope="module")
def menu() -> list[dict[str, Any]]:
    return run_cases(MENU, paths=[HERE / "menu"])


def find(menu: list[dict[str, Any]], name: str) -> Mapping[str, Any]:
    return next(case for case in menu if case["case"] == name)


def test_the_version_is_that_of_the_package_and_of_the_folder(menu):
    version = find(menu, "version")
    assert version["vers"] == version["alone"] == f"bidsdl{bids_dl.__version__}"
    assert name_folder() == f"BIDS-DL{bids_dl.__version__}"


def test_the_menu_is_in_tools_and_in_file_and_an_item_below_import(menu):
    case = find(menu, "menu")
    items = list(zip(case["parents"], case["labels"], strict=True))
    titles = [number for number, item in enumerate(items, 1) if item[1].startswith("Deep-")]
    assert [case["labels"][items[number - 1][0] - 1] for number in titles] == ["Tools", "File"]
    for title in titles:
        assert [label for parent, label in items if parent == title] == list(ITEMS)
    assert (2, "From a BIDS-DL store") in items


def test_items_that_need_a_dataset_are_off_without_one(menu):
    case = find(menu, "menu")
    states = dict(zip(case["labels"], case["userdata"], strict=True))
    assert {label for label, state in states.items() if state.startswith("startup:off")} == {
        *("Current dataset(s) or STUDY to a store", "Predictions of a network into events")
    }


def test_each_item_opens_its_window_and_a_cancelled_one_changes_nothing(menu):
    callbacks = [case for case in menu if case["case"] == "callback"]
    assert {case["label"] for case in callbacks} == {*ITEMS, "From a BIDS-DL store"}
    for case in callbacks:
        assert case["problem"] == "", case
        assert re.search(r"-- pop_bidsdl_\w+\(\)$", case["title"]), case
        assert case["last"] == "", case
        assert case["same"] is True, case
        assert case["left"] == 0, case


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_function_has_help_with_its_usage(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines[: lines.index("")] if line.startswith("%"))
    assert lines[0].startswith("function ")
    assert f"% {file.stem.upper()} - " in text
    assert "% Usage:" in text
    assert all(len(line) <= 100 for line in lines), [line for line in lines if len(line) > 100]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_function_body_fits_a_screen(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("function ")]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = [line for line in lines[start + 1 : stop] if not line.lstrip().startswith("%")]
        assert sum(bool(line.strip()) for line in body) <= MAX_BODY, lines[start]


def test_see_also_names_functions_that_exist():
    known = {file.stem.upper() for file in FILES}
    for file in FILES:
        for line in re.findall(r"^% See also: (.*)$", file.read_text(encoding="utf-8"), re.M):
            named = {word for word in re.split(r"[ ,]+", line) if "BIDSDL" in word}
            assert named <= known, (file.name, named - known)


def test_the_readme_lists_each_function_of_the_user():
    readme = (PLUGIN / "README.md").read_text(encoding="utf-8")
    for file in PLUGIN.glob("pop_*.m"):
        assert f"`{file.stem}`" in readme, file.stem


def test_the_licence_is_that_of_the_package():
    licence = PLUGIN.parents[2] / "LICENSE"
    if not licence.is_file():
        pytest.skip("the package is installed without its repository")
    assert (PLUGIN / "LICENSE").read_text() == licence.read_text()


def test_octave_finds_no_syntax_of_its_own():
    script = ["warning('off', 'all');", "warning('on', 'Octave:language-extension');"]
    for file in FILES:
        script += [
            "lastwarn('');",
            f"__parse_file__({quote(file)});",
            f"emit({quote(file.name)}, struct('text', lastwarn()));",
        ]
    cases = run_cases("\n".join(script))
    assert len(cases) == len(FILES)
    assert [case for case in cases if case["text"]] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_texts_are_in_single_quotes_only(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        code = re.sub(r"'(?:[^'\n]|'')*'", "", line)
        code = code.partition("%")[0]
        assert '"' not in code, (number, line)
        assert not re.search(r"\b(printf|puts|endif|endfunction|endwhile|endfor)\b", code), number


@pytest.mark.skipif(shutil.which("mh_lint") is None, reason="needs MISS_HIT (pip install miss_hit)")
def test_miss_hit_reads_each_file_as_matlab(tmp_path):
    run = subprocess.run(
        ["mh_lint", "--single", "--ignore-config", *map(str, FILES)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(not EEGLAB, reason="needs EEGLAB: BIDS_DL_EEGLAB=FOLDER")
def test_eeglab_starts_with_the_plug_in_on_its_path():
    [case] = run_cases("emit('where', struct('file', which('pop_bidsdl_load')));")
    assert case["file"].endswith("pop_bidsdl_load.m")
