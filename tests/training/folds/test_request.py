from __future__ import annotations

import numpy as np
import pytest
from fold_tables import class_codes, recording_table, request_all

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import TargetError
from bids_dl.training.folds.request import make_request

TABLE = recording_table([("01", "1", "1"), ("02", "1", "1")])


def make(known, **settings):
    return make_request(
        TABLE,
        TrainConfig(**settings),
        known=known,
        classes_of=class_codes(TABLE),
        window_seconds=2.0,
        store_name="a.zarr",
    )


def test_only_windows_that_may_be_used_remain():
    request = make(np.arange(len(TABLE)) % 4 == 0)
    assert request.rows.tolist() == list(range(0, len(TABLE), 4))
    assert request.table["onset"].tolist() == TABLE["onset"][::4].tolist()
    assert request.classes.tolist() == class_codes(TABLE)[::4].tolist()


def test_a_store_without_a_usable_window_is_refused():
    with pytest.raises(TargetError, match=r"a\.zarr: no window has a target and meets --where"):
        make(np.zeros(len(TABLE), dtype=bool))


def test_a_class_is_named_as_in_the_column_of_the_target():
    assert request_all(TABLE).class_name(1) == "move"
    assert request_all(TABLE, target=("lab*",)).class_name(1) == "number 1"


def test_a_column_that_the_store_lacks_is_named():
    with pytest.raises(TargetError, match="--folds time needs the column 'cap', which the store"):
        request_all(TABLE).require_columns(["onset", "cap"], "--folds time")
