"""The page of `bids-dl label` in a browser, as an expert uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotate.page.browser import open_page

READY = '.class[aria-disabled="false"]'  # the signals of the question are on the screen
SAVED = "#answers .answer:not(.is-waiting)"
WAITING = "#answers .answer.is-waiting"


@contextmanager
def open_labelling(browser: Any, url: str, annotator: str, **options: Any) -> Iterator[Any]:
    """Open the page, say who reads, and wait for the first question.

    Parameters
    ----------
    browser
        From `open_browser`.
    url
        Address with an unused token.
    annotator
        Pseudonym of the expert.
    options
        Of `open_page`.
    """
    with open_page(browser, url, **options) as page:
        sign_in(page, annotator)
        yield page


def sign_in(page: Any, annotator: str) -> None:
    """Say who reads, and wait for the first question."""
    page.fill("#who-name", annotator)
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)


def asked(page: Any) -> str:
    """Return the item of the question."""
    return str(page.get_attribute("#question", "data-item"))


def answer(page: Any, key: str) -> str:
    """Answer the question by a key, wait for the next one, and return the item."""
    item = asked(page)
    page.keyboard.press(key)
    page.wait_for_selector(f'#question:not([data-item="{item}"])')
    page.wait_for_selector(READY)
    return item


def wait_until_saved(page: Any, n_answers: int) -> None:
    """Wait until the server has acknowledged all of the last ten answers."""
    page.wait_for_selector(f":nth-match({SAVED}, {n_answers})")
    page.wait_for_selector(WAITING, state="detached")


def read_log(labels: Path, annotator: str) -> list[dict[str, Any]]:
    """Return the lines of an expert in the log."""
    log = labels / "code" / "answers.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if line["annotator"] == annotator]


def wait_for_lines(page: Any, labels: Path, annotator: str, n_lines: int) -> list[dict[str, Any]]:
    """Wait until the log has some lines of an expert, and return all that it has."""
    for _ in range(200):
        lines = read_log(labels, annotator)
        if len(lines) >= n_lines:
            return lines
        page.wait_for_timeout(50)
    raise AssertionError(f"the log has {len(lines)} lines of {annotator}, expected {n_lines}")


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the traces, from and to shares of their width and height."""
    box = page.locator("#traces").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()
