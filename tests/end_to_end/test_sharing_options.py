"""A conversion with title, authors and licence into `derivatives/` of its source."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from conversions import contents, convert

from bids_dl.demo import sample_folder
from bids_dl.errors import ConfigError, RequestError
from bids_dl.store import open_store

ONE_PERSON = {"subject": "001", "split": 1}
SHARING = {"title": "Eyes", "author": ["Ada"], "license": "cc by 4.0", "description": "Rest."}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a copy of the dataset of the package."""
    return shutil.copytree(sample_folder(), tmp_path_factory.mktemp("bids") / "ds004362")


def test_the_maker_stands_in_the_documents_and_other_stores_keep_their_bytes(source, tmp_path):
    convert(source, tmp_path / "before.zarr", **ONE_PERSON)
    folder = source / "derivatives" / "eyes"
    outcome = convert(source, folder / "eyes.zarr", **ONE_PERSON, **SHARING)
    assert not [warning for warning in outcome.warnings if "licence" in warning]
    attributes = open_store(str(folder / "eyes.zarr")).attributes
    assert (attributes["title"], attributes["creators"]) == ("Eyes", ["Ada"])
    assert attributes["request"]["sharing"]["license"] == attributes["licence"] == "CC-BY-4.0"
    citation = yaml.safe_load((folder / "eyes.zarr" / "CITATION.cff").read_text())
    assert citation["authors"] == [{"name": "Ada"}]
    description = (folder / "dataset_description.json").read_bytes()
    assert json.loads(description)["Name"] == "Eyes"
    again = convert(source, folder / "eyes.zarr", **ONE_PERSON, **SHARING)
    assert again.unchanged
    assert (folder / "dataset_description.json").read_bytes() == description
    convert(source, tmp_path / "after.zarr", **ONE_PERSON)
    stored = contents(tmp_path / "before.zarr")
    assert stored == contents(tmp_path / "after.zarr")
    assert "sharing" not in json.loads(stored["plan.json"])["request"]


@pytest.mark.parametrize(
    ("dest", "options", "message"),
    [
        ("out.zarr", {}, "lies inside the source"),
        ("../new/out.zarr", {"license": "foo"}, "unknown licence"),
        ("../new/out.zarr", {"staging": "{source}/staging"}, "lies inside the source"),
    ],
)
def test_a_refused_request_writes_nothing(source, dest, options, message):
    before = contents(source.parent)
    options = {name: value.format(source=source) for name, value in options.items()}
    with pytest.raises(RequestError, match=message):
        convert(source, source / dest, **ONE_PERSON, **options)
    assert contents(source.parent) == before
    assert not (source.parent / "new").exists()


@pytest.mark.parametrize("place", ["License", "LICENSE"])
def test_a_licence_weaker_than_that_of_the_source_is_refused(tmp_path, place):
    source = shutil.copytree(sample_folder(), tmp_path / "ds")
    file = source / "dataset_description.json"
    description = json.loads(file.read_text()) | {"License": ""}
    if place == "License":
        description["License"] = "CC BY-NC 4.0"
    else:
        (source / place).write_text("Attribution-NonCommercial 4.0 International\n\nText.")
    file.write_text(json.dumps(description))
    with pytest.raises(ConfigError, match=r"CC-BY-4\.0: allows more than .*NC|NonCommercial"):
        convert(source, tmp_path / "new" / "out.zarr", **ONE_PERSON, license="CC-BY-4.0")
    assert not (tmp_path / "new").exists()
