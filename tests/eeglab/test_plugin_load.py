"""Windows of a store as a dataset of EEGLAB, and predictions of a run in its events."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eeglab.octave import quote, run_cases

import bids_dl

N_CLASSES = 2
SCRIPT = r"""
global DIALOGS WINDOWS
store = getenv('STORE');
table = getenv('TABLE');
cd(getenv('FOLDER'));

before = numel(dir(tempdir));
[EEG, com] = pop_bidsdl_load(store, 'split', 'test', 'max_windows', 12);
emit('load', struct('com', com, 'types', {{EEG.event.type}}, 'windows', [EEG.event.window], ...
    'names', {{EEG.filename, EEG.filepath, EEG.datfile, EEG.saved, EEG.setname}}, ...
    'size', size(EEG.data), 'left', numel(dir(tempdir)) - before, 'srate', EEG.srate));
file = fopen('loaded.f32', 'w');
fwrite(file, EEG.data, 'float32', 0, 'ieee-le');
fclose(file);
loaded = EEG;
eval(com);
emit('again', struct('same', isequaln(loaded.data, EEG.data) && isequaln(loaded.event, EEG.event)));

prepare(struct('store', [' ' store], 'label', 'eyes_open , eyes_closed', 'split', 'test', ...
    'max_windows', '12'));
[EEG, com] = pop_bidsdl_load;
emit('window', struct('com', com, 'same', isequaln(loaded.data, EEG.data)));
prepare(struct('store', store, 'label', 'none'), struct('max_windows', 'many'), 'cancel');
[EEG, com] = pop_bidsdl_load;
emit('refused', struct('first', DIALOGS{1}.text, 'second', DIALOGS{2}.text, 'com', com, ...
    'shown', WINDOWS{3}.shown));
emit('content', struct('text', bidsdl_content(store)));

[EEG, com] = pop_bidsdl_predict(loaded, store, 'predictions', table);
emit('windows', struct('com', com, 'predicted', {{EEG.event.predicted}}, ...
    'p', [EEG.event.p_eyes_closed], 'seen', [EEG.event.seen], 'types', {{EEG.event.type}}));
prepare(struct('predictions', [table ' ']));
EEG = loaded;
[first, com] = pop_bidsdl_predict(EEG);
eval(com);
emit('predict window', struct('same', isequaln(EEG.event, first.event), ...
    'store', WINDOWS{1}.shown.store));
[joined, com] = pop_bidsdl_load(store, 'split', 'test', 'max_windows', 12, 'predictions', table);
emit('joined', struct('same', isequal({joined.event.predicted}, {EEG.event.predicted}) && ...
    isequal([joined.event.p_eyes_closed], [EEG.event.p_eyes_closed])));

other = loaded;
other.etc.bidsdl.content = 'another';
emit('other store', struct('text', ...
    failure(@() pop_bidsdl_predict(other, store, 'predictions', table))));
emit('both', struct('text', failure(@() pop_bidsdl_predict(loaded, store))));
emit('unknown', struct('text', failure(@() pop_bidsdl_predict(loaded, store, 'run', 'x'))));

recording = eeg_emptyset();
recording.srate = 160;
recording.data = zeros(2, 61 * 160);
recording.subject = 'sub-002';
recording.run = 1;
recording.session = '';
recording.chanlocs = struct('labels', {'Fz', 'Cz'});
recording.event = struct('type', {'a', 'boundary'}, 'latency', {80.5, 100.5});
recording = eeg_checkset(recording);
[EEG, com] = pop_bidsdl_predict(recording, store, 'predictions', table);
emit('recording', struct('types', {{EEG.event.type}}, 'latencies', [EEG.event.latency], ...
    'duration', EEG.event(end).duration, 'p', EEG.event(end).p_eyes_open));
known = bidsdl_predictions(store, struct('run_dir', '', 'predictions', table, 'device', ''), ...
    false);
silent = recording;
silent.event = [];
EEG = bidsdl_addpredictions(silent, known, '');
emit('no events', struct('count', numel(EEG.event), 'first', EEG.event(1).type));
named = recording;
named.subject = '';
EEG = bidsdl_addpredictions(named, known, 'sub-002/eeg/sub-002_task-motion_run-2');
emit('named', struct('type', EEG.event(end).type, 'count', numel(EEG.event)));
named.filename = 'sub-002_task-motion_run-2_eeg.set';
EEG = bidsdl_addpredictions(named, known, '');
emit('by file', struct('type', EEG.event(end).type, 'count', numel(EEG.event)));
several = recording;
several.run = [];
emit('several', struct('text', ...
    failure(@() bidsdl_addpredictions(several, known, ''))));
several.subject = '009';
emit('stranger', struct('text', ...
    failure(@() bidsdl_addpredictions(several, known, ''))));
short = recording;
short.data = short.data(:, 1:1600);
short = eeg_checkset(short);
emit('short', struct('text', failure(@() bidsdl_addpredictions(short, known, ''))));

epochs = recording;
epochs.data = zeros(2, 320, 30);
epochs.xmin = -0.5;
epochs.event = struct('type', 'a', 'latency', 81, 'epoch', 1);
epochs = eeg_checkset(epochs);
EEG = bidsdl_addpredictions(epochs, known, '');
place = find(strncmp({EEG.event.type}, 'pred_', 5));
emit('epochs', struct('epochs', [EEG.event(place).epoch], ...
    'latencies', [EEG.event(place).latency]));

[page, com] = pop_bidsdl_report(store, 'output', 'page.html', 'show', false);
emit('report', struct('page', page, 'com', com, 'exists', exist('page.html', 'file')));
prepare(struct('store', 'nowhere.zarr'), 'cancel');
[page, com] = pop_bidsdl_report;
emit('no store', struct('text', DIALOGS{1}.text, 'shown', WINDOWS{2}.shown.store));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("é windows")


@pytest.fixture(scope="module")
def table(folder, eyes_store) -> list[dict[str, Any]]:
    """Made-up predictions for each window of the store, as `bids-dl predict` writes them."""
    rows = []
    windows = bids_dl.open_store(eyes_store).table
    for number, window in windows.iterrows():
        share = (number * 7 % 101) / 101
        known = {name: window[name] for name in ("dataset", "subject", "run", "recording")}
        classes = ("eyes_open", "eyes_closed")
        rows.append(
            {
                "window": number,
                **known,
                "onset": window["onset"],
                "label": window["label"],
                "predicted": classes[share > 1 / N_CLASSES],
                "p_eyes_open": 1 - share,
                "p_eyes_closed": share,
                "seen": window["split"] != "test",
            }
        )
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


@pytest.fixture(scope="module")
def cases(folder, table, eyes_store) -> Mapping[str, Mapping[str, Any]]:
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {
        "STORE": str(eyes_store),
        "TABLE": str(folder / "table.csv"),
        "FOLDER": str(folder),
        "TMPDIR": str(temporary),  # whose files are counted
        "BIDS_DL_PYTHON": sys.executable,
    }
    return {case["case"]: case for case in run_cases(SCRIPT, environment=environment)}


pytestmark = pytest.mark.slow  # thirty runs of the command line


def test_the_samples_and_labels_are_those_of_the_store(cases, folder, eyes_store):
    case = cases["load"]
    store = bids_dl.open_store(eyes_store)
    n_windows = len(case["windows"])
    samples = np.fromfile(folder / "loaded.f32", "<f4").reshape(n_windows, -1, case["size"][0])
    expected = store[np.array(case["windows"])].signals
    assert n_windows == 12
    assert np.abs(samples.transpose(0, 2, 1) - expected).max() == 0.0
    assert case["types"] == list(store.table["label"].iloc[case["windows"]])
    assert set(store.table["split"].iloc[case["windows"]]) == {"test"}


def test_the_dataset_is_not_tied_to_a_temporary_file(cases, eyes_store):
    assert cases["load"]["names"] == ["", "", "", "no", f"windows of {eyes_store.stem}"]
    assert cases["load"]["left"] == 0


def test_the_command_and_the_window_load_the_same(cases, eyes_store):
    start = f"EEG = pop_bidsdl_load({quote(eyes_store)}, "
    assert cases["load"]["com"] == f"{start}'split', 'test', 'max_windows', 12);"
    assert cases["again"]["same"] is True
    assert cases["window"]["com"].startswith(f"{start}'label', {{'eyes_open', 'eyes_closed'}}")
    assert cases["window"]["same"] is True


def test_a_refused_request_opens_the_window_again(cases):
    case = cases["refused"]
    assert "none" in case["first"]
    assert "'many' is no number of windows" in case["second"]
    assert case["shown"]["label"] == "none"
    assert case["com"] == ""


def test_the_content_names_windows_and_splits_and_no_python(cases):
    text = cases["content"]["text"]
    assert "windows: 240 windows x 24 channels x 256 samples" in text
    assert "labels: eyes_open 120, eyes_closed 120" in text
    assert "StreamingDataset" not in text


def test_predictions_become_fields_of_the_event_of_their_window(cases, table):
    case = cases["windows"]
    rows = [table[window] for window in cases["load"]["windows"]]
    assert case["predicted"] == [row["predicted"] for row in rows]
    assert case["p"] == pytest.approx([row["p_eyes_closed"] for row in rows], abs=1e-15)
    assert case["seen"] == [0] * len(rows)
    assert case["types"] == cases["load"]["types"]


def test_the_window_of_predictions_knows_the_store_and_its_command_does_the_same(cases, eyes_store):
    assert cases["predict window"]["same"] is True
    assert cases["predict window"]["store"] == str(eyes_store)
    assert cases["joined"]["same"] is True


def test_predictions_for_another_store_are_refused(cases):
    assert "are those of another store" in cases["other store"]["text"]
    assert "give either run_dir" in cases["both"]["text"]
    assert cases["unknown"]["text"].startswith("unknown option 'run'; use one of run_dir")


def test_predictions_become_events_of_a_recording_found_by_subject_and_run(cases, table):
    case = cases["recording"]
    rows = [row for row in table if row["recording"].endswith("sub-002_task-motion_run-1")]
    new = [number for number, name in enumerate(case["types"]) if name.startswith("pred_")]
    assert [case["types"][number] for number in new] == [f"pred_{row['predicted']}" for row in rows]
    assert [case["latencies"][number] for number in new] == [row["onset"] * 160 + 1 for row in rows]
    assert len(case["types"]) == len(rows) + 2
    assert case["latencies"] == sorted(case["latencies"])
    assert case["duration"] == 320
    assert case["p"] == pytest.approx(rows[-1]["p_eyes_open"], abs=1e-15)


def test_a_recording_without_events_gets_those_of_the_predictions(cases, table):
    rows = [row for row in table if row["recording"].endswith("sub-002_task-motion_run-1")]
    assert cases["no events"]["count"] == len(rows)
    assert cases["no events"]["first"] == f"pred_{rows[0]['predicted']}"


def test_a_recording_is_found_by_its_name_or_its_file(cases, table):
    last = [row for row in table if row["recording"].endswith("sub-002_task-motion_run-2")][-1]
    for name in ("named", "by file"):
        assert cases[name]["type"] == f"pred_{last['predicted']}"
        assert cases[name]["count"] == 32


def test_a_recording_that_is_unclear_or_too_short_is_refused(cases):
    assert cases["several"]["text"].startswith("2 recordings of the store match the dataset")
    assert cases["stranger"]["text"].startswith("no recording of the store matches the dataset")
    assert "windows up to 60 s, but the dataset ends at 10 s" in cases["short"]["text"]


def test_predictions_of_epochs_are_at_their_time_zero(cases):
    assert cases["epochs"]["epochs"] == list(range(1, 31))
    assert cases["epochs"]["latencies"] == [320 * k + 81 for k in range(30)]


def test_a_report_is_written_where_it_is_wanted(cases, eyes_store):
    case = cases["report"]
    assert case["exists"] == 2
    assert case["com"].startswith(f"pop_bidsdl_report({quote(eyes_store)}, 'output', 'page.html'")
    assert "nowhere.zarr" in cases["no store"]["text"]
    assert cases["no store"]["shown"] == "nowhere.zarr"
