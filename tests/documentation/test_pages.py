"""The pages of the documentation lead to one another, and their code is run or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_pages import BUILT, DOCS, ROOT, anchors, blocks, links, pages, toctree_entries

RUN_BY = {
    "active-learning.md": "end_to_end/test_active_learning_guide.py",
    "cli.md": "cli/test_manual.py",
    "explaining.md": "end_to_end/test_explaining_guide.py",
    "finding.md": "end_to_end/test_finding_guide.py",
    "how-to/keep-a-gpu-busy.md": "documentation/test_gpu_page.py",
    "models.md": "end_to_end/test_models_guide.py",
    "plugins.md": "documentation/test_plugins_page.py",
    "recipes.md": "preprocess/test_recipes.py",
    "selecting-with-hed.md": "end_to_end/test_selecting_guide.py",
    "sharing.md": "end_to_end/test_sharing_guide.py",
    "sources.md": "end_to_end/test_sources_guide.py",
    "start/install.md": "documentation/test_start.py",
    "start/first-store.md": "documentation/test_start.py",
    "start/first-stream.md": "documentation/test_start.py",
    "store-format.md": "end_to_end/test_store_specification.py",
    "streaming.md": "end_to_end/test_streaming_guide.py",
    "training.md": "end_to_end/test_training_guide.py",
    "transforms.md": "transforms/test_manual.py",
    "without-hed.md": "end_to_end/test_without_hed_guide.py",
}
"""Test that runs the blocks of a page."""

PAGES = [page.relative_to(DOCS).as_posix() for page in pages()]
EXECUTABLE = {"python", "bash", "sh", "powershell", "console"}


def is_built(path: Path) -> bool:
    return any(path.is_relative_to(DOCS / folder) for folder in BUILT)


def test_every_page_is_in_one_table_of_contents():
    entries = [entry for name in PAGES for entry in toctree_entries(DOCS / name)]
    listed = [entry for entry in entries if not is_built(entry)]
    assert sorted(listed) == sorted(set(listed))
    written = {(DOCS / name).with_suffix("") for name in PAGES} - {DOCS / "index"}
    assert set(listed) == written
    galleries = {entry.relative_to(DOCS).as_posix() for entry in entries if is_built(entry)}
    assert {"tutorials/index", "decisions/index"} <= galleries


@pytest.mark.parametrize("name", [*PAGES, "../README.md"])
def test_every_relative_link_leads_to_a_file_and_an_anchor_that_exist(name):
    page = (DOCS / name).resolve()
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if is_built(path):  # tests of the generated pages look for these
            continue
        assert path.exists(), link
        assert path.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(path), link


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_code_is_run_by_a_test_or_says_why_not(name):
    found = [block for block in blocks(DOCS / name) if block.language in EXECUTABLE]
    not_run = [block for block in found if block.reason is None]
    if not_run:
        assert name in RUN_BY, not_run[0].text
        test = (ROOT / "tests" / RUN_BY[name]).read_text(encoding="utf-8")
        assert name.rpartition("/")[2] in test


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir()}
    assert {name: size for name, size in sizes.items() if size > 300_000} == {}


def test_anchors_are_those_of_a_repository_browser(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Report: `report`\n\n## Steps\n```\n# no heading\n```\n## Steps\n")
    assert anchors(page) == {"report-report", "steps", "steps-1"}
    assert re.fullmatch(r"[\w-]+", "report-report")
