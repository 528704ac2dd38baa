"""The storage of the browser when it is full, blocked, or has text of other programs."""

from __future__ import annotations

import pytest
from annotate.page.browser import open_page
from annotate.page.labelling_page import READY, answer, open_labelling, sign_in, wait_for_lines
from labelling_server import make_pool, served_page, write_classes_file

FILL = """() => {
  for (let size = 1_000_000; size >= 1; size = Math.floor(size / 2)) {
    for (let number = 0; number < 10; number += 1) {
      try { localStorage.setItem(`other ${size} ${number}`, "x".repeat(size)); } catch { break; }
    }
  }
}"""
BLOCK = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
}
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return make_pool(tmp_path_factory.mktemp("pool"))[1]


@pytest.fixture
def served(pool, tmp_path):
    classes = write_classes_file(tmp_path / "classes.yaml")
    with served_page(pool, tmp_path / "labels", classes=classes) as page:
        yield page


@pytest.mark.slow
def test_a_full_storage_loses_no_answer(served, browser):
    with open_labelling(browser, served.urls[-1], "reader") as page:
        page.evaluate(FILL)
        items = [answer(page, key) for key in ("1", "2", "0")]
        page.keyboard.press("n")  # a setting that is not kept either
        lines = wait_for_lines(page, served.folder, "reader", 3)
    assert [line["item"] for line in lines] == items


@pytest.mark.slow
def test_a_full_storage_is_told_while_answers_wait(served, browser):
    context = browser.new_context()  # whose console has the refused requests
    page = context.new_page()
    page.goto(served.urls[-1])
    sign_in(page, "reader")
    page.evaluate(FILL)
    page.route("**/api/answers", lambda route: route.fulfill(status=503, body="{}"))
    page.keyboard.press("1")
    page.wait_for_selector("#waiting:has-text('leave this page open')")
    page.unroute("**/api/answers")
    assert len(wait_for_lines(page, served.folder, "reader", 1)) == 1
    context.close()


@pytest.mark.slow
def test_a_browser_without_storage_labels(served, browser):
    with open_page(browser, "about:blank") as page:
        page.add_init_script(BLOCK)
        page.goto(served.urls[-1])
        sign_in(page, "reader")
        item = answer(page, "1")
        assert wait_for_lines(page, served.folder, "reader", 1)[0]["item"] == item


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{", "null", "[]", '{"id": "x", "kind": "answer", "answer": {}}'])
def test_text_of_another_program_does_not_stop_the_page(served, browser, text):
    with open_labelling(browser, served.urls[-1], "reader") as page:
        folder = page.evaluate("fetch('/api/session').then((r) => r.json()).then((s) => s.folder)")
        page.evaluate(
            """([key, text]) => {
              localStorage.setItem(key, text);
              localStorage.setItem("bids-dl settings", '{"kinds": null, "pixelsPerMm": "x"}');
            }""",
            [f"bids-dl unsent {folder} reader x", text],
        )
        page.reload()
        page.wait_for_selector(READY)
        item = answer(page, "1")
        assert wait_for_lines(page, served.folder, "reader", 1)[0]["item"] == item
