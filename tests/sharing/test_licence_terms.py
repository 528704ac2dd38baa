"""Licences are read by their conditions, and a store's licence keeps those of its sources."""

from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError
from bids_dl.sharing.licence_terms import check_store_licence, name_licence, read_terms


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cc-0", "CC0-1.0"),
        ("Creative Commons Zero v1.0 Universal", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Open Data Commons Public Domain Dedication and License (PDDL)", "PDDL-1.0"),
        ("ODC Attribution License v1.0", "ODC-By-1.0"),
        ("ODC Open Database License (ODbL) v1.0", "ODbL-1.0"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("Creative Commons Attribution (CC BY 4.0)", "CC-BY-4.0"),
        ("CC BY-SA-NC 4.0", "CC-BY-NC-SA-4.0"),
        ("Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"),
        ("https://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
    ],
)
def test_a_licence_is_named_by_spdx_however_it_is_written(text, name):
    assert name_licence(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("ask me", "CC", "CC BY 4.1", "CC BY-NC 4.1", "CC BY, CC0", "CC BY 3.0 or CC BY 4.0"),
        *("CC BY 4.0, for research only", "CC BY 4.0; no commercial use", "non-commercial"),
    ],
)
def test_a_licence_with_a_part_that_is_not_understood_has_no_terms(text):
    assert read_terms(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", r"--license 'foo': unknown licence; use one of CC-BY-4\.0"),
        ("public domain", "unknown licence"),
        ("CC BY-NC", r"its version is not stated; use CC-BY-NC-4\.0"),
    ],
)
def test_an_unknown_licence_is_refused_with_those_that_are_known(text, message):
    with pytest.raises(ConfigError, match=message):
        name_licence(text)


@pytest.mark.parametrize(
    ("licence", "source"),
    [
        *(("CC0-1.0", "CC BY 4.0"), ("PDDL-1.0", "ODC-By"), ("CC0-1.0", "CC BY")),
        *(("CC-BY-4.0", "CC BY-NC 4.0"), ("CC-BY-SA-4.0", "CC BY-NC 4.0")),
        *(("CC-BY-4.0", "CC BY-SA 4.0"), ("CC-BY-NC-SA-4.0", "CC BY-SA 4.0")),
        *(("CC-BY-SA-3.0", "CC BY-SA 4.0"), ("CC-BY-SA-4.0", "ODbL"), ("MIT", "CC BY-NC 4.0")),
    ],
)
def test_a_licence_that_allows_more_than_a_source_is_refused_with_both(licence, source):
    with pytest.raises(ConfigError, match=f"--license {licence}: allows more than '{source}'"):
        check_store_licence(licence, {"ds0": "CC0", "ds1": source})


@pytest.mark.parametrize(
    ("licence", "source"),
    [
        *(("CC0-1.0", "CC0"), ("CC0-1.0", "PD"), ("CC-BY-4.0", "CC0"), ("CC-BY-ND-4.0", "PDDL")),
        *(("CC-BY-NC-4.0", "CC BY 3.0"), ("CC-BY-SA-4.0", "CC BY-SA 3.0"), ("ODbL-1.0", "ODbL")),
    ],
)
def test_a_licence_that_is_as_strict_as_its_sources_is_accepted(licence, source):
    assert check_store_licence(licence, {"ds1": source}) == []


def test_a_source_whose_licence_is_not_understood_refuses_any_other():
    with pytest.raises(ConfigError, match=r"cannot be compared with 'ask me', the licence of ds1"):
        check_store_licence("CC-BY-NC-SA-4.0", {"ds1": "ask me"})


def test_sources_without_a_licence_are_returned():
    assert check_store_licence("CC-BY-4.0", {"a": "", "b": "n/a", "c": "CC0"}) == ["a", "b"]
