"""BIDS folders to a store, by the window and by the command that the window leaves behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eeglab.octave import quote, run_cases

import bids_dl

SCRIPT = r"""
global DIALOGS WINDOWS
cd(getenv('FOLDER'));
eyes = {'eyes_open', 'Eyes-open'; 'eyes_closed', 'Eyes-closed'};
typed = struct('sources', 'ds004362', 'classes', ...
    ['eyes_open = Eyes-open' char(10) 'eyes_closed=Eyes-closed'], 'dest', ' window.zarr ', ...
    'more', '''scheduler'', ''synchronous'''); % no processes of workers, which take seconds

prepare(typed);
[outcome, com] = pop_bidsdl_convert;
emit('window', struct('outcome', outcome, 'com', com, 'text', DIALOGS{1}.text, ...
    'title', WINDOWS{1}.title));
eval(strrep(com, 'window.zarr', 'again.zarr'));
emit('again', struct('windows', outcome.n_windows));
[outcome, com] = pop_bidsdl_convert('ds004362', 'call.zarr', 'hed', eyes, 'window', 2, ...
    'stride', 2, 'recipe', 'default', 'split', [0.7 0.15 0.15], 'dtype', 'float32', ...
    'scheduler', 'synchronous');
emit('call', struct('com', com, 'windows', outcome.n_windows));

prepare('cancel');
[outcome, com] = pop_bidsdl_convert({'ds004362'});
emit('cancelled', struct('com', com, 'empty', isempty(outcome), 'shown', WINDOWS{1}.shown));

wrong = typed;
wrong.classes = 'x = Nope "q"';
wrong.dest = 'wrong.zarr';
wrong.overwrite = 1;
prepare(wrong, 'cancel');
[outcome, com] = pop_bidsdl_convert;
emit('refused', struct('com', com, 'text', DIALOGS{1}.text, 'kind', DIALOGS{1}.kind, ...
    'shown', WINDOWS{2}.shown, 'exists', exist('wrong.zarr', 'dir')));
emit('refused call', struct('text', failure(@() pop_bidsdl_convert('ds004362', 'wrong.zarr', ...
    'hed', {'x', 'Nope'}, 'window', 2))));
emit('unknown option', struct('text', failure(@() pop_bidsdl_convert('ds004362', 'wrong.zarr', ...
    'hed', {'x', 'Eyes-open'}, 'windows', 2))));

for field = {'sources', 'dest', 'classes', 'first'}
    empty = typed;
    empty.(field{1}) = ' ';
    prepare(empty, 'cancel');
    pop_bidsdl_convert;
    emit('empty', struct('field', field{1}, 'text', DIALOGS{1}.text));
end
comma = typed;
comma.first = '2,5';
prepare(comma, 'cancel');
pop_bidsdl_convert;
emit('comma', struct('text', DIALOGS{1}.text));

prepare(setfield(setfield(typed, 'sources', 'damaged'), 'dest', 'damaged.zarr'));
[outcome, com] = pop_bidsdl_convert;
emit('failed', struct('text', DIALOGS{1}.text, 'failures', outcome.failures, 'com', com));

counted = bidsdl_request('defaults');
counted.sources = 'ds004362';
counted.classes = ['end = Eyes-open' char(10) '1-back = Eyes-closed'];
counted.more = '''subject'', {''001'', ''002''}, ''set'', {''resample.sfreq'', 100}';
emit('count', struct('text', bidsdl_request('count', counted)));
counted.by = 2;
counted.classes = ['base = value==BASE1T0' char(10) 'value'];
counted.kind = 2;
counted.first = '-0.5';
counted.second = '1';
[sources, dest, options] = bidsdl_request('read', setfield(counted, 'dest', 'x'));
emit('events', struct('options', {options}));
recipes = bidsdl_recipes();
emit('recipes', struct('names', {{recipes.name}}));
"""
BRIDGE = r"""
import json, os
request = json.load(open(os.environ["BIDS_DL_REQUEST"], encoding="utf-8"))
status = 0
messages = []
if not os.path.exists("interrupted"):
    open("interrupted", "w").close()
    status, messages = 130, ["12 of 80 recordings", "error: interrupted"]
output = {"store": "s.zarr", "n_windows": 2, "n_recordings": 1, "dropped": 0, "failures": [],
    "warnings": ["a note"], "people": [{"subject": "1", "split": "new",
    "windows": [{"label": "1-back", "value": 2}]}]}
with open(request["answer"], "w") as answer:
    json.dump({"status": status, "output": output, "text": "", "messages": messages}, answer)
"""
INTERRUPTED = r"""
global DIALOGS WINDOWS
cd(getenv('FOLDER'));
typed = struct('sources', 'ds004362', 'classes', 'a = Eyes-open', 'dest', 's.zarr');
prepare(typed, struct());
[outcome, com] = pop_bidsdl_convert;
emit('resumed', struct('first', DIALOGS{1}.text, 'second', DIALOGS{2}.text, ...
    'shown', WINDOWS{2}.shown, 'com', com));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, eegbci) -> Path:
    """Folder with the sample, a copy with one damaged recording, and places for stores."""
    folder = tmp_path_factory.mktemp("it's é $HOME")
    for name in ("ds004362", "damaged"):
        for file in eegbci.rglob("*"):
            if file.is_file():
                target = folder / name / file.relative_to(eegbci)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    recording = next((folder / "damaged" / "sub-002" / "eeg").glob("*run-2*.edf"))
    os.truncate(recording, 1000)
    return folder


@pytest.fixture(scope="module")
def emitted(folder) -> list[dict[str, Any]]:
    environment = {"FOLDER": str(folder), "BIDS_DL_PYTHON": sys.executable}
    return run_cases(SCRIPT, environment=environment)


@pytest.fixture(scope="module")
def cases(emitted) -> Mapping[str, Mapping[str, Any]]:
    return {case["case"]: case for case in emitted}


pytestmark = pytest.mark.slow  # four conversions in processes of their own


def test_the_window_converts_and_shows_what_was_written(cases, folder):
    case = cases["window"]
    assert case["outcome"]["n_windows"] == 240
    assert case["title"] == "BIDS folders to a store -- pop_bidsdl_convert()"
    assert case["text"].startswith("window.zarr: 240 windows from 8 recordings of 4 people")
    assert "test: 1 person, windows: 30 eyes_open, 30 eyes_closed" in case["text"]
    assert f"in the folder {folder}" in " ".join(case["text"].split())


def test_the_command_of_the_window_writes_an_equal_store(cases, folder):
    assert cases["again"]["windows"] == 240
    stores = [bids_dl.open_store(folder / name) for name in ("window.zarr", "again.zarr")]
    assert stores[0].attributes["content"] == stores[1].attributes["content"]
    assert np.array_equal(stores[0].to_numpy(), stores[1].to_numpy())


def test_a_call_without_a_window_writes_the_same(cases, folder):
    stores = [bids_dl.open_store(folder / name) for name in ("window.zarr", "call.zarr")]
    assert stores[0].attributes["content"] == stores[1].attributes["content"]
    assert cases["call"]["com"].startswith("outcome = pop_bidsdl_convert({'ds004362'}, 'call.zarr'")


def test_a_cancelled_window_returns_nothing(cases):
    assert cases["cancelled"]["com"] == ""
    assert cases["cancelled"]["empty"] is True
    assert cases["cancelled"]["shown"]["recipe"] == " default"


def test_a_refused_request_is_a_dialog_and_the_window_opens_again_as_typed(cases):
    case = cases["refused"]
    assert case["kind"] == "errordlg2"
    assert "Nope" in case["text"]
    assert case["com"] == ""
    assert case["exists"] == 0
    assert case["shown"]["classes"] == 'x = Nope "q"'
    assert case["shown"]["dest"] == "wrong.zarr"
    assert case["shown"]["overwrite"] == 1


def test_a_refused_call_is_an_error_with_the_message_of_the_program(cases):
    assert 'x="Nope": Nope is not a HED tag' in cases["refused call"]["text"]
    assert "--windows" in cases["unknown option"]["text"]


def test_a_field_that_must_be_filled_is_named(emitted):
    texts = {case["field"]: case["text"] for case in emitted if case["case"] == "empty"}
    assert texts["sources"].startswith("BIDS folders: the field is empty")
    assert texts["dest"].startswith("store to write: the field is empty")
    assert texts["classes"].startswith("classes: the field is empty")
    assert texts["first"] == "windows (window): '' is no number; give seconds such as 0.5"


def test_a_decimal_comma_is_refused(cases):
    assert cases["comma"]["text"].startswith("windows (window): '2,5' is no number")


def test_recordings_that_fail_are_listed_and_the_others_are_in_the_store(cases, folder):
    case = cases["failed"]
    assert case["failures"]["recording"] == "ds004362/sub-002/eeg/sub-002_task-motion_run-2"
    text = " ".join(case["text"].split())
    assert "1 recording FAILED, not in the store:" in text
    assert case["failures"]["reason"] in text
    assert len(bids_dl.open_store(folder / "damaged.zarr")) == 210
    assert case["com"] != ""


def test_the_count_tells_windows_of_labels_that_are_no_names_in_matlab(cases):
    assert cases["count"]["text"].splitlines() == [
        "end: 60 windows from 2 events in 2 recordings",
        "1-back: 60 windows from 2 events in 2 recordings",
        "2 people, 6 recordings",
    ]


def test_columns_of_events_and_windows_around_them_are_read_from_the_fields(cases):
    options = cases["events"]["options"]
    assert options[0] == "event"
    assert options[1] == ["base", "", "value==BASE1T0", "value"]  # the columns of a cell
    assert options[2:6] == ["tmin", -0.5, "tmax", 1]


def test_the_list_of_recipes_is_that_of_the_package(cases):
    assert {"default", "as-is", "eeglab"} <= set(cases["recipes"]["names"])


def test_an_interrupted_conversion_goes_on_when_the_window_is_confirmed_again(tmp_path):
    bridge = tmp_path / "bridge"
    bridge.write_text(f"#!{sys.executable}\n{BRIDGE}")
    bridge.chmod(0o755)
    environment = {"FOLDER": str(tmp_path), "BIDS_DL_PYTHON": str(bridge)}
    [case] = run_cases(INTERRUPTED, environment=environment)
    assert case["first"].startswith("Interrupted. What was done is kept: run the same again")
    assert " ".join(case["second"].split()) == (
        f"s.zarr: 2 windows from 1 recording of 1 person in the folder {tmp_path} "
        "new: 1 person, windows: 2 1-back Note: a note"
    )
    assert case["shown"]["dest"] == "s.zarr"
    assert quote("s.zarr") in case["com"]
