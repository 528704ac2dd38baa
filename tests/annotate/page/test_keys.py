"""Names of keys on keyboards of several languages."""

from __future__ import annotations

import pytest
from annotate.page.browser import open_page, serve_page

NAME = "async (event) => (await import('/static/keys.js')).nameKey(event)"
PAGE = b'<!doctype html><link rel="icon" href="/static/icon.svg">'
KEYS = [
    ("English 1", "1", "Digit1", False, "1"),
    ("English -", "-", "Minus", False, "-"),
    ("English +", "+", "Equal", True, "+"),
    ("French 1", "&", "Digit1", False, "1"),
    ("French 6", "-", "Digit6", False, "6"),
    ("French Shift 6", "6", "Digit6", True, "6"),
    ("Czech 1", "+", "Digit1", False, "1"),
    ("Swiss Shift 1", "+", "Digit1", True, "+"),
    ("Arabic 1", "\u0661", "Digit1", False, "1"),
    ("Russian S", "\u044b", "KeyS", False, "s"),
    ("French M", "m", "Semicolon", False, "m"),
    ("number pad", "1", "Numpad1", False, "1"),
    ("input method", "Process", "Digit1", False, "Process"),
    ("Shift arrow", "ArrowUp", "ArrowUp", True, "Shift+ArrowUp"),
]


@pytest.mark.slow
def test_digits_and_letters_are_found_on_keyboards_of_other_languages(browser):
    with serve_page({"/": PAGE}) as server, open_page(browser, server.url) as page:
        for title, key, code, has_shift, name in KEYS:
            event = {"key": key, "code": code, "shiftKey": has_shift}
            assert page.evaluate(NAME, event) == name, title
