"""What a store says of each window: columns of events.tsv and participants.tsv as targets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import bids_dl
from bids_dl.errors import TargetError

VOTES = ("seizure", "other")


@pytest.fixture(scope="module")
def voted(tmp_path_factory, synthetic) -> bids_dl.Store:
    """A store of a dataset with numbers, codes that have Levels and gaps, in both tables."""
    root = Path(shutil.copytree(synthetic, tmp_path_factory.mktemp("voted") / "syn"))
    people = ["participant_id\tage\tgroup\tSex", "sub-001\t31\t0\tF", "sub-002\tn/a\t1\tM"]
    (root / "participants.tsv").write_text("\n".join(people))
    (root / "participants.json").write_text(
        json.dumps(
            {"group": {"Levels": {"0": "control", "1": "patient"}}, "age": {"Units": "year"}}
        )
    )
    for table in root.rglob("*_events.tsv"):
        header, *rows = table.read_text().splitlines()
        shares = [
            f"{row}\t{i / 10}\t{1 - i / 10 if i else 'n/a'}\t{i // 3 % 3}\t{'abc'[i % 3]}"
            for i, row in enumerate(rows)
        ]
        table.write_text("\n".join([f"{header}\tseizure\tother\tcode\tage", *shares]))
    said = json.loads((root / "task-rest_events.json").read_text())
    said["code"] = {
        "Levels": {"0": "none", "1": "one", "2": "two"},
        "Description": "what was shown",
    }
    (root / "task-rest_events.json").write_text(json.dumps(said))
    url = str(tmp_path_factory.mktemp("stores") / "voted.zarr")
    bids_dl.convert(
        str(root), url, hed={"closed": "Eyes-closed", "open": "Eyes-open"}, window=2, jobs=1
    )
    return bids_dl.open_store(url)


def test_a_column_of_events_tsv_is_that_of_the_row_of_each_window(voted):
    table = voted.table
    assert set(table["trial_type"]) == {"open", "closed"}
    assert (table["trial_type"] == table["label"]).all()
    assert table["sample"].tolist() == [round(onset * 160) for onset in table["event_onset"]]
    assert np.allclose(table["seizure"], table["row"] / 10)
    assert table["event_duration"].unique().tolist() == [10.0]


def test_numbers_that_have_levels_are_classes(voted):
    assert bids_dl.StreamingDataset(voted, target="code").classes == ("0", "1", "2")
    assert bids_dl.StreamingDataset(voted, target="group").classes == ("0", "1")
    assert voted.metadata("code")["attributes"] == {
        "file": "events.tsv",
        "column": "code",
        "description": "what was shown",
        "levels": {"0": "none", "1": "one", "2": "two"},
    }


def test_a_name_of_both_tables_is_that_of_the_person(voted):
    by_person = voted.table.groupby("subject")["age"].first()
    assert by_person["001"] == 31
    assert np.isnan(by_person["002"])
    assert set(voted.table["event_age"]) <= set("abc")
    assert voted.metadata("event_age")["attributes"]["file"] == "events.tsv"


def test_shares_of_votes_are_one_target(voted):
    with pytest.raises(TargetError, match=r"10 of 40 windows have no \('seizure', 'other'\)"):
        bids_dl.StreamingDataset(voted, target=VOTES)
    stream = bids_dl.StreamingDataset(voted, target=VOTES, drop_missing=True, batch_size=10)
    _, target, index = next(iter(stream))
    assert target.shape == (10, 2)
    assert np.allclose(target.sum(1), 1)
    assert np.allclose(target[:, 0], voted.table["seizure"][index.numpy()])


def test_a_misspelt_target_lists_what_there_is(voted):
    with pytest.raises(
        TargetError,
        match=r"no column 'trialtype'; this store has label, .*\bgroup, Sex, .*trial_type, seizure, other, code",
    ):
        bids_dl.StreamingDataset(voted, target="trialtype")


def test_people_without_a_value_are_counted_and_dropped_only_if_asked(voted):
    with pytest.raises(
        TargetError, match="20 of 40 windows have no 'age'; drop_missing=True leaves them out"
    ):
        bids_dl.StreamingDataset(voted, target="age")
    assert len(bids_dl.StreamingDataset(voted, target="age", drop_missing=True, batch_size=1)) == 20
