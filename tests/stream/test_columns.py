from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import small_store
from small_store import SmallStore
from streams import SMALL

from bids_dl.store import open_store
from bids_dl.stream.columns import JoinedColumns, TableColumn, column_of_series

FIRST_BATCH = """
import sys
from bids_dl import StreamingDataset
from bids_dl.stream import WindowDataset
for normalize in (None, "recording", "training", "window"):
    stream = StreamingDataset(
        sys.argv[1], split="train", where={"subject": ["000", "001"]}, normalize=normalize
    )
    next(iter(stream))
WindowDataset(sys.argv[1], target="onset")[3]
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("resolution", [None, 0.125])
def test_the_first_batch_needs_no_pandas_mne_matplotlib_or_dask(tmp_path, resolution):
    small_store.write(tmp_path / "small.zarr", SMALL, resolution=resolution)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_BATCH, str(tmp_path / "small.zarr")],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(done.stdout.split())
    assert {"bids_dl", "torch"} <= imported
    assert not {"pandas", "zarr", "mne", "matplotlib", "dask", "scipy"} & imported
    assert ("numcodecs" in imported) == (resolution is not None)


@pytest.mark.parametrize("name", ["subject", "sex", "onset", "row", "age"])
def test_a_column_is_that_of_the_table(store, name):
    column = JoinedColumns([open_store(store)])[name]
    expected = open_store(store).table[name]
    pd.testing.assert_series_equal(column.to_series(), expected, check_names=False)
    again = column_of_series(expected)
    assert again.is_numeric == column.is_numeric == pd.api.types.is_numeric_dtype(expected)
    for wanted in expected.unique()[:3]:
        mask = expected.isin([wanted]).to_numpy()
        assert mask.any()
        np.testing.assert_array_equal(column.matches([wanted]), mask)
        np.testing.assert_array_equal(
            again.matches([wanted, "other"][: 2 - again.is_numeric]), mask
        )


def test_missing_numbers_match_missing_numbers_only():
    column = TableColumn("age", np.array([1.0, np.nan, 3.0]))
    assert column.matches([np.nan, 3]).tolist() == [False, True, True]
    assert column.matches([1, 4]).tolist() == [True, False, False]


def test_texts_of_joined_stores_have_one_numbering(tmp_path, store):
    other = SmallStore(n_subjects=2, seed=5, dataset="ds2")
    small_store.write(tmp_path / "other.zarr", other)
    stores = [open_store(tmp_path / "other.zarr"), open_store(store)]
    column = JoinedColumns(stores)["dataset"]
    assert column.texts == ("ds2", "ds1")
    assert np.bincount(column.values).tolist() == [other.n_windows, SMALL.n_windows]
