"""HED schemas without the network."""

from __future__ import annotations

from pathlib import Path

import pytest
from event_tables import event_rows, select_events
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl.errors import ConfigError, SourceError
from bids_dl.selection.schema import bundled_versions, load_schema, requested_versions, schema_tags

BUNDLED = Path(INSTALLED_CACHE_LOCATION)
TABLE = event_rows((1, "red"))


def copy_standard(folder, version):
    """Write the standard schema 8.3.0 as another version."""
    text = (BUNDLED / "HED8.3.0.xml").read_text(encoding="utf-8")
    text = text.replace('version="8.3.0"', f'version="{version}"', 1)
    folder.mkdir(exist_ok=True)
    (folder / f"HED{version}.xml").write_text(text, encoding="utf-8")


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(
        "urllib.request.urlopen", lambda *_, **__: pytest.fail("hedtools used the network")
    )


@pytest.mark.usefixtures("no_network")
def test_a_schema_of_the_users_folder_is_found_without_the_network(tmp_path):
    copy_standard(tmp_path, "8.3.9")
    copy_standard(tmp_path / "prerelease", "8.9.0")
    for version in ("8.3.9", "8.9.0", "8.3.0"):
        versions = {"ds": version}
        selection = select_events(TABLE, "Red", versions=versions, hed_schema_dir=str(tmp_path))
        assert selection.hed_versions == versions
        assert selection.events


@pytest.mark.usefixtures("no_network")
def test_a_library_without_its_standard_schema_is_refused_without_the_network(tmp_path):
    library = (BUNDLED / "HED_score_2.0.0.xml").read_text(encoding="utf-8")
    library = library.replace('withStandard="', 'withStandard="9.', 1)
    (tmp_path / "HED_score_9.0.0.xml").write_text(library, encoding="utf-8")
    with pytest.raises(SourceError, match=r"(?s)score_9.*score_2\.0\.0"):
        select_events(TABLE, "Red", versions={"ds": "score_9.0.0"}, hed_schema_dir=str(tmp_path))


def test_a_schema_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        select_events(TABLE, "Red", hed_schema_dir=str(tmp_path / "x"))


@pytest.mark.parametrize("version", [{"a": 1}, 8, [8.3]])
def test_a_version_of_another_type_is_refused(version):
    with pytest.raises(SourceError, match="HEDVersion must be text or a list"):
        requested_versions("ds", version, None)


def test_the_users_versions_replace_those_of_the_dataset():
    assert requested_versions("ds", "8.0.0", "8.2.0, sc:score_1.0.0") == (
        "8.2.0",
        "sc:score_1.0.0",
    )
    assert requested_versions("ds", None, None) == ()


def test_bundled_versions_are_sorted_by_their_numbers():
    versions = bundled_versions()
    assert versions[0] == "8.0.0"
    assert versions == sorted(versions, key=lambda version: tuple(map(int, version.split("."))))


def test_the_tags_of_a_group_are_those_of_all_its_schemas():
    versions = ["8.2.0", "sc:score_1.0.0"]
    tags = schema_tags(load_schema(versions, None, dataset="ds", is_override=False))
    assert tags["eyes-closed"].startswith("Property/Agent-property/")
    assert tags["eye-blink-artifact"].endswith("/Eye-blink-artifact")
