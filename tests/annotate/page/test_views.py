"""Pages of signals in the browser: decoded as the server encodes them, cached, fetched once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from annotate.page.drawing_page import make_view, open_drawing, serve_drawing

from bids_dl import demo, source
from bids_dl.annotate.viewing.encoding import encode_view
from bids_dl.annotate.viewing.source_signals import SourceRecording, SourceSignals
from bids_dl.annotate.viewing.view import MISSING, ViewRequest, compute_view
from bids_dl.config.stages import SourceConfig

pytestmark = pytest.mark.slow

DECODE = "fetch('/view').then((response) => response.arrayBuffer()).then(decodeView)"
START = """() => {
  window.calls = [];
  window.views = new Views((query, { signal }) => new Promise((resolve, reject) => {
    calls.push(query.start);
    signal.addEventListener("abort", () => reject(signal.reason));
    window.answer = () => fetch("/view").then((response) => resolve(response.arrayBuffer()));
    if (!query.waits) answer();
  }));
  window.failures = [];
  window.get = (query) => views.get(query).catch((error) => void failures.push(error.name));
}"""


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[tuple[Any, Any]]:
    """A page and its server."""
    with (
        serve_drawing() as server,
        open_drawing(browser, server, viewport={"width": 600, "height": 600}) as page,
    ):
        yield page, server


@pytest.fixture
def page(opened: tuple[Any, Any]) -> Any:
    """A page with a cache of its own, whose server has a small view."""
    page, server = opened
    server.bodies["/view"] = make_view(np.zeros((2, 400)), 100, 300)
    page.evaluate(START)
    return page


@pytest.mark.parametrize("width", [7, 1000, 4096])
def test_what_the_server_encodes_is_decoded_equal(opened, width):
    page, server = opened
    dataset = source.open_dataset(str(demo.sample_folder()))
    recording = source.find_recordings(dataset, SourceConfig())[0]
    key = (recording.dataset, recording.path)
    with SourceSignals({key: SourceRecording(dataset, recording)}) as signals:
        view = compute_view(signals, key, ViewRequest(55.0, 10.0, width, low=1.0))
    server.bodies["/view"] = encode_view(view)
    decoded = page.evaluate(
        f"""{DECODE}.then((view) => ({{ ...view, missing: view.constructor.MISSING,
        minima: view.names.map((_, i) => [...view.minima(i)]),
        maxima: view.names.map((_, i) => [...view.maxima(i)]) }}))"""
    )
    assert decoded["missing"] == MISSING
    assert np.array_equal(decoded["minima"], view.minima)
    assert np.array_equal(decoded["maxima"], view.maxima)
    assert (view.minima == MISSING).any() == (not view.is_line)  # the page goes on beyond the end
    for field, name in {"names": "names", "groups": "groups", "bads": "bads"}.items():
        assert decoded[field] == list(getattr(view, name))
    assert decoded["channels"] == [list(names) for names in view.channels]
    assert decoded["isLine"] == view.is_line
    assert decoded["firstTime"] == view.first_time
    assert decoded["columnSeconds"] == view.column_seconds
    assert decoded["resolution"] == view.resolution


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (0, 0, "page of 0 bytes is cut short"),
        (0, 60, "page of 60 bytes is cut short"),
        (0, -2, "its header says"),
        (1, None, "cut short|its header says|not JSON"),
        (4, None, "cut short"),
    ],
)
def test_damaged_bytes_are_an_error_that_says_so(page, opened, first, last, message):
    server = opened[1]
    server.bodies["/view"] = server.bodies["/view"][first:last]
    error = page.evaluate(f"{DECODE}.catch((error) => [error.name, error.message])")
    assert error[0] == "ViewError"
    assert any(part in error[1] for part in message.split("|"))


def test_a_view_is_requested_once_even_while_it_is_in_flight(page):
    page.evaluate(
        """async () => {
        views.prefetch({ start: 1 });
        await Promise.all([views.get({ start: 1 }), views.get({ start: 1 })]);
        await views.get({ start: 1, low: undefined });
        views.prefetch({ start: 1 });
        await views.get({ start: 2 });
        }"""
    )
    assert page.evaluate("calls") == [1, 2]


def test_the_last_24_views_are_kept(page):
    page.evaluate(
        """async () => {
        for (let i = 0; i < 24; i++) await views.get({ start: i });
        await views.get({ start: 0 });
        await views.get({ start: 24 });
        await views.get({ start: 0 });
        await views.get({ start: 1 });
        }"""
    )
    assert page.evaluate("calls") == [*range(25), 1]


def test_the_oldest_of_many_requests_is_aborted_and_may_be_repeated(page):
    page.evaluate(
        """async () => {
        const waiting = [1, 2, 3, 4, 5].map((start) => get({ start, waits: 1 }));
        await waiting[0];
        }"""
    )
    assert page.evaluate("failures") == ["AbortError"]
    page.evaluate("() => void get({ start: 1, waits: 1 })")
    assert page.evaluate("calls") == [1, 2, 3, 4, 5, 1]


def test_clear_aborts_what_is_in_flight_and_forgets_the_rest(page):
    page.evaluate(
        """async () => {
        await views.get({ start: 0 });
        const waiting = get({ start: 1, waits: 1 });
        views.clear();
        await waiting;
        await views.get({ start: 0 });
        }"""
    )
    assert page.evaluate("failures") == ["AbortError"]
    assert page.evaluate("calls") == [0, 1, 0]


def test_a_failed_view_is_requested_again(page, opened):
    server = opened[1]
    body = server.bodies["/view"]
    server.bodies["/view"] = body[:-2]
    page.evaluate("() => get({ start: 3 })")
    server.bodies["/view"] = body
    assert page.evaluate("views.get({ start: 3 }).then((view) => view.nTraces)") == 2
    assert page.evaluate("failures") == ["ViewError"]
