"""Columns of events.tsv and participants.tsv in a store, as targets of a stream."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conversions import convert

import bids_dl
from bids_dl.errors import TargetError

VOTES = ("seizure", "other")


def _add_event_columns(table: Path) -> None:
    """Add shares of votes, codes, and a column `age` to an events.tsv."""
    header, *rows = table.read_text().splitlines()
    lines = [f"{header}\tseizure\tother\tcode\tage"]
    for i, row in enumerate(rows):
        other = 1 - i / 10 if i else "n/a"
        lines.append(f"{row}\t{i / 10}\t{other}\t{i // 3 % 3}\t{'abc'[i % 3]}")
    table.write_text("\n".join(lines))


@pytest.fixture(scope="module")
def store(tmp_path_factory, synthetic) -> bids_dl.Store:
    """Store with numbers, codes that have Levels, and missing values, from both tables."""
    root = Path(shutil.copytree(synthetic, tmp_path_factory.mktemp("voted") / "syn"))
    people = ["participant_id\tage\tgroup\tSex", "sub-001\t31\t0\tF", "sub-002\tNaN\t1\tM"]
    (root / "participants.tsv").write_text("\n".join(people))
    group = {"Levels": {"0": "control", "1": "patient"}}
    (root / "participants.json").write_text(json.dumps({"group": group, "age": {"Units": "year"}}))
    for table in root.rglob("*_events.tsv"):
        _add_event_columns(table)
    sidecar = json.loads((root / "task-rest_events.json").read_text())
    sidecar["code"] = {
        "Levels": {"0": "none", "1": "one", "2": "two"},
        "Description": "what was shown",
    }
    (root / "task-rest_events.json").write_text(json.dumps(sidecar))
    dest = tmp_path_factory.mktemp("stores") / "voted.zarr"
    convert(root, dest, hed={"closed": "Eyes-closed", "open": "Eyes-open"})
    return bids_dl.open_store(str(dest))


def test_a_column_of_events_tsv_has_the_cell_in_the_row_of_each_window(store):
    table = store.table
    assert set(table["trial_type"]) == {"open", "closed"}
    assert (table["trial_type"] == table["label"]).all()
    assert table["sample"].tolist() == [round(onset * 160) for onset in table["event_onset"]]
    assert np.allclose(table["seizure"], table["row"] / 10)
    assert table["event_duration"].unique().tolist() == [10.0]


def test_numbers_with_levels_are_classes(store):
    assert bids_dl.StreamingDataset(store, target="code").classes == ("0", "1", "2")
    assert bids_dl.StreamingDataset(store, target="group").classes == ("0", "1")
    assert store.metadata("code")["attributes"] == {
        "file": "events.tsv",
        "column": "code",
        "description": "what was shown",
        "levels": {"0": "none", "1": "one", "2": "two"},
    }


def test_a_name_in_both_tables_is_that_of_participants_tsv(store):
    by_person = store.table.groupby("subject")["age"].first()
    assert by_person["001"] == 31
    assert np.isnan(by_person["002"])
    assert set(store.table["event_age"]) <= set("abc")
    assert store.metadata("event_age")["attributes"]["file"] == "events.tsv"


def test_shares_of_votes_are_one_target(store):
    with pytest.raises(TargetError, match=r"10 of 40 windows have no \('seizure', 'other'\)"):
        bids_dl.StreamingDataset(store, target=VOTES)
    stream = bids_dl.StreamingDataset(store, target=VOTES, drop_missing=True, batch_size=10)
    _, target, index = next(iter(stream))
    assert target.shape == (10, 2)
    assert np.allclose(target.sum(1), 1)
    assert np.allclose(target[:, 0], store.table["seizure"][index.numpy()])


def test_a_misspelt_target_lists_the_columns(store):
    with pytest.raises(TargetError, match=r"trialtype.*label.*group, Sex.*trial_type, seizure"):
        bids_dl.StreamingDataset(store, target="trialtype")


def test_people_without_a_value_are_counted_and_dropped_only_on_request(store):
    with pytest.raises(TargetError, match=r"20 of 40 windows have no 'age'.*drop_missing=True"):
        bids_dl.StreamingDataset(store, target="age")
    stream = bids_dl.StreamingDataset(store, target="age", drop_missing=True, batch_size=1)
    assert len(stream) == 20
