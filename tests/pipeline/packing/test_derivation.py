"""The origin of a derivative is told as far as its description states it."""

from __future__ import annotations

import doctest
import json

import pytest
from conversions import convert

from bids_dl.pipeline.packing import derivation
from bids_dl.pipeline.packing.derivation import derivation_attributes
from bids_dl.reporting import write_page
from bids_dl.sharing.card import build_card
from bids_dl.store import open_store

DESCRIPTION = {
    "DatasetType": "derivative",
    "GeneratedBy": [{"Name": "EEGLAB", "Version": "2024.2"}, {"Name": "by hand"}],
    "SourceDatasets": [{"URL": "https://example.org/ds1", "Version": "2"}, {"DOI": "10.1/a"}],
}


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(derivation).failed == 0


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ({}, {}),
        ({"DatasetType": "raw"}, {}),
        ({"DatasetType": "raw", "GeneratedBy": []}, {}),
        ({"GeneratedBy": "EEGLAB", "SourceDatasets": 3, "DatasetType": None}, {}),
        ({"GeneratedBy": [None, {}, {"Name": "a"}]}, {"generated_by": ["a"]}),
        ({"GeneratedBy": {"Name": "a", "Version": 2}}, {"generated_by": ["a 2"]}),
        ({"SourceDatasets": [{"Version": "1"}]}, {}),
    ],
)
def test_raw_data_and_wrong_types_state_nothing(description, expected):
    assert derivation_attributes(description) == expected


def test_a_store_its_card_and_its_page_tell_the_origin_of_a_derivative(eegbci_copy, tmp_path):
    file = eegbci_copy / "dataset_description.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | DESCRIPTION))
    convert(eegbci_copy, tmp_path / "a.zarr", subject="001", split=1)
    store = open_store(tmp_path / "a.zarr")
    [source] = store.attributes["sources"]
    assert source["dataset_type"] == "derivative"
    assert source["generated_by"] == ["EEGLAB 2024.2", "by hand"]
    assert source["source_datasets"] == ["https://example.org/ds1 (version 2)", "10.1/a"]
    card = build_card(store.attributes, store.shape)
    page = write_page(store, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "made by: EEGLAB 2024.2, by hand" in card
    assert "<dt>made by</dt><dd>EEGLAB 2024.2, by hand</dd>" in page
    assert "<dt>made from</dt><dd>https://example.org/ds1 (version 2); 10.1/a</dd>" in page


def test_a_store_of_raw_data_states_no_origin(eyes_store):
    [source] = open_store(eyes_store).attributes["sources"]
    assert not source.keys() & {"dataset_type", "generated_by", "source_datasets"}
