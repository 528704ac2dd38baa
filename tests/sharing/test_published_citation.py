"""Citations of a published copy name its makers, its sources and its place."""

from __future__ import annotations

import pytest
import yaml
from store_attributes import SOURCE, attributes_of

from bids_dl.sharing.published_citation import build_bibtex, build_published_citation, cite_copy
from bids_dl.sharing.published_copy import PublishedCopy

COPY = PublishedCopy(
    "s3://b/eyes.zarr", doi="10.5281/zenodo.1", creators=("Ada",), date="2026-11-30"
)


def test_the_citation_file_has_the_doi_and_the_makers():
    content = yaml.safe_load(build_published_citation(attributes_of(SOURCE), COPY))
    assert content["authors"] == [{"name": "Ada"}]
    assert content["doi"] == "10.5281/zenodo.1"
    assert str(content["date-released"]) == "2026-11-30"
    assert content["references"][0]["authors"] == [{"name": "A. B."}]


def test_without_makers_the_citation_file_does_not_name_the_authors_of_the_sources():
    content = yaml.safe_load(build_published_citation(attributes_of(SOURCE), PublishedCopy("a")))
    assert content["authors"] == [{"name": "unknown"}]
    assert "doi" not in content


@pytest.mark.parametrize(
    ("copy", "place"),
    [
        (COPY, "https://doi.org/10.5281/zenodo.1"),
        (PublishedCopy("s3://b/eyes.zarr"), "s3://b/eyes.zarr"),
        (PublishedCopy("s3://b/eyes.zarr", "https://lab.org/eyes"), "https://lab.org/eyes"),
        (PublishedCopy("hf://datasets/a/b@v1/c"), "https://huggingface.co/datasets/a/b"),
    ],
)
def test_the_doi_is_the_place_else_the_page(copy, place):
    assert cite_copy(attributes_of(SOURCE), copy).endswith(f". {place}")
    assert f"  url = {{{place}}}," in build_bibtex(attributes_of(SOURCE), copy)


def test_a_relative_path_is_no_place_to_cite():
    attributes = attributes_of(SOURCE)
    assert "eyes.zarr" not in cite_copy(attributes, PublishedCopy("../eyes.zarr"))
    assert "url" not in build_bibtex(attributes, PublishedCopy("../eyes.zarr"))


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("100 % & more", r"100 \% \& more"),
        ("a_b {c \\d", r"a\_b \textbraceleft{}c \textbackslash{}d"),
        ("x~y^z\n#1 $", r"x\textasciitilde{}y\textasciicircum{}z \#1 \$"),
    ],
)
def test_characters_of_latex_are_escaped_and_braces_are_balanced(title, written):
    entry = build_bibtex(attributes_of(SOURCE, title=title), COPY)
    assert f"  title = {{{{{written}}}}}," in entry.splitlines()
    assert entry.count("{") == entry.count("}")
