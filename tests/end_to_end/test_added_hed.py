"""A store from HED that its request adds: recorded, verified, resumed and made again without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.reporting import render_page
from bids_dl.reporting.reproduce import options_file
from bids_dl.testing import make_dataset

HED = {"trial_type": {"HED": {"open": "Eyes-open", "closed": "Eyes-closed"}}}
OPTIONS = {"hed": {"open": "Eyes-open"}, "window": 2, "split": 1, "scheduler": "synchronous"}


def test_a_store_keeps_the_hed_that_was_added(tmp_path: Path):
    source = make_dataset(tmp_path / "rest", n_subjects=1).root
    (source / "task-rest_events.json").unlink()
    file = tmp_path / "eyes.json"
    file.write_text(json.dumps(HED))
    store = tmp_path / "eyes.zarr"
    first = bids_dl.convert(source, store, hed_sidecar=f"rest={file}", **OPTIONS)
    file.unlink()

    opened = bids_dl.open_store(store)
    assert opened.attributes["request"]["events"]["hed_sidecar"] == {"rest": HED}
    assert set(opened.table["hed"]) == {"Eyes-open"}
    assert bids_dl.verify(store, sources=source).damages == ()

    added = "The HED of trial_type in rest was added by the maker of the store"
    assert added in (store / "README.md").read_text(encoding="utf-8")
    assert added in render_page(opened).decode()

    again = yaml.safe_load(options_file(opened.attributes["request"]))
    del again["recipe"]
    repeated = bids_dl.convert(source, store, scheduler="synchronous", **again)
    assert repeated.unchanged
    assert repeated.n_windows == first.n_windows

    other = {"trial_type": {"HED": {"open": "Eyes-open"}}}
    with pytest.raises(StoreError, match="hed_sidecar"):
        bids_dl.convert(source, store, hed_sidecar={"rest": other}, **OPTIONS)
