"""The specification, read by what knows nothing else of stores."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import small_store
import yaml
import zarr
from small_store import Small

import bids_dl
from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.sharing import card
from bids_dl.sharing.citation import citation, doi
from bids_dl.sharing.licence import legal_text
from bids_dl.store import open_store, writer
from bids_dl.store.format import to_json

SPECIFICATION = Path(__file__).parents[2] / "docs" / "store-format.md"
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


def _text(**rules) -> dict:
    return {"type": "string", "minLength": 1, **rules}


def _closed(required: tuple[str, ...], **fields: dict) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": fields,
    }


def _several(item: dict) -> dict:
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": item}


NAMES = _several(_closed(("name",), name=_text()))
SPDX = _text(
    pattern=r"^(CC0-1\.0|PDDL-1\.0|ODC-By-1\.0|CC-BY(-NC)?(-ND|-SA)?-(1\.0|2\.0|2\.5|3\.0|4\.0))$"
)
DOI = _text(pattern=r"^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-\.\(\)\[\]\\]+$")
CFF = _closed(
    ("authors", "cff-version", "message", "title"),
    **{
        "cff-version": {"const": "1.2.0"},
        "type": {"const": "dataset"},
        "message": _text(),
        "title": _text(),
        "authors": NAMES,
    },
    identifiers=_several(
        _closed(("type", "value"), type={"const": "other"}, value=_text(), description=_text())
    ),
    license=SPDX,
    references=_several(
        _closed(
            ("authors", "title", "type"),
            type={"const": "data"},
            title=_text(),
            authors=NAMES,
            doi=DOI,
            license=SPDX,
            notes=_text(),
        )
    ),
)
"""What Citation File Format 1.2.0 says of the fields that a store uses (its own validator cannot be installed beside moto)."""


@pytest.fixture(scope="module")
def reader() -> dict:
    """Functions of the reader that the specification ends with."""
    [code] = re.findall(r"```python\n(.*?)```", SPECIFICATION.read_text("utf-8"), re.DOTALL)
    assert code.count("\n") < 80
    assert set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) == {
        "json",
        "struct",
        "pathlib",
        "numcodecs",
        "numpy",
    }
    found: dict = {}
    exec(compile(code, str(SPECIFICATION), "exec"), found)
    return found


@pytest.fixture(scope="module", params=["float32", "int16"])
def store(request, eegbci, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("format") / "eyes.zarr"
    bids_dl.convert(
        str(eegbci), str(path), hed=QUERIES, window=2, stride=2, jobs=2, dtype=request.param
    )
    return path


def test_the_reader_of_the_specification_reads_every_window_and_every_column(reader, store):
    root, known = reader["read_root"](store), open_store(str(store))
    signals = known.read("signals")
    for row in range(len(signals)):
        np.testing.assert_array_equal(reader["read_window"](store, root, row), signals[row])
    for name in set(root["consolidated_metadata"]["metadata"]) - {"signals"}:
        np.testing.assert_array_equal(reader["read_array"](store, root, name), known.read(name))


def test_the_reader_of_the_specification_reads_stores_of_many_shards(reader, tmp_path):
    small_store.write(tmp_path / "small.zarr", small := Small())
    root = reader["read_root"](tmp_path / "small.zarr")
    windows = [
        reader["read_window"](tmp_path / "small.zarr", root, row) for row in range(small.n_windows)
    ]
    np.testing.assert_array_equal(np.stack(windows), small.signals)


def test_the_reader_of_the_specification_reads_columns_of_many_chunks(
    reader, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "ROWS_PER_CHUNK", 16)
    small_store.write(tmp_path / "small.zarr", small := Small())
    root = reader["read_root"](tmp_path / "small.zarr")
    assert len([*(tmp_path / "small.zarr/label/c").iterdir()]) == 5
    for column in small_store.columns(small):
        np.testing.assert_array_equal(
            reader["read_array"](tmp_path / "small.zarr", root, column.name), column.values
        )


@pytest.mark.parametrize("name", ["signals/c/0/0/0", "label/c/0"])
def test_the_reader_of_the_specification_takes_nothing_for_an_object_that_is_missing(
    reader, tmp_path, name
):
    small_store.write(tmp_path / "small.zarr", Small())
    (tmp_path / "small.zarr" / name).unlink()
    root = reader["read_root"](tmp_path / "small.zarr")
    with pytest.raises(FileNotFoundError):
        reader["read_window"](tmp_path / "small.zarr", root, 0) if "signals" in name else reader[
            "read_array"
        ](tmp_path / "small.zarr", root, "label")


@pytest.mark.parametrize("step", [None, 0.125])
def test_the_reader_of_the_specification_takes_the_fill_value_for_a_chunk_that_is_not_stored(
    reader, tmp_path, step
):
    """Other writers may leave out chunks of zeros."""
    signals = np.full((9, 3, 20), 1.5, np.float32)
    signals[:2] = 0
    values = signals if step is None else (signals / step).astype(np.int16)
    chunk_bytes = 2 * values[0].nbytes
    draft = writer.begin(Location(str(tmp_path / "a.zarr")), "a plan")
    config = StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=2 * chunk_bytes)
    writer.write_signals(
        draft, signals.shape, iter([values]), config, step=step, say=lambda _: None
    )
    writer.finish(draft, {"sfreq": 1.0, "classes": {}}, ["signals"], {})
    shard = tmp_path / "a.zarr/signals/c/0/0/0"
    before = shard.stat().st_size
    zarr.open_array(tmp_path / "a.zarr/signals", mode="r+")[:4] = values[
        :4
    ]  # zarr-python leaves out what is all fill value
    assert shard.stat().st_size < before
    root = reader["read_root"](tmp_path / "a.zarr")
    np.testing.assert_array_equal(
        [reader["read_window"](tmp_path / "a.zarr", root, row) for row in range(9)], signals
    )


def test_the_reader_of_the_specification_reads_masks(reader, tmp_path):
    mask = np.random.default_rng(0).random((13, 3, 20)) < 0.3
    draft = writer.begin(Location(str(tmp_path / "a.zarr")), "a plan")
    writer.write_mask(
        draft, mask.shape, iter([mask]), StoreConfig(chunk_bytes=130, shard_bytes=300)
    )
    writer.finish(draft, {}, ["dropout"], {})
    root = reader["read_root"](tmp_path / "a.zarr")
    assert len([*(tmp_path / "a.zarr/dropout/c").iterdir()]) == 4
    np.testing.assert_array_equal(
        [reader["read_window"](tmp_path / "a.zarr", root, row, "dropout") for row in range(13)],
        mask,
    )


def test_a_verifier_written_from_the_specification_agrees(store):
    def digest(content) -> str:
        return hashlib.sha256(
            json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()

    root, objects = (
        (store / "zarr.json").read_text("utf-8"),
        json.loads((store / "manifest.json").read_text())["objects"],
    )
    attributes, arrays = (
        json.loads(root)["attributes"],
        json.loads(root)["consolidated_metadata"]["metadata"],
    )
    said = attributes["root_sha256"]
    assert hashlib.sha256(root.replace(said, "0" * 64).encode()).hexdigest() == said
    assert {name: hashlib.sha256((store / name).read_bytes()).hexdigest() for name in objects} == {
        n: e["sha256"] for n, e in objects.items()
    }
    assert (
        digest(
            {
                name: e["sha256"]
                for name, e in objects.items()
                if name.partition("/c/")[0].removesuffix("/zarr.json") in arrays
            }
        )
        == (attributes["content"])
    )
    assert digest(json.loads((store / "plan.json").read_text())) == attributes["plan"]


def test_tensorstore_reads_the_samples_and_every_column_of_numbers(store):
    tensorstore = pytest.importorskip("tensorstore", reason="pip install tensorstore")
    known = open_store(str(store))
    arrays = known.root["consolidated_metadata"]["metadata"]
    for name in [
        name for name, about in arrays.items() if about["data_type"] != "string"
    ]:  # which it does not know
        array = tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(store / name)}}
        ).result()
        read = array.read().result()
        np.testing.assert_array_equal(
            read * np.float32(known.step or 1) if name == "signals" else read, known.read(name)
        )


@pytest.mark.filterwarnings(
    "ignore:Array is unsupported by ZarrsCodecPipeline"
)  # text, which it leaves to zarr-python
def test_zarrs_reads_every_array(store):
    pytest.importorskip("zarrs", reason="pip install zarrs")
    known = open_store(str(store))
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        for name in known.root["consolidated_metadata"]["metadata"]:
            read = zarr.open_array(store / name, mode="r")[...]
            read = read * np.float32(known.step or 1) if name == "signals" else read
            np.testing.assert_array_equal(read, known.read(name))


def test_every_array_and_attribute_of_a_store_is_in_the_specification(store):
    text, root = SPECIFICATION.read_text("utf-8"), open_store(str(store)).root
    attributes = root["attributes"]
    own = {
        name
        for name, about in root["consolidated_metadata"]["metadata"].items()
        if "file" not in about.get("attributes", {})
    }
    recordings = json.loads((store / "recordings.json").read_text())
    said = {
        *own,
        *attributes,
        *attributes.get("rounding", {}),
        *(key for about in recordings.values() for key in about),
    }
    documents = {path.name for path in store.iterdir() if path.is_file()}
    assert {
        name for name in said | documents if f"`{name}`" not in text and name not in text.split()
    } == set()


def test_a_store_is_found_by_mlcroissant_to_be_valid(store):
    croissant = pytest.importorskip("mlcroissant", reason="pip install mlcroissant")
    dataset = croissant.Dataset(jsonld=str(store / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert {
        issue for issue in dataset.metadata.ctx.issues.warnings if "datePublished" not in issue
    } == set()
    labels = [str(record["classes/name"]) for record in dataset.records("classes")]
    assert labels == list(QUERIES)


def test_croissant_json_names_every_shard_with_its_checksum(store):
    said = json.loads((store / "croissant.json").read_text())
    manifest = json.loads((store / "manifest.json").read_text())["objects"]
    shards = {
        entry["contentUrl"]: entry["sha256"]
        for entry in said["distribution"]
        if entry["@type"] == "cr:FileObject"
    }
    assert shards == {
        name: entry["sha256"] for name, entry in manifest.items() if name.startswith("signals/c/")
    }
    assert said["identifier"] == f"bids-dl:{open_store(str(store)).attributes['content']}"
    assert said["license"] == "https://creativecommons.org/publicdomain/zero/1.0/legalcode"


def test_the_citation_is_valid_and_names_source_and_content(store):
    said = yaml.safe_load((store / "CITATION.cff").read_text())
    assert said["cff-version"] == "1.2.0"
    assert (
        said["identifiers"][0]["value"] == f"bids-dl:{open_store(str(store)).attributes['content']}"
    )
    assert said["references"][0]["doi"] == "10.18112/openneuro.ds004362.v1.0.0"
    assert said["license"] == "CC0-1.0"
    jsonschema.validate(said, CFF)


def test_the_card_has_the_header_that_hugging_face_reads(store):
    _, header, text = (store / "README.md").read_text().split("---\n", 2)
    said = yaml.safe_load(header)
    assert (said["license"], said["size_categories"]) == ("cc0-1.0", ["n<1K"])
    assert f"bids-dl:{open_store(str(store)).attributes['content']}" in text
    assert "10.18112/openneuro.ds004362.v1.0.0" in text


def test_the_content_identifier_depends_on_the_arrays_alone(tmp_path):
    def content(name: str, small: Small, **attributes) -> str:
        small_store.write(tmp_path / name, small, **attributes)
        return open_store(str(tmp_path / name)).attributes["content"]

    first = content("a.zarr", Small())
    assert content("elsewhere.zarr", Small(), title="another title") == first
    assert content("c.zarr", Small(seed=1)) != first
    assert content("d.zarr", Small(channels=("Fz", "Cz", "Oz"))) != first


SOURCE = {
    "dataset": "ds1",
    "title": "One",
    "doi": "",
    "licence": "CC BY 4.0",
    "authors": ["A. B."],
    "how_to_acknowledge": "Thank us.",
}
SOURCE |= {"references": ["A book"], "funding": ["A fund"], "ethics": ["A board"]}


def about(*sources: dict) -> dict:
    counts = {
        "recordings": 1,
        "persons": 1,
        "windows": {"a": 1},
        "splits": {"train": {"persons": 1, "windows": 1}},
    }
    request = {
        "events": {"labels": [{"label": "a", "query": "A"}]},
        "preprocess": {"name": "default", "steps": []},
    }
    said = {
        "title": "A store: [1] & more",
        "sources": list(sources),
        "request": request,
        "statistics": counts,
        "sfreq": 100.0,
    }
    return said | {
        "classes": {"label": ["a"]},
        "failures": [],
        "software": {"bids_dl": "0"},
        "content": "0" * 64,
    }


@pytest.mark.parametrize(
    ("licences", "header"),
    [
        (["CC BY 4.0"], {"license": "cc-by-4.0"}),
        (["ODC-By"], {"license": "odc-by"}),
        (["CC0", "CC0"], {"license": "cc0-1.0"}),
        (
            ["CC0", "CC BY 4.0"],
            {
                "license": "other",
                "license_name": "as-stated-by-the-sources",
                "license_link": "LICENSE",
            },
        ),
        (
            ["ask me"],
            {
                "license": "other",
                "license_name": "as-stated-by-the-sources",
                "license_link": "LICENSE",
            },
        ),
        ([""], {"license": "unknown"}),
    ],
)
def test_the_card_states_the_licence_as_hugging_face_names_it(licences, header):
    sources = [
        SOURCE | {"licence": licence, "dataset": f"ds{i}"} for i, licence in enumerate(licences)
    ]
    said = yaml.safe_load(
        card.documents(about(*sources), (1, 1, 1), {})["README.md"].decode().split("---\n")[1]
    )
    assert {name: value for name, value in said.items() if name.startswith("license")} == header
    assert said["pretty_name"] == "A store: [1] & more"


def test_what_authors_ask_to_be_said_is_carried_over_and_licence_texts_travel():
    documents = card.documents(about(SOURCE), (1, 1, 1), {}, {"ds1": "Text of the licence."})
    for word in ("A. B.", "Thank us.", "A book", "A board"):
        assert word in documents["README.md"].decode()
        assert word in documents["CITATION.cff"].decode()
    assert "A fund" in documents["README.md"].decode()
    assert "Licence file of ds1:\n\nText of the licence." in documents["LICENSE"].decode()
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in documents["LICENSE"].decode()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("doi:10.18112/x.v1", "10.18112/x.v1"),
        ("https://doi.org/10.1/y", ""),
        ("https://doi.org/10.1000/y", "10.1000/y"),
        ("soon", ""),
        ("", ""),
    ],
)
def test_a_doi_is_taken_out_of_what_a_dataset_says(said, found):
    assert doi(said) == found


def test_a_citation_without_authors_or_doi_is_still_one():
    bare = SOURCE | {
        "authors": [],
        "title": "",
        "how_to_acknowledge": "",
        "references": [],
        "ethics": [],
        "licence": "",
    }
    said = yaml.safe_load(citation(about(bare)))
    assert said["authors"] == [{"name": "unknown"}]
    assert said["references"] == [
        {"type": "data", "title": "ds1", "authors": [{"name": "unknown"}]}
    ]
    jsonschema.validate(said, CFF)


@pytest.mark.parametrize(
    "source",
    [
        {"authors": ["A. B.", " A. B. ", ""], "doi": "doi:10.18112/x.v1", "licence": "CC BY 4.1"},
        {
            "authors": ["É. Ü. 王"],
            "doi": "see 10.18112/x",
            "licence": "CC-BY-NC-SA-3.0",
            "title": "yes: [no] # {a}",
        },
        {
            "doi": "10.5072/ab cd",
            "licence": "https://creativecommons.org/licenses/by/4.0/",
            "how_to_acknowledge": "a\n\nb: c",
        },
    ],
)
def test_whatever_sources_say_the_citation_is_valid(source):
    jsonschema.validate(
        yaml.safe_load(citation(about(SOURCE | source, SOURCE | {"dataset": "ds2"}))), CFF
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"authors": []},
        {"license": "CC-BY-4.1"},
        {"type": "data"},
        {"cff-version": "1.1"},
        {"paper": "x"},
    ],
)
def test_a_wrong_citation_would_be_found(change):
    said = yaml.safe_load(citation(about(SOURCE)))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said | change, CFF)


@pytest.mark.parametrize(
    ("licence", "asked"),
    [
        ("CC0", "No rights are reserved; cite the authors all the same."),
        ("CC BY 4.0", "Credit the authors, name this licence, and say what was changed."),
        (
            "CC BY-NC-SA 4.0",
            "say what was changed. Not for commercial use. Share what you make from it under this licence only.",
        ),
    ],
)
def test_the_licence_of_a_store_says_in_a_sentence_what_is_asked(licence, asked):
    assert (
        asked
        in card.documents(about(SOURCE | {"licence": licence}), (1, 1, 1), {})["LICENSE"].decode()
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [("CC-BY-NC-SA-4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode"), ("", "")],
)
def test_the_text_of_a_licence_is_where_it_is_published(name, text):
    assert legal_text(name) == text


def test_json_is_written_one_way_and_never_with_nan():
    assert to_json({"b": "µ", "a": 1}) == '{\n "b": "µ",\n "a": 1\n}\n'.encode()
    with warnings.catch_warnings(), pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": float("nan")})
