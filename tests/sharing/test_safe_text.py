"""Text of datasets has no effect in the documents of a store."""

from __future__ import annotations

import doctest
import html
import re

import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bids_dl.sharing import safe_text
from bids_dl.sharing.safe_text import clean_texts, code_span, escape_markdown, to_yaml

MARKUP = st.lists(
    st.sampled_from(
        [
            *(
                "<script>",
                "</b>",
                "<!--",
                "&lt;",
                "&amp;",
                "&",
                "[x](http://y)",
                "![x](y)",
                "*",
                "_",
            ),
            *(
                "**b**",
                "`",
                "``",
                "# ",
                "- ",
                "1. ",
                "> ",
                "| ",
                "---",
                "~~",
                "$x$",
                "\\",
                "\n",
                "\n\n",
            ),
            *(
                "a",
                "eyes_open",
                " ",
                "    ",
                "<http://z>",
                "[^1]",
                "=",
                "+ ",
                "ü",
                "\x1b[31m",
                "\u202e",
            ),
        ]
    ),
    max_size=12,
).map("".join)
VIEWER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(safe_text).failed == 0


def plain(rendered: str) -> str:
    """Return the text of a page without tags, with entities as characters."""
    return html.unescape(re.sub("<[^>]*>", "", rendered)).strip()


@given(MARKUP)
def test_a_viewer_of_markdown_shows_the_text_itself(text):
    text = clean_texts(text)
    rendered = VIEWER.render(escape_markdown(text))
    assert set(re.findall("<[^>]*>", rendered)) <= {"<p>", "</p>"}
    assert plain(rendered) == " ".join(text.split())


@given(MARKUP)
def test_a_cell_of_a_table_stays_a_cell(text):
    text = clean_texts(text)
    table = f"| label | query |\n| --- | --- |\n| {escape_markdown(text)} | {code_span(text)} |\n"
    rendered = VIEWER.render(table)
    tags = {*("table", "thead", "tbody", "tr", "th", "td", "code")}
    assert {tag.strip("</>") for tag in re.findall("<[^>]*>", rendered)} <= tags
    assert rendered.count("<td>") == 2


@given(MARKUP)
def test_yaml_has_no_tag_and_is_read_as_it_was(text):
    text = clean_texts(text)
    document = to_yaml({"title": text, "authors": [{"name": text}]})
    assert not re.search("<[A-Za-z/!?]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", document)
    assert yaml.safe_load(document) == {"title": text, "authors": [{"name": text}]}


@given(st.text())
def test_any_text_is_read_from_yaml_as_it_was(text):
    text = clean_texts(text)
    assert yaml.safe_load(to_yaml({"title": text})) == {"title": text}
