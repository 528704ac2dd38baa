"""Citations are valid Citation File Format 1.2.0 and name the sources and the content."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from store_attributes import SOURCE, attributes_of

from bids_dl.sharing.citation import build_citation, find_doi
from bids_dl.sharing.citation import cite as cite_line
from bids_dl.store import open_store


def text_schema(**rules) -> dict:
    return {"type": "string", "minLength": 1, **rules}


def object_schema(required: tuple[str, ...], **fields: dict) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": fields,
    }


def list_schema(item: dict) -> dict:
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": item}


PEOPLE = list_schema(object_schema(("name",), name=text_schema()))
SPDX = text_schema(
    pattern=r"^(CC0-1\.0|PDDL-1\.0|ODC-By-1\.0|CC-BY(-NC)?(-ND|-SA)?-(1\.0|2\.0|2\.5|3\.0|4\.0))$"
)
DOI = text_schema(pattern=r"^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-\.\(\)\[\]\\]+$")
IDENTIFIER = object_schema(
    ("type", "value"), type={"const": "other"}, value=text_schema(), description=text_schema()
)
REFERENCE = object_schema(
    ("authors", "title", "type"),
    type={"const": "data"},
    title=text_schema(),
    authors=PEOPLE,
    doi=DOI,
    license=SPDX,
    notes=text_schema(),
)
CFF_SCHEMA = object_schema(
    ("authors", "cff-version", "message", "title"),
    **{"cff-version": {"const": "1.2.0"}},
    type={"const": "dataset"},
    message=text_schema(),
    title=text_schema(),
    abstract=text_schema(),
    authors=PEOPLE,
    identifiers=list_schema(IDENTIFIER),
    license=SPDX,
    references=list_schema(REFERENCE),
)
"""Rules of Citation File Format 1.2.0 for the fields that a store uses.

Its own validator cannot be installed beside moto.
"""


def cite(*sources: dict) -> dict:
    return yaml.safe_load(build_citation(attributes_of(*sources)))


def test_the_citation_of_a_real_store_is_valid_and_names_source_and_content(eyes_store):
    content = yaml.safe_load((eyes_store / "CITATION.cff").read_text())
    identifier = open_store(str(eyes_store)).attributes["content"]
    assert content["cff-version"] == "1.2.0"
    assert content["identifiers"][0]["value"] == f"bids-dl:{identifier}"
    assert content["references"][0]["doi"] == "10.18112/openneuro.ds004362.v1.0.0"
    assert content["license"] == "CC0-1.0"
    jsonschema.validate(content, CFF_SCHEMA)


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("doi:10.18112/x.v1", "10.18112/x.v1"),
        ("https://doi.org/10.1/y", ""),
        ("https://doi.org/10.1000/y", "10.1000/y"),
        ("soon", ""),
        ("", ""),
    ],
)
def test_a_doi_is_found_in_a_text(text, doi):
    assert find_doi(text) == doi


def test_a_source_without_authors_doi_or_title_has_a_valid_citation():
    empty = {"authors": [], "references": [], "ethics": []}
    empty |= dict.fromkeys(("title", "how_to_acknowledge", "licence"), "")
    content = cite({**SOURCE, **empty})
    assert content["authors"] == [{"name": "unknown"}]
    reference = {"type": "data", "title": "ds1", "authors": [{"name": "unknown"}]}
    assert content["references"] == [reference]
    jsonschema.validate(content, CFF_SCHEMA)


@pytest.mark.parametrize(
    "changes",
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
    ids=["repeated author", "special characters", "several lines"],
)
def test_the_citation_of_unusual_sources_is_valid(changes):
    content = cite({**SOURCE, **changes}, {**SOURCE, "dataset": "ds2"})
    jsonschema.validate(content, CFF_SCHEMA)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"authors": []},
        {"license": "CC-BY-4.1"},
        {"type": "data"},
        {"cff-version": "1.1"},
        {"paper": "x"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_schema_of_these_tests_refuses_wrong_citations(changes):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**cite(SOURCE), **changes}, CFF_SCHEMA)


def test_acknowledgements_of_the_source_are_in_the_notes():
    [reference] = cite(SOURCE)["references"]
    assert reference["notes"] == (
        "How to acknowledge: Thank us.\nReferences: A book\nEthics: A board"
    )


def test_the_creators_of_a_store_are_its_authors_and_the_sources_are_references():
    given = {"creators": ["Ada", "Zoë"], "licence": "CC-BY-NC-4.0", "description": "Two\nlines."}
    attributes = attributes_of(SOURCE, **given)
    content = yaml.safe_load(build_citation(attributes))
    jsonschema.validate(content, CFF_SCHEMA)
    assert content["authors"] == [{"name": "Ada"}, {"name": "Zoë"}]
    assert content["references"][0]["authors"] == [{"name": "A. B."}]
    assert (content["abstract"], content["license"]) == ("Two\nlines.", "CC-BY-NC-4.0")
    assert cite_line(attributes).startswith("Ada, Zoë: A store: [1] & more. bids-dl:")
    assert cite_line(attributes).endswith(", made from data of A. B.")
