from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray
from embedded_people import assert_same, make_embeddings
from people_store import window_table

from bids_dl.embedding import Embeddings, read_embeddings, write_embeddings
from bids_dl.embedding.files import check_embedding_file
from bids_dl.errors import ConfigError, StoreError


@pytest.fixture(params=["a.zarr", "a.parquet"])
def file(request, tmp_path) -> Path:
    if request.param.endswith("parquet"):
        pytest.importorskip("pyarrow")
    return tmp_path / request.param


def test_what_is_written_is_read_back_equal(file):
    table = window_table(4).assign(age=[20.5, np.nan] * 32, session="", rating=1)
    embeddings = make_embeddings({}, table=table, n_seeds=2)
    embeddings.seen[3:9] = True
    assert write_embeddings(embeddings, file) == []
    assert_same(read_embeddings(file), embeddings)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_windows_of_a_split_keep_the_numbers_of_their_rows(file):
    table = window_table(4).iloc[10:20]
    write_embeddings(make_embeddings({}, table=table), file)
    assert read_embeddings(file).table.index.tolist() == list(range(10, 20))


def test_xarray_opens_the_zarr_group_without_a_warning(tmp_path):
    embeddings = make_embeddings({}, n_seeds=2)
    write_embeddings(embeddings, tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = xarray.open_zarr(tmp_path / "a.zarr")
    assert opened["features"].dims == ("window", "feature")
    assert opened["random_weights"].dims == ("random_seed", "window", "feature")
    np.testing.assert_array_equal(opened["features"], embeddings.features)
    assert opened["subject"].values.astype(object).tolist() == embeddings.table["subject"].tolist()
    assert opened.attrs["run"]["weights_sha256"] == "ef"


def test_a_column_with_the_name_of_an_array_is_left_out(file):
    embeddings = make_embeddings({}, table=window_table(3).assign(seen="x", f0=1.0, feature=2))
    left_out = write_embeddings(embeddings, file)
    found = read_embeddings(file)
    assert left_out == (["seen", "feature"] if file.suffix == ".zarr" else ["seen", "f0"])
    assert not set(left_out) & set(found.table)
    np.testing.assert_array_equal(found.features, embeddings.features)


def test_an_existing_file_is_replaced_only_on_request(file):
    write_embeddings(make_embeddings({}), file)
    with pytest.raises(ConfigError, match="exists already; --overwrite replaces it"):
        check_embedding_file(file, None, overwrite=False)
    check_embedding_file(file, None, overwrite=True)
    other = make_embeddings({}, seed=1)
    write_embeddings(other, file)
    assert_same(read_embeddings(file), other)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_nothing_foreign_is_ever_replaced(tmp_path):
    folder = tmp_path / "store.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text(json.dumps({"attributes": {}}))
    file = tmp_path / "table.parquet"
    file.write_text("a,b")
    for path in (folder, file):
        if path.is_file():
            pytest.importorskip("pyarrow")
        with pytest.raises(ConfigError, match="is no file of `bids-dl embed`, and is not replaced"):
            check_embedding_file(path, None, overwrite=True)


def test_impossible_files_are_refused_before_the_work(tmp_path):
    with pytest.raises(ConfigError, match=r"ends in \.zarr or \.parquet"):
        check_embedding_file(tmp_path / "a.csv", None, overwrite=False)
    with pytest.raises(ConfigError, match="does not exist"):
        check_embedding_file(tmp_path / "missing" / "a.zarr", None, overwrite=False)
    with pytest.raises(ConfigError, match="is inside the store"):
        check_embedding_file(tmp_path / "s.zarr" / "a.zarr", tmp_path / "s.zarr", overwrite=False)


def test_parquet_without_pyarrow_is_refused_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'pyarrow>=15'"):
        check_embedding_file(tmp_path / "a.parquet", None, overwrite=False)


def test_a_failed_write_leaves_nothing(file, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bids_dl.embedding.files.write_feature_file", fail)
    monkeypatch.setattr("pandas.DataFrame.to_parquet", fail)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_embeddings(make_embeddings({}), file)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "attributes.format"),
        ({"random_seeds": [0, 1]}, "not one array of features for each random network"),
        ({"random_seeds": []}, "attributes.random_seeds"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, change, message):
    embeddings = make_embeddings({})
    embeddings.origin.update(change)
    write_embeddings(embeddings, tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=message):
        read_embeddings(tmp_path / "a.zarr")


def with_store(embeddings: Embeddings, **changes: Any) -> dict[str, Any]:
    """Return the origin of embeddings with changed fields of the store."""
    store = {**embeddings.origin["store"], **changes}
    return {"origin": {**embeddings.origin, "store": store}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: {"features": np.where(e.features < 0, np.nan, e.features)}, "the value nan"),
        (lambda e: {"random_weights": e.random_weights * np.inf}, "the value -?inf"),
        (lambda e: {"band_power": e.band_power * np.float32(1e37)}, "band_power' has the value"),
        (lambda e: {"features": e.features.astype(int)}, "has the type int64"),
        (lambda e: {"features": e.features.astype(str).astype(object)}, "has the type object"),
        (lambda e: {"features": e.features[:, :0]}, "has no features"),
        (lambda e: {"random_weights": e.random_weights[:, :5]}, "arrays of"),
        (lambda e: {"seen": e.seen.astype(float)}, "has the type float64"),
        (lambda e: {"table": e.table.drop(columns="block")}, "no column 'block'"),
        (lambda e: with_store(e, classes={"label": 3}), "attributes.store.classes"),
        (lambda e: with_store(e, name="n" * 999), "attributes.store.name"),
    ],
)  # fmt: skip
def test_arrays_that_no_linear_model_can_use_are_refused(tmp_path, change, message):
    embeddings = make_embeddings({})
    write_embeddings(replace(embeddings, **change(embeddings)), tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=message) as error:
        read_embeddings(tmp_path / "a.zarr")
    assert len(str(error.value)) < 2000


def test_features_in_float64_are_read_as_float32(tmp_path):
    embeddings = make_embeddings({})
    precise = replace(embeddings, features=embeddings.features.astype(np.float64))
    write_embeddings(precise, tmp_path / "a.zarr")
    assert_same(read_embeddings(tmp_path / "a.zarr"), embeddings)


def test_a_parquet_file_with_more_features_than_columns_is_refused_at_once(tmp_path):
    pytest.importorskip("pyarrow")
    file = tmp_path / "a.parquet"
    write_embeddings(make_embeddings({}), file)
    table = pd.read_parquet(file)
    table.attrs["n_features"]["f"] = 10**12
    table.to_parquet(file)
    with pytest.raises(StoreError, match="has no 1000000000000 columns"):
        read_embeddings(file)


def test_other_files_are_refused(tmp_path, file):
    with pytest.raises(StoreError, match="no such"):
        read_embeddings(file)
    (tmp_path / "b.parquet").write_text("no table")
    pytest.importorskip("pyarrow")
    with pytest.raises(StoreError, match="not a file of `bids-dl embed`") as error:
        read_embeddings(tmp_path / "b.parquet")
    assert "\n" not in str(error.value)
