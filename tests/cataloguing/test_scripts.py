"""JSON in a page cannot close its element, and is read back equal."""

from __future__ import annotations

import json

from hostile_text import STEERING, TEXTS
from html_page import Page
from hypothesis import given

from bids_dl.cataloguing.scripts import embed_json


@given(TEXTS)
def test_hostile_text_stays_within_its_script_element(text):
    content = {text: [text, "</script>", "<!--", "]]>"]}
    embedded = embed_json(content)
    assert not {"<", ">", "&"} & set(embedded)
    assert not STEERING.search(embedded)
    assert json.loads(embedded) == content
    page = Page(f"<script>{embedded}</script><p>end</p>".encode())
    assert [tag for tag, _ in page.tags] == ["script", "p"]
