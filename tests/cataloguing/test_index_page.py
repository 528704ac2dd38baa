"""The first page of a catalogue in a browser: from a file, with and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotate.page.browser import open_browser, open_page
from catalogued_stores import copy_store
from html_page import Page, assert_described, assert_links_have_targets

import bids_dl

LONG = "A title with" + "averylongwordthatdoesnotfit" * 4


@pytest.fixture(scope="module")
def index(eyes_store, tmp_path_factory) -> Path:
    """First page of a catalogue of three stores, and of one that cannot be read."""
    folder = tmp_path_factory.mktemp("catalogue")
    copy_store(eyes_store, folder / "stores/a.zarr", title="Élan of sleep", sfreq=100.0)
    copy_store(eyes_store, folder / "stores/b.zarr", title=LONG, creators=["Ada"])
    copy_store(eyes_store, folder / "stores/c.zarr", title="Plain")
    (folder / "stores/d.zarr").mkdir()
    bids_dl.catalogue(folder / "stores", output=folder / "site")
    return folder / "site/index.html"


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


def test_the_page_is_well_formed_and_loads_nothing(index):
    page = Page(index.read_bytes())
    assert page.problems == []
    assert_links_have_targets(page)
    assert_described(page)
    assert page.values("src") == []
    [policy] = [tag["content"] for _, tag in page.tags if "http-equiv" in tag]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    links = [link for link in page.values("href") if not link.startswith("https://doi.org/10.")]
    assert all((index.parent / link).exists() for link in links)


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_stores_are_readable_without_scripts(index, browser, width, scheme):
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with open_page(browser, index.as_uri(), java_script_enabled=False, **options) as page:
        assert page.locator(".card:visible").count() == 3
        assert page.locator("#filters:visible").count() == 0
        assert page.get_by_text("Not read, or in part: 1 store").is_visible()


@pytest.mark.parametrize("name", ["index", "store"])
def test_nothing_is_wider_than_a_phone(index, browser, name):
    file = index if name == "index" else next((index.parent / "pages").iterdir())
    with open_page(browser, file.as_uri(), viewport={"width": 375, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 375


def shown(page) -> list[str]:
    return [text.split()[0] for text in page.locator(".card:visible h2").all_inner_texts()]


def test_search_and_facets_hide_cards_and_are_in_the_address(index, browser):
    with open_page(browser, index.as_uri()) as page:
        assert shown(page) == ["A", "Plain", "Élan"]
        page.fill("input[name=search]", "ELAN gerwin")
        assert shown(page) == ["Élan"]
        assert page.inner_text("#found") == "1 of 3 stores"
        page.fill("input[name=search]", "")
        page.select_option("select[name=rate]", "128 Hz")
        assert shown(page) == ["A", "Plain"]
        address = page.url
        page.click("#clear")
        assert shown(page) == ["A", "Plain", "Élan"]
    with open_page(browser, address) as page:
        assert shown(page) == ["A", "Plain"]
