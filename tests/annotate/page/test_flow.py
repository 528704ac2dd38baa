"""The page of the expert: keys, answers, undo, marks, and what it does when the server is gone."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotate.page.browser import PAGE, open_page
from annotate.page.labelling_page import (
    READY,
    answer,
    asked,
    drag,
    open_labelling,
    read_log,
    sign_in,
    wait_for_lines,
    wait_until_saved,
)
from labelling_server import ServedPage, label_process, make_pool, served_page, write_classes_file

pytestmark = pytest.mark.slow

VIEWPORT = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pool and a file of classes."""
    folder = tmp_path_factory.mktemp("flow")
    make_pool(folder)
    write_classes_file(folder / "classes.yaml")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[ServedPage]:
    """A server for all tests; each has an expert of its own."""
    classes = folder / "classes.yaml"
    with served_page(folder / "pool.zarr", folder / "labels", classes=classes) as served:
        yield served


@pytest.fixture
def expert(request: pytest.FixtureRequest) -> str:
    """A pseudonym that no other test has."""
    return re.sub(r"[^a-z0-9_]", "-", request.node.name)[:64]


@pytest.fixture
def page(browser: Any, served: ServedPage, expert: str) -> Iterator[Any]:
    """The page with a question. Any error of the console fails the test."""
    with open_labelling(browser, served.urls[-1], expert, viewport=VIEWPORT) as page:
        yield page


@pytest.fixture
def faulty_page(browser: Any, served: ServedPage, expert: str) -> Iterator[Any]:
    """The page of a test that makes requests fail, which the console shows as errors."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.goto(served.urls[-1])
    sign_in(page, expert)
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    context.close()


def refuse(route: Any, status: int, reason: str) -> None:
    route.fulfill(status=status, json={"error": reason})


def test_one_key_answers_and_shows_the_next_question(page, served, expert):
    items = [answer(page, "1"), answer(page, "0"), answer(page, " ")]
    wait_until_saved(page, 3)
    lines = read_log(served.folder, expert)
    assert [line["label"] for line in lines] == ["spike", "background", "unsure"]
    assert [line["item"] for line in lines] == items
    assert {line["display"]["sensitivity"] for line in lines} == {7}
    assert all(line["ms"] >= 0 for line in lines)


def test_a_held_key_answers_one_question(page, served, expert):
    page.keyboard.down("0")
    for _ in range(5):
        page.keyboard.down("0")  # as a keyboard repeats
    page.keyboard.up("0")
    page.wait_for_selector(READY)
    answer(page, "1")
    wait_until_saved(page, 2)
    assert [line["label"] for line in read_log(served.folder, expert)] == ["background", "spike"]


def test_a_key_without_a_class_answers_nothing(page, served, expert):
    item = asked(page)
    for key in ("7", "Control+1", "q"):
        page.keyboard.press(key)
    assert asked(page) == item
    assert read_log(served.folder, expert) == []


def test_keys_typed_into_a_dialog_answer_nothing(page, served, expert):
    item = asked(page)
    page.keyboard.press(",")
    page.fill("#seconds", "")
    page.locator("#seconds").press_sequentially("20")
    page.keyboard.press("Escape")
    assert asked(page) == item
    assert read_log(served.folder, expert) == []
    page.wait_for_selector("#duration >> text=20 s", state="attached")


def test_backspace_undoes_and_asks_again(page, served, expert):
    item = answer(page, "1")
    page.keyboard.press("Backspace")
    page.wait_for_selector(f'#question[data-item="{item}"]')
    page.wait_for_selector(READY)
    answer(page, "2")
    lines = wait_for_lines(page, served.folder, expert, 3)
    assert [line["kind"] for line in lines] == ["answer", "undo", "answer"]
    assert lines[1]["of"] == lines[0]["id"]
    assert (lines[2]["item"], lines[2]["label"]) == (item, "wave")


def test_an_earlier_answer_is_shown_again_and_changed(page, served, expert):
    items = [answer(page, "1"), answer(page, "0")]
    question = asked(page)
    page.locator(".answer").nth(1).click()
    assert "You answered: spike" in page.inner_text("#question-text")
    page.keyboard.press("2")
    lines = wait_for_lines(page, served.folder, expert, 3)
    assert (lines[2]["kind"], lines[2]["of"]) == ("change", lines[0]["id"])
    assert lines[2]["label"] == "wave"
    assert asked(page) == question not in items


def test_a_drag_from_right_to_left_marks_some_channels(page, served, expert):
    item = asked(page)
    drag(page, (0.7, 0.4), (0.5, 0.2))
    assert "Esc cancels" in page.inner_text("#prompt")
    page.keyboard.press("1")
    (line,) = wait_for_lines(page, served.folder, expert, 1)
    assert (line["strategy"], line["label"]) == ("mark", "spike")
    assert line["duration"] == pytest.approx(0.2 * 10, rel=0.2)
    assert line["channels"]
    assert asked(page) == item


def test_a_mark_is_made_by_keyboard_alone(page, served, expert):
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    assert not page.is_visible("#prompt")
    for key in ("x", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "2"):
        page.keyboard.press(key)
    (line,) = wait_for_lines(page, served.folder, expert, 1)
    assert (line["strategy"], line["label"]) == ("mark", "wave")
    assert line["duration"] == pytest.approx(1.1)
    assert line["channels"] == []


def test_keys_move_the_page_and_j_leads_back(page):
    position, recording = page.inner_text("#position"), page.input_value("#recording")
    starts = {
        "Home": "0:00",
        "ArrowRight": "0:10",
        "Shift+ArrowRight": "0:11",
        "ArrowLeft": "0:01",
        "Shift+ArrowLeft": "0:00",
        "End": "0:50",
    }
    for key, start in starts.items():
        page.keyboard.press(key)
        assert page.inner_text("#position").startswith(start)
    page.keyboard.press("[" if recording == "1" else "]")
    assert page.input_value("#recording") != recording
    assert page.is_visible("#show-question")
    page.keyboard.press("j")
    assert (page.inner_text("#position"), page.input_value("#recording")) == (position, recording)


def test_each_control_is_reached_by_tab(page):
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    expected = {"recording", "montage", "low", "high", "notch", "sensitivity", "duration"}
    assert expected | {"negative", "column", "open-settings", "open-help", "class"} <= reached


def test_two_experts_and_two_tabs_are_asked_other_questions(page, browser, served, expert):
    other = page.context.new_page()
    other.goto(f"{served.server.url}/")
    sign_in(other, expert)
    with open_labelling(browser, served.urls[-1], "another-expert") as third:
        assert len({asked(page), asked(other), asked(third)}) == 3


def test_answers_that_cannot_be_sent_wait_and_survive_a_reload(faulty_page, served, expert):
    faulty_page.route("**/api/answers", lambda route: route.abort())
    items = [answer(faulty_page, "1"), answer(faulty_page, "0")]
    faulty_page.wait_for_selector("#waiting >> text=2 answers wait to be saved")
    assert read_log(served.folder, expert) == []
    faulty_page.reload()
    faulty_page.wait_for_selector(READY)
    faulty_page.unroute("**/api/answers")
    wait_until_saved(faulty_page, 2)
    lines = read_log(served.folder, expert)
    assert [(line["item"], line["label"]) for line in lines] == [
        (items[0], "spike"),
        (items[1], "background"),
    ]


def test_an_answer_whose_acknowledgement_is_lost_is_in_the_log_once(faulty_page, served, expert):
    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    faulty_page.route("**/api/answers", lose, times=1)
    item = answer(faulty_page, "1")
    wait_until_saved(faulty_page, 1)
    assert [line["item"] for line in read_log(served.folder, expert)] == [item]


def test_a_refused_answer_is_shown_with_its_reason(faulty_page, served, expert):
    faulty_page.route("**/api/answers", lambda route: refuse(route, 400, "the label is odd"))
    answer(faulty_page, "1")
    faulty_page.wait_for_selector("#refused >> text=the label is odd")
    faulty_page.unroute("**/api/answers")
    answer(faulty_page, "0")
    wait_for_lines(faulty_page, served.folder, expert, 1)
    faulty_page.click("text=Try again")
    lines = wait_for_lines(faulty_page, served.folder, expert, 2)
    assert [line["label"] for line in lines] == ["background", "spike"]
    assert faulty_page.locator("#refused li").count() == 0


def test_a_server_with_another_cookie_asks_for_the_new_address(faulty_page, served, expert):
    faulty_page.route("**/api/**", lambda route: refuse(route, 403, "no cookie"))
    faulty_page.keyboard.press("0")
    faulty_page.wait_for_selector("#connection >> text=open the new address")
    faulty_page.unroute("**/api/**")
    faulty_page.wait_for_selector("#connection", state="hidden")
    assert len(wait_for_lines(faulty_page, served.folder, expert, 1)) == 1


def test_another_folder_at_the_address_gets_no_answer(faulty_page, served, expert):
    def replace(route: Any) -> None:
        session = route.fetch().json()
        route.fulfill(json=session | {"folder": "another"})

    faulty_page.route("**/api/answers", lambda route: route.abort())
    faulty_page.route("**/api/session", replace)
    faulty_page.keyboard.press("0")
    faulty_page.wait_for_selector("#connection >> text=Another folder of answers")
    faulty_page.unroute("**/api/answers")
    faulty_page.keyboard.press("1")
    faulty_page.wait_for_timeout(1000)
    assert read_log(served.folder, expert) == []


def test_a_recording_that_cannot_be_read_is_skipped(faulty_page):
    number = faulty_page.input_value("#recording")
    faulty_page.route(
        f"**/api/page?recording={number}&*", lambda route: refuse(route, 404, "the file is torn")
    )
    faulty_page.keyboard.press("n")
    faulty_page.keyboard.press("m")  # a page that is not fetched yet
    faulty_page.wait_for_selector("#unreadable-text >> text=the file is torn")
    faulty_page.keyboard.press("s")
    faulty_page.wait_for_selector("#unreadable", state="hidden")
    assert faulty_page.input_value("#recording") != number


def test_a_server_that_is_killed_loses_and_doubles_no_answer(browser, folder, tmp_path):
    labels, pool, classes = tmp_path / "labels", folder / "pool.zarr", folder / "classes.yaml"
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    with label_process(pool, labels, "--classes", classes) as server:
        page.goto(server.next_url())
        sign_in(page, "expert-1")
        items = [answer(page, "1")]
        wait_until_saved(page, 1)
        server.end(signal.SIGKILL)
        items += [answer(page, "0"), answer(page, "2")]
        page.wait_for_selector("#connection >> text=does not answer")
    with label_process(pool, labels, "--classes", classes) as server:
        server.next_url()
        wait_until_saved(page, 3)
        page.wait_for_selector("#connection", state="hidden")
        answers = read_log(labels, "expert-1")
    context.close()
    assert [(line["item"], line["label"]) for line in answers] == [
        (items[0], "spike"),
        (items[1], "background"),
        (items[2], "wave"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(browser, served, expert, width, scheme):
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with open_labelling(browser, served.urls[-1], expert, **options) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        traces, strip, question = [
            page.locator(name).bounding_box() for name in ("#traces", "#strip", "#question")
        ]
        assert traces["y"] + traces["height"] <= strip["y"] + 1
        is_below = question["y"] >= strip["y"] + strip["height"]
        is_beside = question["x"] >= traces["x"] + traces["width"]
        assert is_below if width < 800 else is_beside
        assert traces["width"] > 0.7 * width


@pytest.mark.parametrize("theme", [0, 1])
def test_text_is_legible_in_both_themes(theme):
    """Contrasts of WCAG AA: 4.5 for text, 3 for what is not text."""
    sheet = (PAGE / "theme.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*)\}", sheet)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", "".join(blocks[: theme + 1])))
    for ground in ("paper", "chrome", "raised"):
        for text in ("ink", "muted", "problem"):
            assert contrast(colours[text], colours[ground]) >= 4.5
    for name in ("item", "selection", "probability", "focus", *(f"class-{i}" for i in range(10))):
        assert contrast(colours[name], colours["paper"]) >= 3


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_no_request_leaves_the_host(browser, served, expert):
    urls: list[str] = []
    with open_page(browser, "about:blank") as page:
        page.on("request", lambda request: urls.append(request.url))
        page.goto(served.urls[-1])
        sign_in(page, expert)
        answer(page, "0")
        wait_until_saved(page, 1)
    assert urls
    assert {url[: len(served.server.url)] for url in urls} == {served.server.url}


def test_a_first_address_that_was_used_says_what_to_do(browser, served):
    used = served.urls[0]
    context = browser.new_context()
    page = context.new_page()
    response = page.goto(used)
    assert response.status == 403
    assert "address" in json.loads(page.inner_text("body"))["error"]
    context.close()
