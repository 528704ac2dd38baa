"""Licences are named, checked and summarized."""

from __future__ import annotations

import pytest
from store_attributes import SOURCE

from bids_dl.errors import SourceError
from bids_dl.sharing.licence import (
    build_licence_document,
    check_licences,
    legal_text_url,
    spdx_name,
)


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("CC0", "CC0-1.0"),
        ("CC-0", "CC0-1.0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0"),
        ("PDDL", "PDDL-1.0"),
        ("https://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("CC BY", ""),
        ("CC BY 4.1", ""),
        ("ask me", ""),
        ("", ""),
    ],
)
def test_licences_are_named_by_spdx(licence, name):
    assert spdx_name(licence) == name


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY-ND 4.0",
        "CC BY-NC-ND",
        "https://creativecommons.org/licenses/by-nd/4.0/",
        "Attribution-NoDerivatives",
    ],
)
def test_a_licence_that_forbids_changes_is_refused(licence):
    with pytest.raises(SourceError, match="forbids sharing changed copies"):
        check_licences({"ds1": licence})


def test_a_share_alike_licence_beside_another_one_is_refused():
    check_licences({"ds1": "CC BY-SA 4.0", "ds2": "CC0", "ds3": "Public Domain", "ds4": ""})
    with pytest.raises(SourceError, match=r"exclude each other .*ds1 CC BY-SA 4\.0, ds2 CC BY"):
        check_licences({"ds1": "CC BY-SA 4.0", "ds2": "CC BY 4.0"})


@pytest.mark.parametrize(
    ("licence", "obligations"),
    [
        ("CC0", "No rights are reserved; please cite the authors all the same."),
        ("CC BY 4.0", "Credit the authors, name this licence, and state what was changed."),
        (
            "CC BY-NC-SA 4.0",
            "state what was changed. Do not use it commercially. "
            "Share what you make from it under this licence only.",
        ),
    ],
)
def test_the_licence_document_summarizes_the_obligations(licence, obligations):
    assert obligations in build_licence_document([{**SOURCE, "licence": licence}], {})


def test_the_licence_document_has_the_legal_text_or_its_address():
    document = build_licence_document([SOURCE], {"ds1": "Text of the licence."})
    assert "Licence file of ds1:\n\nText of the licence." in document
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in document


@pytest.mark.parametrize(
    ("name", "url"),
    [("CC-BY-NC-SA-4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode"), ("", "")],
)
def test_the_legal_text_of_a_licence_has_an_address(name, url):
    assert legal_text_url(name) == url
