from __future__ import annotations

import json

import numpy as np
import pytest
from asked_pools import CLASSES, answer_line, refer_line, rows_by_purpose, write_pool
from people_store import window_table, write_store

from bids_dl.annotate.asking.exchange import RoundResult
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.questions import Questioner, QuestionSettings
from bids_dl.annotate.asking.status import describe_progress, describe_strip, list_answers
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return read_pool(open_store(write_pool(tmp_path_factory.mktemp("pool") / "x.zarr")))


@pytest.fixture
def questioner(windows):
    return Questioner(windows, QuestionSettings(CLASSES))


def set_opinion(questioner, **changes) -> None:
    n_windows = len(questioner.windows)
    spike = np.linspace(0, 1, n_windows, dtype=np.float32)
    values = {"number": 1, "model": "ab", "probabilities": np.stack([1 - spike, spike], axis=1)}
    values |= {"picks": (), "is_usable": np.ones(n_windows, bool)}
    questioner.begin_round()
    questioner.set_opinion(RoundResult(**values | changes))


def test_the_progress_of_a_new_pool_is_json_without_nan(questioner):
    progress = describe_progress(questioner, None)
    json.dumps(progress, allow_nan=False)
    assert progress["n_unanswered"] == 160
    assert progress["batch"] == {"answered": 0, "size": 20}
    assert progress["agreement"] == {"self": None, "experts": None}


def test_the_progress_counts_answers_figures_and_agreement(questioner, windows):
    train = rows_by_purpose(windows, "train")
    for number, annotator in enumerate(["a", "a", "b"]):
        item = windows.item(train[number])
        questioner.add_line(answer_line(item, "spike", number, annotator=annotator))
    questioner.add_line(refer_line("undo", 3, 0))
    agreement = {"self": {"b": {"n": 2, "share": 0.5}}, "experts": 0.4}
    set_opinion(questioner, figures={"round": 1}, kappa=0.9, likeliest=(3, 40), agreement=agreement)
    progress = describe_progress(questioner, "b")
    assert (progress["n_answers"], progress["n_own"], progress["counts"]) == (2, 1, {"spike": 2})
    assert progress["figures"] == [{"round": 1}]
    assert progress["stop"] == {"kappa": [0.9], "likeliest": [3, 40]}
    assert progress["agreement"] == {"self": {"n": 2, "share": 0.5}, "experts": 0.4}
    assert describe_progress(questioner, "a")["agreement"]["self"] is None


def test_own_answers_are_listed_newest_first(questioner, windows):
    for number in range(5):
        annotator = "b" if number == 2 else "a"
        questioner.add_line(answer_line(windows.item(number), "spike", number, annotator=annotator))
    questioner.add_line(refer_line("change", 9, 1, label="unsure"))
    listed = list_answers(questioner, "a", limit=3)
    assert [each["onset"] for each in listed] == [4.0, 3.0, 1.0]
    assert (listed[2]["label"], listed[2]["recording"]) == ("unsure", 0)
    assert list_answers(questioner, "c") == []


def test_the_strip_hides_the_opinion_about_open_questions(questioner, windows):
    set_opinion(questioner)
    asked = questioner.questions("a", "one", count=12, now=0.0)
    rows = [windows.find_row(each.item.id) for each in asked if each.recording == 2]
    assert rows
    strip = describe_strip(questioner, "a", 2)
    shown = describe_strip(questioner, "a", 2, shows_opinion=True)
    assert strip["onsets"] == windows.onset[80:120].tolist()
    assert strip["class"] == "spike"
    hidden = [80 + number for number, each in enumerate(strip["probabilities"]) if each is None]
    assert hidden == sorted(rows)
    assert None not in shown["probabilities"]
    assert describe_strip(questioner, "b", 2) == shown
    assert describe_strip(questioner, None, 2)["probabilities"] == strip["probabilities"]
    questioner.add_line(answer_line(windows.item(rows[0]), "spike", 0))
    assert describe_strip(questioner, "a", 2)["probabilities"][rows[0] - 80] is not None


def test_the_strip_hides_the_opinion_about_windows_that_overlap_an_open_question(tmp_path):
    table = window_table(1, n_windows=20)
    table["recording"] = "sub-00/eeg/sub-00_task-rest"
    table["onset"] *= 0.5  # windows of 1 s
    windows = read_pool(open_store(write_store(tmp_path / "x.zarr", table)))
    questioner = Questioner(windows, QuestionSettings(CLASSES))
    set_opinion(questioner)
    [asked] = questioner.questions("a", "one", count=1, now=0.0)
    row = windows.find_row(asked.item.id)
    strip = describe_strip(questioner, "a", 0)
    hidden = {number for number, each in enumerate(strip["probabilities"]) if each is None}
    assert hidden == {row - 1, row, row + 1} & set(range(len(windows)))


def test_the_strip_has_the_marks_of_the_expert_only(questioner, windows):
    key = windows.recordings[1]
    mark = windows.make_mark(key, 3.25, 0.5, channels=["C1"])
    line = answer_line(mark, "spike", 0, strategy="mark")
    questioner.add_line(line)
    questioner.add_line(answer_line(windows.item(41), "spike", 1))
    described = {"id": line["id"], "onset": 3.25, "duration": 0.5, "label": "spike"}
    assert describe_strip(questioner, "a", 1)["marks"] == [described | {"channels": ["C1"]}]
    assert describe_strip(questioner, "b", 1)["marks"] == []
    assert describe_strip(questioner, "a", 0)["marks"] == []
