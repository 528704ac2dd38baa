from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError, SourceError
from bids_dl.publishing.rights import Rights, SourceRights, find_rights


def attributes(*licences, **more):
    sources = []
    for number, licence in enumerate(licences, 1):
        sources.append({"dataset": f"ds{number}", "licence": licence})
    return {"sources": sources, **more}


def test_the_licence_of_all_sources_is_that_of_the_store():
    rights = find_rights("a.zarr", attributes("CC0", "CC0"))
    assert rights.licence == "CC0-1.0"
    assert rights.lines()[0] == "licence: CC0-1.0"


def test_each_source_has_a_line_with_its_obligations():
    rights = find_rights("a.zarr", attributes("CC0", "CC BY-NC 4.0"))
    assert rights.licence == ""
    assert "Do not use it commercially" in rights.lines()[2]
    assert rights.to_dict()["sources"][1]["licence"] == "CC BY-NC 4.0"


@pytest.mark.parametrize("licence", ["", "n/a", " unknown "])
def test_an_unstated_licence_is_refused(licence):
    with pytest.raises(ConfigError, match=r"ds1 states no licence.*--license"):
        find_rights("a.zarr", attributes(licence))


def test_a_given_licence_stands_for_an_unstated_one():
    assert find_rights("a.zarr", attributes(""), "cc by 4.0").licence == "CC-BY-4.0"


def test_the_licence_of_the_store_stands_for_an_unstated_one():
    assert find_rights("a.zarr", attributes("", licence="CC-BY-4.0")).licence == "CC-BY-4.0"


def test_a_given_licence_allows_no_more_than_a_source():
    with pytest.raises(ConfigError, match="allows more than"):
        find_rights("a.zarr", attributes("CC BY-NC 4.0"), "CC-BY-4.0")


def test_a_source_that_forbids_changed_copies_is_refused():
    with pytest.raises(SourceError, match="forbids sharing changed copies"):
        find_rights("a.zarr", attributes("CC BY-ND 4.0"))


def test_a_name_with_line_breaks_forges_no_line():
    [store, source] = Rights("CC0-1.0", (SourceRights("x\n## z", "CC0", ""),)).lines()
    assert (store, source) == ("licence: CC0-1.0", "x ## z: CC0")
