from __future__ import annotations

import numpy as np
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import NoMatchError, TargetError
from bids_dl.stream import StreamingDataset


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("select") / "small.zarr"
    small_store.write(path, SmallStore())
    return str(path)


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        ({"subject": "001"}, lambda table: table["subject"] == "001"),
        ({"subject": ["001", "004"]}, lambda table: table["subject"].isin(["001", "004"])),
        ({"onset": (10, 20)}, lambda table: table["onset"].between(10, 20)),
        ({"onset": (None, 20)}, lambda table: table["onset"] <= 20),
        ({"row": 3, "label": "open"}, lambda table: table["row"] == 3),
        ({"age": (21, None)}, lambda table: table["age"] >= 21),
        (np.arange(70) % 2 == 0, lambda table: table["row"] % 2 == 0),
    ],
)
def test_where_takes_the_windows_it_says(store, where, taken):
    table = StreamingDataset(store).windows
    assert (
        StreamingDataset(store, where=where).windows.index.tolist()
        == table.index[taken(table)].tolist()
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"target": "lable"},
            TargetError,
            "no column 'lable'; this store has label, dataset, subject",
        ),
        ({"where": {"colour": "red"}}, TargetError, "no column 'colour'; this store has"),
        (
            {"where": {"subject": "9"}},
            NoMatchError,
            r"no window has subject '9'; there are 000 \(14\), 001 \(14\)",
        ),
        (
            {"where": {"subject": "000"}, "split": "test"},
            NoMatchError,
            r"no window that fulfils the other conditions has subject '000'",
        ),
        ({"where": {"subject": 1}}, TargetError, "where subject: the column holds text, got 1"),
        ({"where": {"onset": "1"}}, TargetError, "where onset: the column holds numbers, got '1'"),
        (
            {"where": {"subject": ("001", "004")}},
            TargetError,
            "a range .* of numbers; alternatives go in a list",
        ),
        ({"where": {"onset": (1000, 2000)}}, NoMatchError, "there are values from 0 to 138"),
        (
            {"where": np.ones(3, bool)},
            TargetError,
            r"one boolean per window, \(70,\), got bool \(3,\)",
        ),
        ({"where": "subject == '001'"}, TargetError, "must be a mapping or one boolean per window"),
        ({"where": np.zeros(70, bool)}, NoMatchError, "leaves no window"),
        (
            {"split": "validation"},
            NoMatchError,
            r"no window has the split 'validation'; there are train \(42\), test \(28\)",
        ),
        ({"target": ["age", "sex"]}, TargetError, "must be numbers, but sex hold text"),
        ({"target": "age"}, TargetError, "14 of 70 windows have no 'age'; drop_missing=True"),
        ({"target": "sex"}, TargetError, "14 of 70 windows have no 'sex'"),
        ({"target": ["votes", "age"]}, TargetError, "14 of 70 windows have no"),
    ],
)
def test_what_cannot_be_selected_is_refused_with_what_there_is(store, options, error, message):
    with pytest.raises(error, match=message):
        StreamingDataset(store, **options)


@pytest.mark.parametrize("target", ["age", "sex", ["votes", "age"]])
def test_drop_missing_leaves_out_the_windows_without_a_target(store, target):
    stream = StreamingDataset(store, target=target, drop_missing=True)
    assert len(stream.windows) == 56
    assert not any(batch.target.isnan().any() or (batch.target < 0).any() for batch in stream)


def test_missing_targets_outside_the_selection_do_not_matter(store):
    assert (
        len(StreamingDataset(store, target="age", where={"subject": ["000", "002"]}).windows) == 28
    )


def test_classes_of_other_text_are_sorted_and_do_not_depend_on_the_selection(store):
    stream = StreamingDataset(store, target="subject", split="test")
    assert stream.classes == ("000", "001", "002", "003", "004")
    assert set(next(iter(stream)).target.tolist()) == {3, 4}
