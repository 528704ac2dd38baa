"""The card of a published copy has its address, its makers and the obligations of its sources."""

from __future__ import annotations

import json
import shlex

import pytest
import yaml
from hostile_text import MARKS, STEERING, TAG
from store_attributes import SHAPE, SOURCE, attributes_of

from bids_dl.sharing.card import build_published_card
from bids_dl.sharing.published_copy import PublishedCopy

ADDRESS = "hf://datasets/lab/eyes@v1/eyes.zarr"
COPY = PublishedCopy(
    ADDRESS,
    "https://huggingface.co/datasets/lab/eyes",
    doi="doi:10.5281/zenodo.1",
    creators=("Ada",),
    licence="CC-BY-4.0",
)


def header_of(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_card_says_how_to_open_cite_and_copy_this_copy():
    card = build_published_card(attributes_of(SOURCE), SHAPE, COPY)
    for text in (
        f'StreamingDataset("{ADDRESS}", split="train"',
        f"bids-dl pull {ADDRESS} eyes.zarr\nbids-dl verify eyes.zarr",
        "<https://doi.org/10.5281/zenodo.1>",
        "Store created by Ada.",
        "author = {{Ada}}",
        "Ada: A store: \\[1\\] & more. bids-dl:0000000000000000, made from data of A. B..",
        "- source ds1: CC BY 4.0. Credit the authors",
        "- licence: CC BY 4.0",
    ):
        assert text in card
    assert "PATH OR URL" not in card


def test_the_header_turns_the_viewer_off():
    header = header_of(build_published_card(attributes_of(SOURCE), SHAPE, COPY))
    assert header["viewer"] is False
    assert header["license"] == "cc-by-4.0"


def test_a_licence_of_its_own_is_linked_in_the_folder_of_the_store():
    attributes = attributes_of({**SOURCE, "licence": "ask me"})
    header = header_of(build_published_card(attributes, SHAPE, PublishedCopy(ADDRESS)))
    resolved = "https://huggingface.co/datasets/lab/eyes/resolve/v1/eyes.zarr"
    assert header["license_link"] == f"{resolved}/LICENSE"


def test_without_creators_the_authors_of_the_sources_are_not_its_authors():
    card = build_published_card(attributes_of(SOURCE), SHAPE, PublishedCopy(ADDRESS))
    assert "Store created by" not in card
    assert "author = " not in card
    assert "made from data of A. B." in card


@pytest.mark.parametrize("mark", MARKS)
def test_hostile_text_has_no_effect(mark):
    attributes = attributes_of({**SOURCE, "title": mark, "authors": [mark]}, title=mark)
    copy = PublishedCopy(f"s3://bucket/{mark}.zarr", creators=(mark,))
    card = build_published_card(attributes, SHAPE, copy)
    assert not STEERING.search(card)
    outside = "".join(card.split("```")[::2])  # in a code block, a tag is text
    assert not TAG.search(outside.replace(mark, "") if "`" in outside else outside)


def test_quotes_in_an_address_stay_within_their_string():
    address = 's3://b/a"b c.zarr'
    card = build_published_card(attributes_of(SOURCE), SHAPE, PublishedCopy(address))
    assert f"StreamingDataset({json.dumps(address)}, " in card
    assert f"bids-dl pull {shlex.quote(address)} " in card
