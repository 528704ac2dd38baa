from __future__ import annotations

import numpy as np
import pytest
from asked_pools import CLASSES, answer_line, rows_by_purpose, write_pool
from people_store import window_table, write_store

from bids_dl.annotate.answers.items import make_item
from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.answers.votes import count_votes
from bids_dl.annotate.asking.labels import label_test, label_training
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return read_pool(open_store(write_pool(tmp_path_factory.mktemp("pool") / "x.zarr")))


def label(windows, *answers, of=label_training):
    """Label windows by (asked, label, annotator, strategy) of answers."""
    lines = []
    for number, (asked, name, annotator, strategy) in enumerate(answers):
        lines.append(answer_line(asked, name, number, annotator=annotator, strategy=strategy))
    labelled = of(windows, replay(lines), CLASSES)
    pairs = zip(labelled.rows.tolist(), labelled.classes.tolist(), strict=True)
    return dict(pairs), labelled.without_label.tolist()


def train_run(windows, n: int) -> int:
    """Return the first of n train windows of the first recording that follow each other."""
    rows = windows.rows_of_recording(0)
    for first in range(len(rows) - n):
        if not windows.is_test[rows[first : first + n]].any():
            return int(rows[first])
    raise AssertionError("no such windows")


def test_the_majority_of_the_experts_is_the_label(windows):
    row = rows_by_purpose(windows, "train")[0]
    item = windows.item(row)
    votes = [(item, "spike", "a", "x"), (item, "spike", "b", "x"), (item, "background", "c", "x")]
    assert label(windows, *votes) == ({row: 1}, [])
    assert label(windows, votes[0], votes[2]) == ({}, [row])
    assert label(windows, votes[0], (item, "unsure", "b", "x")) == ({row: 1}, [])
    assert label(windows, (item, "unsure", "b", "x")) == ({}, [row])
    assert label(windows, *votes, (item, "background", "a", "x")) == ({row: 0}, [])


def test_labels_of_windows_are_those_of_the_votes(windows):
    rng = np.random.default_rng(0)
    rows = rows_by_purpose(windows, "train")[:30]
    lines = []
    for number in range(90):
        name = str(rng.choice([*CLASSES, "unsure"]))
        item = windows.item(int(rng.choice(rows)))
        lines.append(answer_line(item, name, number, annotator=str(rng.choice(["a", "b", "c"]))))
    answers = replay(lines)
    labelled = label_training(windows, answers, CLASSES)
    pairs = zip(labelled.rows, labelled.classes, strict=True)
    found = {windows.ids[row]: CLASSES[each] for row, each in pairs}
    voted = {item.first.item: item.label for item in count_votes(answers, CLASSES)}
    assert found == {item: name for item, name in voted.items() if name != "unsure"}


def test_test_answers_never_train_and_chosen_answers_never_test(windows):
    train, test = (windows.item(rows_by_purpose(windows, each)[0]) for each in ("train", "test"))
    answers = [(train, "spike", "a", "random"), (test, "spike", "a", "random")]
    assert label(windows, *answers)[0] == {windows.find_row(train.id): 1}
    assert label(windows, *answers, of=label_test)[0] == {windows.find_row(test.id): 1}
    chosen = (test, "spike", "a", "margin")
    assert label(windows, chosen, of=label_test) == ({}, [])


def test_a_mark_labels_the_windows_that_it_is_about(windows):
    row = train_run(windows, 3)
    key, onset = windows.recordings[0], float(windows.onset[row])
    short = windows.make_mark(key, onset + 0.4, 0.3)
    assert label(windows, (short, "spike", "a", "mark"))[0] == {row: 1}
    long = windows.make_mark(key, onset + 0.4, 1.6)
    assert label(windows, (long, "spike", "a", "mark"))[0] == {row: 1, row + 1: 1}


def test_an_answer_counts_more_than_a_mark_of_the_same_expert(windows):
    row = train_run(windows, 1)
    mark = windows.make_mark(windows.recordings[0], float(windows.onset[row]), 1.0)
    answer, marked = (windows.item(row), "background", "a", "x"), (mark, "spike", "a", "mark")
    assert label(windows, answer, marked)[0] == {row: 0}
    assert label(windows, marked, answer)[0] == {row: 0}
    other = (mark, "spike", "b", "mark")
    assert label(windows, answer, other) == ({}, [row])  # two experts disagree


def test_a_mark_across_a_test_window_labels_the_train_windows_beside_it(windows):
    row = int(np.flatnonzero(windows.is_test[1:-1] & ~windows.is_test[:-2])[0]) + 1
    onset = float(windows.onset[row - 1])
    mark = windows.make_mark(windows.recordings[0], onset, 2.0)
    assert mark.purpose == "test"
    assert label(windows, (mark, "spike", "a", "mark"))[0] == {row - 1: 1}


def test_a_mark_on_a_test_window_trains_nothing(windows):
    row = next(each for each in rows_by_purpose(windows, "test") if each in range(40))
    mark = windows.make_mark(windows.recordings[0], float(windows.onset[row]) - 0.2, 0.5)
    assert label(windows, (mark, "spike", "a", "mark")) == ({}, [])
    assert label(windows, (mark, "spike", "a", "mark"), of=label_test) == ({}, [])


def test_an_answer_about_a_longer_window_of_another_pool_labels_its_parts(windows):
    row = train_run(windows, 2)
    onset = next(each for each in np.arange(row, row + 0.5, 0.01) if train_item(windows, each))
    rows = label(windows, (train_item(windows, onset), "spike", "a", "random"))[0]
    assert rows == {row: 1, row + 1: 1}


def train_item(windows, onset):
    """Return the item of 2 s at an onset if it trains, else None."""
    item = make_item(*windows.recordings[0], float(onset), 2.0)
    return item if item.purpose == "train" else None


def test_a_window_that_shares_samples_with_a_tested_one_does_not_train(tmp_path):
    table = window_table(1, n_windows=40)
    table["recording"] = "sub-00/eeg/sub-00_task-rest"
    table["onset"] *= 0.5  # windows of 1 s
    windows = read_pool(open_store(write_store(tmp_path / "x.zarr", table)))
    test = next(row for row in rows_by_purpose(windows, "test") if row > 1)
    train = [row for row in rows_by_purpose(windows, "train") if abs(row - test) < 5]
    answers = [(windows.item(row), "spike", "a", "random") for row in train]
    mark = windows.make_mark(windows.recordings[0], float(windows.onset[test - 1]), 2.0)
    answers.append((mark, "spike", "a", "mark"))
    assert set(label(windows, *answers)[0]) == set(train)
    answers.append((windows.item(test), "spike", "a", "random"))
    assert set(label(windows, *answers)[0]) == {row for row in train if abs(row - test) > 1}
