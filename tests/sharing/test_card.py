"""The dataset card has the header of Hugging Face and all that authors ask to be stated."""

from __future__ import annotations

import json

import pytest
import yaml
from store_attributes import SHAPE, SOURCE, attributes_of

from bids_dl.sharing.card import build_card, build_documents
from bids_dl.store import open_store

AS_STATED = {
    "license": "other",
    "license_name": "as-stated-by-the-sources",
    "license_link": "LICENSE",
}


def header_of(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_card_of_a_real_store_has_the_header_that_hugging_face_reads(eyes_store):
    card = (eyes_store / "README.md").read_text()
    header = header_of(card)
    assert (header["license"], header["size_categories"]) == ("cc0-1.0", ["n<1K"])
    assert f"bids-dl:{open_store(str(eyes_store)).attributes['content']}" in card
    assert "10.18112/openneuro.ds004362.v1.0.0" in card


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC BY 4.0"], {"license": "cc-by-4.0"}),
        (["ODC-By"], {"license": "odc-by"}),
        (["CC0", "CC0"], {"license": "cc0-1.0"}),
        (["CC0", "CC BY 4.0"], AS_STATED),
        (["ask me"], AS_STATED),
        ([""], {"license": "unknown"}),
    ],
)
def test_the_card_names_the_licence_as_hugging_face_does(licences, expected):
    sources = []
    for number, licence in enumerate(licences):
        sources.append({**SOURCE, "licence": licence, "dataset": f"ds{number}"})
    header = header_of(build_card(attributes_of(*sources), SHAPE))
    named = {name: value for name, value in header.items() if name.startswith("license")}
    assert named == expected
    assert header["pretty_name"] == "A store: [1] & more"


@pytest.mark.parametrize(
    ("n_windows", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**9, "n>100M")]
)
def test_the_card_states_the_size_category(n_windows, category):
    header = header_of(build_card(attributes_of(SOURCE), (n_windows, 1, 1)))
    assert header["size_categories"] == [category]


def test_the_card_lists_queries_steps_sources_and_failures():
    request = {
        "events": {"labels": [{"label": "a", "query": {"any": ["A", "B"]}}]},
        "preprocess": {"name": "mine", "steps": [{"filter": {"low": 1, "high": None}}]},
    }
    failures = [{"recording": "ds1/x", "stage": "header", "reason": "too short"}]
    card = build_card(attributes_of(SOURCE, request=request, failures=failures), SHAPE)
    for line in (
        '| a | `{  "any": [   "A",   "B"  ] }` |',
        "| a | 1 |",
        "| train | 1 | 1 |",
        "## Preprocessing (recipe `mine`)",
        "1. filter: low 1",
        "### ds1: One",
        "- licence: CC BY 4.0",
        "- ds1/x: header: too short",
    ):
        assert line in card.splitlines()


def test_the_card_states_the_address_of_a_source_that_anybody_can_open():
    address = {"address": "openneuro:ds000001", "version": "1.0.0", "commit": "cab4"}
    card = build_card(attributes_of(SOURCE | address), SHAPE)
    assert "- address: openneuro:ds000001@1.0.0" in card.splitlines()
    assert "address" not in build_card(attributes_of(SOURCE), SHAPE)


def test_acknowledgements_and_licence_files_of_sources_are_in_the_documents():
    documents = build_documents(attributes_of(SOURCE), SHAPE, {}, {"ds1": "Text of the licence."})
    for text in ("A. B.", "Thank us.", "A book", "A board"):
        assert text in documents["README.md"].decode()
        assert text in documents["CITATION.cff"].decode()
    assert "A fund" in documents["README.md"].decode()
    assert "Text of the licence." in documents["LICENSE"].decode()


def test_the_creators_and_the_licence_of_a_store_stand_beside_its_sources():
    given = {"creators": ["Ada", "Zoë"], "licence": "CC-BY-NC-4.0", "description": "Two\nlines."}
    attributes = attributes_of(SOURCE, **given)
    documents = build_documents(attributes, SHAPE, {})
    card = documents["README.md"].decode()
    assert header_of(card)["license"] == "cc-by-nc-4.0"
    for text in ("Two\nlines.\n\n1 window ", "Store created by Ada, Zoë.", "- authors: A. B."):
        assert text in card
    assert "licensed under CC-BY-NC-4.0" in documents["LICENSE"].decode()
    assert "CC BY 4.0" in documents["LICENSE"].decode()
    croissant = json.loads(documents["croissant.json"])
    assert [person["name"] for person in croissant["creator"]] == ["Ada", "Zoë"]
    assert croissant["isBasedOn"][0]["creator"] == [{"@type": "sc:Person", "name": "A. B."}]
    assert croissant["license"].endswith("/by-nc/4.0/legalcode")


def test_the_card_says_which_hed_the_maker_of_the_store_added():
    attributes = attributes_of(SOURCE)
    assert "was added" not in build_card(attributes, SHAPE)
    sidecar = {"": {"code": {"HED": "Label/#"}}, "ds1": {"x": {"HED": {"1": "Red"}}}}
    attributes["request"]["events"]["hed_sidecar"] = sidecar
    card = build_card(attributes, SHAPE)
    assert "The HED of code in all sources was added by the maker of the store" in card
    assert "The HED of x in ds1 was added by the maker of the store" in card
