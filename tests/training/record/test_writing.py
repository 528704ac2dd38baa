from __future__ import annotations

import pandas as pd
import pytest
from example_records import class_record, labels_record, number_record, shares_record, sleep_record

from bids_dl.training.record import write_record

TABLES = {"metrics.csv", "votes.csv", "learning_curves.png", "record.html"}
RECORDS = {
    "two classes": (class_record, TABLES | {"confusion.png", "roc.png", "calibration.png"}),
    "number": (number_record, TABLES | {"scatter.png"}),
    "shares": (shares_record, TABLES | {"calibration.png"}),
    "labels": (labels_record, TABLES | {"roc.png", "calibration.png"}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_each_kind_of_target_has_its_files(tmp_path, name):
    make_record, expected = RECORDS[name]
    paths = write_record(tmp_path, make_record())
    assert {path.relative_to(tmp_path).as_posix() for path in paths} == expected
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(paths)


def test_sleep_stages_have_a_hypnogram_per_recording(tmp_path):
    paths = write_record(tmp_path, sleep_record(n_persons=2))
    nights = [path for path in paths if path.parent.name == "hypnograms"]
    names = [f"hypnogram-sub-00{number}_ses-01_task-rest.png" for number in (1, 2)]
    assert [path.name for path in nights] == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in nights)


def test_the_same_record_gives_the_same_bytes(tmp_path):
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        paths = write_record(tmp_path / name, class_record(n_seeds=2))
        contents.append({path.name: path.read_bytes() for path in paths})
    assert contents[0] == contents[1]


def test_the_tables_are_read_back_equal(tmp_path):
    record = number_record()
    write_record(tmp_path, record)
    votes = pd.read_csv(tmp_path / "votes.csv", dtype={"subject": str})
    pd.testing.assert_frame_equal(votes, record.votes, check_dtype=False)
    table = pd.read_csv(tmp_path / "metrics.csv").set_index(["unit", "metric"])
    for unit in ("windows", "votes", "person_means"):
        for metric in ("mae", "rmse"):
            expected = record.metrics[unit][metric]["value"]
            assert table.loc[(unit, metric), "value"] == pytest.approx(expected)
