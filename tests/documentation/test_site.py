"""The site builds without a warning, leads nowhere wrong, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from html_page import LOADING_TAGS, Page
from markdown_pages import ROOT

LOADED = {"src", "srcset", "data", "poster"}
STYLE_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a copy of the sources without running the galleries or any network."""
    if not os.environ.get("CI"):  # where a missing package is a fault
        pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    sources = copy_sources(folder / "sources")
    unreachable = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    result = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q"),
            *("-D", "plot_gallery=0", str(sources / "docs"), str(folder / "html")),
        ],
        env={**os.environ, **unreachable},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return folder / "html"


def copy_sources(target: Path) -> Path:
    """Copy what the site is built from, as Git tracks or would track it, and link the package."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "docs", "examples", "README.md", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


def html_pages(site: Path) -> Iterator[tuple[Path, Page]]:
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            yield path, Page(path.read_bytes())


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


@pytest.mark.slow
def test_every_internal_link_of_the_site_leads_to_a_file_and_an_anchor(site):
    ids = {path: set(page.values("id")) for path, page in html_pages(site)}
    wrong = []
    for path, page in html_pages(site):
        for address in [*page.values("href"), *page.values("src")]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            known = ids.get(target, {unquote(parts.fragment)})
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in known):
                wrong.append((path.name, address))
    assert len(ids) > 100
    assert wrong == []


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site):
    foreign = []
    for path, page in html_pages(site):
        for tag, attributes in page.tags:
            loads = LOADED | ({"href"} if tag in LOADING_TAGS else set())
            for name in loads & set(attributes):
                if is_elsewhere(attributes[name] or "") and attributes.get("rel") != "canonical":
                    foreign.append((path.name, tag, attributes[name]))
    for path in site.rglob("*.css"):
        for address in STYLE_URL.findall(path.read_text(encoding="utf-8", errors="replace")):
            if is_elsewhere(address):
                foreign.append((path.name, "css", address))
    assert foreign == []


@pytest.mark.slow
def test_the_search_index_has_the_words_of_the_pages(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "reference/generated/commands/convert" in index
    assert "autoreject" in index


@pytest.mark.slow
def test_notebooks_begin_with_the_cell_that_installs(site):
    notebooks = sorted(site.glob("_downloads/*/plot_*.ipynb"))
    scripts = [*(ROOT / "examples").glob("tutorials/plot_*.py")]
    scripts += (ROOT / "examples").glob("decisions/plot_*.py")
    assert {path.stem for path in notebooks} == {path.stem for path in scripts}
    for notebook in notebooks:
        assert r"%pip install -q bids_dl" in notebook.read_text(encoding="utf-8")
