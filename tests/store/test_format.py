"""The specification: its reader and other libraries read every store; its tables are complete."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import small_store
import zarr
from conversions import convert
from small_store import SmallStore

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import ARRAYS, DROPOUT, RESERVED, ArrayRow, to_json

SPECIFICATION = Path(__file__).parents[2] / "docs" / "store-format.md"
SMALL = SmallStore()


@pytest.fixture(scope="module")
def reader() -> dict:
    """Functions of the reader at the end of the specification."""
    [code] = re.findall(r"```python\n(.*?)```", SPECIFICATION.read_text("utf-8"), re.DOTALL)
    assert code.count("\n") < 80
    libraries = set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE))
    assert libraries == {"json", "struct", "pathlib", "numcodecs", "numpy"}
    functions: dict = {}
    exec(compile(code, str(SPECIFICATION), "exec"), functions)
    return functions


@pytest.fixture(scope="module", params=["float32", "int16"])
def store(request, eegbci, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("format") / "eyes.zarr"
    convert(eegbci, path, dtype=request.param)
    return path


def create_store(path: Path) -> writer.StoreWriter:
    return writer.StoreWriter.create(Location(str(path)), "a plan")


def test_the_reader_reads_every_window_and_every_column(reader, store):
    root = reader["read_root"](store)
    expected = open_store(str(store))
    signals = expected.read("signals")
    for row in range(len(signals)):
        np.testing.assert_array_equal(reader["read_window"](store, root, row), signals[row])
    for name in set(root["consolidated_metadata"]["metadata"]) - {"signals"}:
        values = reader["read_array"](store, root, name)
        np.testing.assert_array_equal(values, expected.read(name))


def test_the_reader_reads_stores_of_many_shards(reader, tmp_path):
    path = tmp_path / "small.zarr"
    small_store.write(path, SMALL)
    root = reader["read_root"](path)
    windows = [reader["read_window"](path, root, row) for row in range(SMALL.n_windows)]
    np.testing.assert_array_equal(windows, SMALL.signals)


def test_the_reader_reads_columns_of_many_chunks(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "ROWS_PER_CHUNK", 16)
    path = tmp_path / "small.zarr"
    small_store.write(path, SMALL)
    root = reader["read_root"](path)
    assert len(list((path / "label/c").iterdir())) == 5
    for column in small_store.columns(SMALL):
        values = reader["read_array"](path, root, column.name)
        np.testing.assert_array_equal(values, column.values)


def test_the_reader_takes_no_value_for_a_missing_object(reader, tmp_path):
    path = tmp_path / "small.zarr"
    small_store.write(path, SMALL)
    root = reader["read_root"](path)
    for name in ("signals/c/0/0/0", "label/c/0"):
        (path / name).unlink()
    with pytest.raises(FileNotFoundError):
        reader["read_window"](path, root, 0)
    with pytest.raises(FileNotFoundError):
        reader["read_array"](path, root, "label")


@pytest.mark.parametrize("resolution", [None, 0.125])
def test_the_reader_takes_the_fill_value_for_a_chunk_that_is_not_stored(
    reader, tmp_path, resolution
):
    signals = np.full((9, 3, 20), 1.5, np.float32)
    signals[:2] = 0
    values = signals if resolution is None else (signals / resolution).astype(np.int16)
    chunk_bytes = 2 * values[0].nbytes
    config = StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=2 * chunk_bytes)
    path = tmp_path / "a.zarr"
    store = create_store(path)
    writer.write_signals(
        store,
        signals.shape,
        iter([values]),
        config,
        resolution=resolution,
        on_progress=lambda _: None,
    )
    writer.finish(store, {"sfreq": 1.0, "classes": {}}, ["signals"], {})
    shard = path / "signals/c/0/0/0"
    size = shard.stat().st_size
    # zarr-python stores no chunk of zeros; other writers may do the same
    zarr.open_array(path / "signals", mode="r+")[:4] = values[:4]
    assert shard.stat().st_size < size
    root = reader["read_root"](path)
    windows = [reader["read_window"](path, root, row) for row in range(9)]
    np.testing.assert_array_equal(windows, signals)


def test_the_reader_reads_dropout_masks(reader, tmp_path):
    mask = np.random.default_rng(0).random((13, 3, 20)) < 0.3
    config = StoreConfig(chunk_bytes=130, shard_bytes=300)
    path = tmp_path / "a.zarr"
    store = create_store(path)
    writer.write_dropout_mask(store, mask.shape, iter([mask]), config)
    writer.finish(store, {}, [DROPOUT], {})
    root = reader["read_root"](path)
    assert len(list((path / "dropout/c").iterdir())) == 4
    windows = [reader["read_window"](path, root, row, "dropout") for row in range(13)]
    np.testing.assert_array_equal(windows, mask)


def test_checksums_computed_as_the_specification_says_agree(store):
    def digest(content) -> str:
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    root = (store / "zarr.json").read_text("utf-8")
    attributes = json.loads(root)["attributes"]
    arrays = json.loads(root)["consolidated_metadata"]["metadata"]
    stated = attributes["root_sha256"]
    assert hashlib.sha256(root.replace(stated, "0" * 64).encode()).hexdigest() == stated
    checksums = {}
    for name, entry in json.loads((store / "manifest.json").read_text())["objects"].items():
        assert hashlib.sha256((store / name).read_bytes()).hexdigest() == entry["sha256"]
        if name.partition("/c/")[0].removesuffix("/zarr.json") in arrays:
            checksums[name] = entry["sha256"]
    assert digest(checksums) == attributes["content"]
    assert digest(json.loads((store / "plan.json").read_text())) == attributes["plan"]


def test_tensorstore_reads_the_samples_and_every_column_of_numbers(store):
    tensorstore = pytest.importorskip("tensorstore", reason="pip install tensorstore")
    expected = open_store(str(store))
    for name, metadata in expected.root["consolidated_metadata"]["metadata"].items():
        if metadata["data_type"] == "string":  # not supported by tensorstore
            continue
        kvstore = {"driver": "file", "path": str(store / name)}
        array = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}).result()
        values = to_microvolts(array.read().result(), name, expected.resolution)
        np.testing.assert_array_equal(values, expected.read(name))


def to_microvolts(values: np.ndarray, name: str, resolution: float | None) -> np.ndarray:
    return values * np.float32(resolution or 1) if name == "signals" else values


# zarrs leaves text to zarr-python
@pytest.mark.filterwarnings("ignore:Array is unsupported by ZarrsCodecPipeline")
def test_zarrs_reads_every_array(store):
    pytest.importorskip("zarrs", reason="pip install zarrs")
    expected = open_store(str(store))
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        for name in expected.root["consolidated_metadata"]["metadata"]:
            values = zarr.open_array(store / name, mode="r")[...]
            values = to_microvolts(values, name, expected.resolution)
            np.testing.assert_array_equal(values, expected.read(name))


def test_every_attribute_document_and_key_of_a_store_is_in_the_specification(store):
    text = SPECIFICATION.read_text("utf-8")
    attributes = open_store(str(store)).attributes
    names = {*attributes, *attributes.get("rounding", {})}
    names |= {path.name for path in store.iterdir() if path.is_file()}
    for recording in json.loads((store / "recordings.json").read_text()).values():
        names |= recording.keys()
    missing = [name for name in names if f"`{name}`" not in text and name not in text.split()]
    assert missing == []


def test_every_array_has_a_row_of_the_manual_with_its_type_and_meaning():
    lines = SPECIFICATION.read_text("utf-8").splitlines()
    for row in ARRAYS.values():
        cells = [f"`{row.name}`", row.data_type, row.meaning]
        if row.dimensions != ("window",):
            cells.insert(1, ", ".join(row.dimensions))
        beginning = f"| {' | '.join(cells)} |"
        assert [line for line in lines if line.startswith(beginning)], beginning


def own_arrays(store: Path) -> dict[str, dict]:
    """Return the metadata of the arrays that are no column of participants.tsv or events.tsv."""
    arrays = open_store(str(store)).root["consolidated_metadata"]["metadata"]
    return {
        name: metadata
        for name, metadata in arrays.items()
        if "file" not in metadata.get("attributes", {})
    }


def test_every_array_of_a_store_has_a_row_in_the_format_and_the_other_way_round(store):
    assert {*own_arrays(store), DROPOUT} == set(ARRAYS)
    assert {*own_arrays(store), DROPOUT, "duration"} == RESERVED


def data_types(row: ArrayRow) -> list[str]:
    return row.data_type.split(" or ")


def test_arrays_are_stored_with_dimensions_type_and_attributes_of_their_rows(store):
    for name, metadata in own_arrays(store).items():
        row = ARRAYS[name]
        assert tuple(metadata["dimension_names"]) == row.dimensions, name
        assert metadata["data_type"] in data_types(row), name
        assert row.attributes.items() <= metadata.get("attributes", {}).items(), name


def test_the_content_identifier_depends_on_the_arrays_alone(tmp_path):
    def content_of(name: str, small: SmallStore, **attributes) -> str:
        small_store.write(tmp_path / name, small, **attributes)
        return open_store(str(tmp_path / name)).attributes["content"]

    first = content_of("a.zarr", SMALL)
    assert content_of("elsewhere.zarr", SMALL, title="another title") == first
    assert content_of("c.zarr", SmallStore(seed=1)) != first
    assert content_of("d.zarr", SmallStore(channels=("Fz", "Cz", "Oz"))) != first


def test_json_has_one_form_and_never_nan():
    assert to_json({"b": "µ", "a": 1}) == '{\n "b": "µ",\n "a": 1\n}\n'.encode()
    with warnings.catch_warnings(), pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": float("nan")})
