"""A table of predictions is joined to the store that it is of, and to no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import ConfigError
from bids_dl.exporting.predictions import read_predictions
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("predictions") / "small.zarr"
    small_store.write(path, SmallStore())
    return open_store(path)


@pytest.fixture
def table(store):
    """Predictions of the windows from 10 to 19, as `bids-dl predict` writes them."""
    rows = store.table.iloc[10:20]
    return pd.DataFrame(
        {
            "window": range(10, 20),
            "dataset": rows["dataset"],
            "subject": rows["subject"],
            "onset": rows["onset"],
            "label": rows["label"],
            "predicted": ["open", "é"] * 5,
            "p_1-back": np.linspace(0, 1, 10),
            "seen": [True] * 9 + [False],
        }
    )


def write(table, folder):
    file = folder / "p.csv"
    table.to_csv(file, index=False)
    return file


def test_columns_that_the_store_lacks_are_joined_by_window(store, table, tmp_path):
    joined = read_predictions(write(table.iloc[::-1], tmp_path), store)
    assert list(joined) == ["predicted", "p_1-back", "seen"]
    assert len(joined) == 70
    assert joined["predicted"].iloc[8:12].tolist() == ["", "", "open", "é"]
    assert joined["p_1-back"].iloc[10:20].tolist() == table["p_1-back"].tolist()
    assert joined["p_1-back"].isna().sum() == 60
    assert joined["seen"].iloc[17:20].tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="window"), "has no column window of row numbers"),
        (lambda t: t.assign(window="a"), "has no column window of row numbers"),
        (lambda t: t.assign(window=range(65, 75)), "has window 70, but .* has 70 windows"),
        (lambda t: t.assign(window=3), "has window 3 twice"),
        (lambda t: t.assign(subject="009"), "subject of window 10 is 009, not that of the store"),
        (lambda t: t.assign(onset=t["onset"] + 0.1), "onset of window 10 is 20.1, not that of"),
        (lambda t: t[["window", "label"]], "has no column that the store lacks"),
        (lambda t: t.iloc[:0, :0], "cannot be read"),
    ],
)
def test_a_table_of_another_store_is_refused(store, table, tmp_path, change, message):
    with pytest.raises(ConfigError, match=f"^--predictions .*p.csv: .*{message}"):
        read_predictions(write(change(table), tmp_path), store)


def test_a_missing_table_is_refused_in_one_line(store, tmp_path):
    with pytest.raises(ConfigError, match=r"nosuch.csv: cannot be read \(No such file"):
        read_predictions(tmp_path / "nosuch.csv", store)
