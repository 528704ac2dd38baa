"""The plug-in finds its Python by setting, environment, installer or PATH, or says what to do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eeglab.octave import quote, run_cases

from bids_dl.eeglab.install import install_plugin

SCRIPT = r"""
other = getenv('OTHER_PYTHON');
installed = getenv('INSTALLED');
path_of_program = getenv('PATH');

setenv('BIDS_DL_PYTHON', '');
setenv('PATH', '/nowhere');
emit('none', struct('text', failure(@() bidsdl_python())));

setenv('PATH', [getenv('PROGRAM_FOLDER') pathsep '/nowhere']);
emit('PATH', struct('python', bidsdl_python()));

addpath(installed);
clear('bidsdl_python');
emit('installed', struct('python', bidsdl_python()));

setenv('BIDS_DL_PYTHON', other);
emit('environment', struct('python', bidsdl_python()));

setenv('PATH', path_of_program);
real = getenv('REAL_PYTHON');
emit('kept', struct('python', bidsdl_python(real), 'found', bidsdl_python()));
emit('wrong', struct('missing', failure(@() bidsdl_python('/nowhere/python')), ...
    'other', failure(@() bidsdl_python(other)), 'found', bidsdl_python()));
bidsdl_python('');
emit('forgotten', struct('python', bidsdl_python()));

prepare(struct('python', [' ' real ' ']));
[python, com] = pop_bidsdl_settings;
emit('window', struct('python', python, 'com', com));
pop_bidsdl_settings('');
eval(com);
emit('again', struct('python', bidsdl_python()));
pop_bidsdl_settings('');

global DIALOGS WINDOWS
prepare(struct('python', '/nowhere/python'), 'cancel');
[python, com] = pop_bidsdl_settings;
emit('cancelled', struct('com', com, 'typed', WINDOWS{2}.shown.python, ...
    'text', DIALOGS{1}.text));

prepare(struct('store', 'x.zarr'), struct('button', 'Cancel'), 'cancel');
EEG = pop_bidsdl_load;
emit('dialog', struct('title', DIALOGS{1}.title, 'text', DIALOGS{1}.text, ...
    'typed', WINDOWS{2}.shown.store));
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Mapping[str, str]:
    """A Python that lacks bids_dl, an installed plug-in, and a folder with the program bids-dl."""
    folder = tmp_path_factory.mktemp("it's é")
    other = folder / "python other"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    program = folder / "bin" / "bids-dl"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n")
    (folder / "plugins").mkdir()
    return {
        "OTHER_PYTHON": str(other),
        "INSTALLED": str(install_plugin(folder / "plugins").folder),
        "PROGRAM_FOLDER": str(program.parent),
        "REAL_PYTHON": sys.executable,
    }


@pytest.fixture(scope="module")
def cases(places) -> Mapping[str, Mapping[str, Any]]:
    return {case["case"]: case for case in run_cases(SCRIPT, environment=places)}


def test_without_a_python_the_message_lists_what_was_tried_and_the_way_out(cases):
    text = cases["none"]["text"]
    assert text.count(": nothing") == 4
    assert "setting: nothing" in text
    assert "BIDS_DL_PYTHON: nothing" in text
    assert "pip install bids_dl" in text


def test_the_places_are_tried_in_order(cases, places):
    assert cases["PATH"]["python"] == sys.executable
    assert Path(cases["installed"]["python"]) == Path(sys.executable).absolute()
    assert cases["environment"]["python"] == places["OTHER_PYTHON"]
    assert cases["kept"]["python"] == cases["kept"]["found"] == sys.executable
    assert cases["forgotten"]["python"] == places["OTHER_PYTHON"]


def test_a_python_without_the_package_is_refused_and_the_setting_stays(cases, places):
    case = cases["wrong"]
    assert case["missing"].startswith("/nowhere/python: there is no such file")
    assert case["other"].startswith(f"{places['OTHER_PYTHON']} could not run bids_dl (status 1)")
    assert case["found"] == sys.executable


def test_the_settings_window_keeps_a_python_and_its_command_does_the_same(cases):
    assert cases["window"]["python"] == sys.executable
    assert cases["window"]["com"] == f"pop_bidsdl_settings({quote(sys.executable)});"
    assert cases["again"]["python"] == sys.executable


def test_the_settings_window_opens_again_with_what_was_typed(cases):
    assert cases["cancelled"]["typed"] == "/nowhere/python"
    assert "no such file" in cases["cancelled"]["text"]
    assert cases["cancelled"]["com"] == ""


def test_a_python_that_cannot_run_the_package_is_one_dialog(cases):
    assert cases["dialog"]["title"] == "BIDS-DL: Python is missing"
    assert "could not run bids_dl" in cases["dialog"]["text"].replace("\n", " ")
    assert cases["dialog"]["typed"] == "x.zarr"
