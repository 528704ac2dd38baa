"""The page of a store is well-formed, loads nothing, and describes the store to search engines."""

from __future__ import annotations

import json
import re

import pytest
from catalogued_stores import copy_store
from hostile_text import MARKS, STEERING
from html_page import Page, assert_described, assert_links_have_targets

import bids_dl
from bids_dl.cataloguing.entries import describe_entry
from bids_dl.cataloguing.store_page import render_store_page
from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.store import open_store

JSON_LD = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
ADDRESS = "hf://datasets/lab/eyes@v1/eyes.zarr"
SITE = CatalogueConfig("Stores", "https://lab.org/site/")


def render(store, address=ADDRESS, config=SITE) -> str:
    opened = open_store(str(store))
    return render_store_page(opened, describe_entry(opened, address), config).decode()


@pytest.fixture(scope="module")
def content(eyes_store) -> str:
    return render(eyes_store)


@pytest.fixture(scope="module")
def page(content) -> Page:
    return Page(content.encode())


def describe(content: str) -> dict:
    [text] = JSON_LD.findall(content)
    return json.loads(text)


def test_the_page_is_well_formed_and_described(page):
    assert page.problems == []
    assert_links_have_targets(page)
    assert_described(page)


def test_the_page_runs_no_script_and_loads_nothing(content, page):
    [policy] = [tag["content"] for _, tag in page.tags if "http-equiv" in tag]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    scripts = [tag for name, tag in page.tags if name == "script"]
    assert scripts == [{"type": "application/ld+json"}]
    assert page.values("src") == []
    assert not re.search(r"url\(|@import|javascript:", content)
    links = [link for link in page.values("href") if not link.startswith(("#", "https://doi.org"))]
    assert links == ["../index.html"]


def test_the_snippet_the_command_and_the_citations_have_the_true_address(page):
    assert f'StreamingDataset("{ADDRESS}", split="train"' in page.words
    assert f"bids-dl pull {ADDRESS} eyes.zarr" in page.words
    assert "url = {https://huggingface.co/datasets/lab/eyes}" in page.words
    assert "made from data of Gerwin Schalk" in page.words


def test_each_label_has_three_windows_and_a_head_of_each_band(page):
    pictures = [tag["aria-label"] for name, tag in page.tags if name == "svg" and "role" in tag]
    for label in ("eyes_open", "eyes_closed"):
        assert sum(text.startswith(f"Window of {label}, subject") for text in pictures) == 3
        assert sum(text.startswith(f"{label}, ") for text in pictures) == 5
    table = page.tables["Power by label in dB of 1 µV²/Hz, median over 24 channels"]
    assert [row[0] for row in table] == ["label", "eyes_open", "eyes_closed"]


def test_mlcroissant_validates_the_json_ld(content):
    croissant = pytest.importorskip("mlcroissant", reason="pip install mlcroissant")
    description = describe(content)
    dataset = croissant.Dataset(jsonld=description)
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert [issue for issue in issues.warnings if "datePublished" not in issue] == []
    assert description["url"].startswith("https://lab.org/site/pages/")
    urls = [file["contentUrl"] for file in description["distribution"] if "contentUrl" in file]
    assert urls == ["https://huggingface.co/datasets/lab/eyes/resolve/v1/eyes.zarr/signals/c/0/0/0"]


def test_a_store_beside_the_site_is_described_by_addresses_relative_to_the_page(eyes_store):
    content = render(eyes_store, "../my eyes.zarr", CatalogueConfig())
    [shard, _] = describe(content)["distribution"]
    assert shard["contentUrl"] == "../../my%20eyes.zarr/signals/c/0/0/0"
    assert "relative to the folder of this catalogue" in content
    assert "  url = " not in content


def test_hostile_text_has_no_effect(eyes_store, tmp_path):
    text = "".join(MARKS) + "</script><img src=x onerror=y>-->"
    root = json.loads((eyes_store / "zarr.json").read_text())["attributes"]
    source = root["sources"][0] | dict.fromkeys(("title", "dataset", "licence"), text)
    source |= {key: [text] for key in ("authors", "references")}
    changes = {"title": text, "description": text, "creators": [text], "sources": [source]}
    store = copy_store(eyes_store, tmp_path / "a.zarr", **changes)
    content = render(store, config=CatalogueConfig(text))
    assert not STEERING.search(content)
    page = Page(content.encode())
    assert page.problems == []
    assert not {"img"} & {name for name, _ in page.tags}
    assert sum(name == "script" for name, _ in page.tags) == 1
    assert "</script><img src=x onerror=y>-->" in describe(content)["name"]
    bids_dl.catalogue(store, output=tmp_path / "site", site_title=text)
    index = (tmp_path / "site/index.html").read_bytes()
    assert not STEERING.search(index.decode())
    page = Page(index)
    assert page.problems == []
    assert sum(name == "script" for name, _ in page.tags) == 2
    assert not {"img"} & {name for name, _ in page.tags}
