"""Selection by the columns of events.tsv, in a dataset without HED: from the rows to the store."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from conversions import contents

import bids_dl
from bids_dl.demo import sample_folder
from bids_dl.reporting.reproduce import options_file

QUERIES = {"BASE1T0": "value==BASE1T0", "BASE2T0": "value==BASE2T0"}
TWO_PEOPLE = {
    "subject": ["001", "002"],
    "run": ["1", "2"],
    "window": 2,
    "split": 1,
    "scheduler": "synchronous",
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return a copy of the dataset of the package without HED."""
    folder = shutil.copytree(sample_folder(), tmp_path_factory.mktemp("bids") / "bare")
    for path in [*folder.rglob("*events.json"), folder / "dataset_description.json"]:
        content = json.loads(path.read_text())
        content.pop("HEDVersion", None)
        for entry in content.values():
            if isinstance(entry, dict):
                entry.pop("HED", None)
        path.write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def store(bare, tmp_path_factory):
    """Return a store with one class of each value of the column `value`."""
    dest = tmp_path_factory.mktemp("stores") / "values.zarr"
    bids_dl.convert(bare, dest, event="value", **TWO_PEOPLE)
    return dest


def test_the_store_records_the_classes_that_a_column_stands_for(store):
    info = bids_dl.info(store)
    assert {
        label["label"]: label["query"] for label in info["request"]["events"]["labels"]
    } == QUERIES
    assert info["classes"]["label"] == list(QUERIES)
    assert info["hed_versions"] == {}
    table = bids_dl.open_store(str(store)).table
    assert set(table["hed"]) == {""}
    assert list(table["value"]) == list(table["label"])


def test_the_same_column_or_its_classes_are_the_same_plan(bare, store):
    before = contents(store)
    assert bids_dl.convert(bare, store, event="value", **TWO_PEOPLE).unchanged
    assert bids_dl.convert(bare, store, event=list(QUERIES.values()), **TWO_PEOPLE).unchanged
    options = yaml.safe_load(options_file(bids_dl.info(store)["request"])) | {"recipe": "default"}
    again = bids_dl.convert(bare, store, scheduler="synchronous", **options)
    assert again.unchanged
    assert contents(store) == before


def test_the_windows_are_those_of_the_hed_of_the_same_rows(bare, command):
    by_hed = command("events", sample_folder(), "--hed", "x=Eyes-closed", "--window", "2", "--json")
    by_value = command("events", bare, "--event", "x=value==BASE2T*", "--window", "2", "--json")
    assert (by_value.status, by_value.json["hed_version"]) == (0, None)
    for name in ("windows", "counts"):
        assert by_value.json[name] == by_hed.json[name]


def test_the_command_line_shows_the_classes_and_refuses_what_no_row_has(bare, command):
    shown = command("events", bare, "--event", "value", "--until", "BASE1T0=3")
    assert shown.status == 0
    assert all(f" {query} " in shown.out for query in QUERIES.values())
    assert "until 4" in shown.out
    refused = command("convert", bare, "x.zarr", "--event", "value==BASE3T0")
    assert refused.status == 2
    assert refused.err.splitlines()[0] == (
        'error: --event "value==BASE3T0": no row has BASE3T0 in the column value, '
        "in 11 recordings of ds004362."
    )
