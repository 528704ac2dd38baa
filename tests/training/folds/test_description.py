from __future__ import annotations

import doctest
import json

from fold_tables import plan, recording_table

from bids_dl.training.folds import description
from bids_dl.training.folds.description import describe_folds


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(description).failed == 0


def test_the_ranges_of_rows_in_json_are_those_of_the_folds():
    table = recording_table([("01", "1", "1"), ("01", "2", "1"), ("02", "1", "1")])
    folds = plan(table, folds="session", patience=2).folds
    descriptions = json.loads(json.dumps(describe_folds(folds, table)))
    for fold, written in zip(folds, descriptions, strict=True):
        assert written["held_out"] == fold.held_out
        assert written["same_person"] is True
        assert written["train"] == [["ds1", "01"], ["ds1", "02"]]
        assert written["test"] == [["ds1", "01"]]
        for side, rows in (("train", fold.train), ("test", fold.test)):
            expanded = [range(*limits) for limits in written["windows"][side]]
            assert [row for rows_ in expanded for row in rows_] == rows.tolist()


def test_the_rows_of_very_many_ranges_are_left_out(monkeypatch):
    monkeypatch.setattr(description, "MAX_RANGES", 1)
    table = recording_table([("01", "1", "1"), ("01", "2", "1"), ("02", "1", "1")])
    folds = plan(table, folds="session").folds
    assert [fold["windows"] for fold in describe_folds(folds, table)] == [None, None]
