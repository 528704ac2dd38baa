"""What is drawn on the two canvases of the page, as pixels, and what a pointer selects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from annotate.page.browser import PageServer
from annotate.page.drawing_page import (
    make_view,
    open_drawing,
    read_darkness,
    read_pixels,
    serve_drawing,
)

pytestmark = pytest.mark.slow

PIXELS_PER_MM = 96 / 25.4
SHOW = "([url, settings]) => show(url, settings)"
DARK = 200  # of 255: a line at full strength
ORANGE, RED, BLUE = (255, 128, 0), (255, 0, 0), (0, 0, 255)
VIEWPORT = {"width": 1000, "height": 600}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with serve_drawing() as server:
        yield server


@pytest.fixture
def page(browser: Any, server: PageServer) -> Iterator[Any]:
    with open_drawing(browser, server, viewport=VIEWPORT) as page:
        yield page


def show(page: Any, server: PageServer, view: bytes, **settings: Any) -> dict[str, Any]:
    """Draw a view; return the layout in device pixels."""
    server.bodies["/view"] = view
    return page.evaluate(SHOW, ["/view", settings])


def flat(n_traces: int = 8, rate: float = 200.0, seconds: float = 10.0) -> np.ndarray:
    return np.zeros((n_traces, round(rate * seconds)))


def width_of(page: Any) -> int:
    return page.evaluate("traces.width")


def draw_flat(page: Any, server: PageServer, **settings: Any) -> dict[str, Any]:
    return show(page, server, make_view(flat(), 200, width_of(page)), **settings)


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("seconds", [0.5, 2, 10, 60, 120])
def test_a_spike_of_one_sample_is_dark_from_foot_to_tip(browser, server, seconds, ratio):
    rate = 2000
    samples = flat(3, rate, seconds)
    place = samples.shape[1] // 3
    samples[1, place] = 250
    viewport = {"width": 500, "height": 600}
    with open_drawing(browser, server, viewport=viewport, device_scale_factor=ratio) as page:
        for width in (500, 1280, 2040):
            page.set_viewport_size({"width": width, "height": 600})
            layout = show(page, server, make_view(samples, rate, width_of(page)))
            x = layout["left"] + int((place + 0.01) / samples.shape[1] * layout["width"])
            height = 25 * PIXELS_PER_MM * ratio
            tip = layout["centres"][1] - height
            area = (x - 9, tip + 3 * ratio, 19, height - 5 * ratio)
            assert read_darkness(page, "traces", area).max(axis=1).min() > DARK


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("rate", [20, 150, 1000])
def test_slopes_never_break_between_columns(browser, server, rate, ratio):
    samples = np.random.default_rng(0).normal(0, 100, (1, rate * 10))
    with open_drawing(browser, server, viewport=VIEWPORT, device_scale_factor=ratio) as page:
        layout = show(page, server, make_view(samples, rate, width_of(page)), marks=[])
        area = (layout["left"], layout["top"], layout["width"], layout["height"])
        is_drawn = read_darkness(page, "traces", area) > 60  # more than the grid
    columns = np.flatnonzero(is_drawn.any(axis=0))
    tops = is_drawn[:, columns].argmax(axis=0)
    bottoms = is_drawn.shape[0] - is_drawn[::-1, columns].argmax(axis=0)
    assert len(columns) > 0.97 * layout["width"]
    assert (tops[1:] <= bottoms[:-1]).all()
    assert (bottoms[1:] >= tops[:-1]).all()


def test_a_steep_edge_has_no_gap_in_its_column(page, server):
    samples = flat(1, 1000)
    samples[0, 5000:] = 200
    layout = show(page, server, make_view(samples, 1000, width_of(page)))
    height = 20 * PIXELS_PER_MM
    x = layout["left"] + layout["width"] / 2 - 2
    area = (x, layout["centres"][0] - height + 2, 5, height - 4)
    assert read_darkness(page, "traces", area).sum(axis=1).min() > DARK


@pytest.mark.parametrize(("negative_up", "direction"), [(False, -1), (True, 1)])
def test_positive_goes_up_unless_negative_is_up(page, server, negative_up, direction):
    samples = flat(1)
    samples[0] = 100
    view = make_view(samples, 200, width_of(page))
    layout = show(page, server, view, negativeUp=negative_up, pixelsPerMm=4)
    area = (layout["left"] + 20, 0, 1, layout["height"])
    row = read_darkness(page, "traces", area)[:, 0].argmax()
    assert row == pytest.approx(layout["centres"][0] + direction * 40, abs=1)


def test_the_height_of_a_trace_follows_sensitivity_and_calibration(page, server):
    samples = flat(1)
    samples[0] = 70
    view = make_view(samples, 200, width_of(page))
    for sensitivity, per_mm in ((7, 4), (7, 8), (14, 4)):
        layout = show(page, server, view, sensitivity=sensitivity, pixelsPerMm=per_mm)
        area = (layout["left"] + 20, 0, 1, layout["height"])
        row = read_darkness(page, "traces", area)[:, 0].argmax()
        height = 70 / sensitivity * per_mm
        assert layout["centres"][0] - row == pytest.approx(height, abs=1)


def test_an_ecg_is_drawn_at_a_tenth_of_the_height(page, server):
    samples = flat(2)
    samples[:] = 300
    layout = show(page, server, make_view(samples, 200, width_of(page), kinds=("eeg", "ecg")))
    area = (layout["left"] + 20, 0, 1, layout["height"])
    rows = np.flatnonzero(read_darkness(page, "traces", area)[:, 0] > 100)
    heights = [layout["centres"][0] - rows[0], layout["centres"][1] - rows[-1]]
    assert heights[0] == pytest.approx(30 * PIXELS_PER_MM, abs=2)
    assert heights[1] == pytest.approx(3 * PIXELS_PER_MM, abs=2)


def test_a_large_signal_is_drawn_over_its_neighbours(page, server):
    samples = flat(8)
    samples[4, 1000:1100] = 500
    layout = show(page, server, make_view(samples, 200, width_of(page)))
    x = layout["left"] + layout["width"] * 0.525
    row = layout["centres"][4] - 50 * PIXELS_PER_MM
    assert row < layout["centres"][1]
    assert read_darkness(page, "traces", (x, row - 1, 1, 3)).max() > DARK


def test_bad_channels_are_grey_and_missing_samples_are_blank(page, server):
    samples = flat(2)
    samples[:, 1000:] = np.nan
    view = make_view(samples, 200, width_of(page), bads=[False, True])
    layout = show(page, server, view)
    for trace, grey in ((0, 0), (1, 0x90)):
        row = layout["centres"][trace] - 1
        drawn = read_pixels(page, "traces", (layout["left"] + 20, row, 1, 3))
        assert drawn.min() == pytest.approx(grey, abs=40)
        missing = (layout["left"] + 0.75 * layout["width"], row, 5, 3)
        assert read_darkness(page, "traces", missing).max() < 40


def test_groups_are_separated_by_a_gap(page, server):
    view = make_view(flat(4), 200, width_of(page), groups=["A", "A", "B", "B"])
    centres = show(page, server, view)["centres"]
    assert centres[2] - centres[1] > 1.3 * (centres[1] - centres[0])
    assert centres[3] - centres[2] == pytest.approx(centres[1] - centres[0], abs=0.01)


@pytest.mark.parametrize(
    ("seconds", "n_lines", "n_strong"), [(0.5, 6, 2), (10, 11, 3), (60, 13, 5)]
)
def test_the_grid_fits_the_length_of_the_page(page, server, seconds, n_lines, n_strong):
    layout = show(page, server, make_view(flat(2, 200, seconds), 200, width_of(page)))
    row = layout["top"] + 20
    line = read_darkness(page, "traces", (layout["left"], row, layout["width"] + 1, 1))[0]
    assert np.count_nonzero(line > 10) == n_lines
    assert np.count_nonzero(line > 40) == n_strong


def is_near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels have the hue of a colour, however light."""
    tint = 255 - pixels
    expected = 255 - np.array(colour)
    scale = tint.max(axis=-1, keepdims=True) / expected.max()
    return (np.abs(tint - expected * scale).max(axis=-1) < 14) & (tint.max(axis=-1) > 15)


def test_the_asked_window_is_shaded_and_its_edges_are_drawn(page, server):
    layout = draw_flat(page, server, item={"onset": 4, "duration": 2, "channels": []})
    row = (layout["left"], layout["top"] + 12, layout["width"], 1)
    pixels = read_pixels(page, "traces", row)[0]
    shaded = np.flatnonzero(is_near(pixels, ORANGE))
    assert shaded.min() / layout["width"] == pytest.approx(0.4, abs=0.003)
    assert shaded.max() / layout["width"] == pytest.approx(0.6, abs=0.003)
    assert pixels[shaded.min() + 1].min() < 60  # an edge is stronger than what it encloses
    assert pixels[shaded.min() + 9].min() > 150


def test_a_mark_covers_its_channels_in_the_colour_of_its_class(page, server):
    mark = {"onset": 1, "duration": 3, "channels": ["C2", "C3"], "label": "spike"}
    layout = draw_flat(page, server, marks=[mark])
    x = layout["left"] + 0.25 * layout["width"]
    for trace in range(8):
        row = layout["centres"][trace] + 8
        pixels = read_pixels(page, "traces", (x, row, 1, 1))
        assert is_near(pixels, RED).all() == (trace in {2, 3})


@pytest.mark.parametrize(
    ("channels", "marked"),
    [(["A1", "A2"], {0}), (["A2", "A3", "A4"], {1, 2}), (["A3"], {1, 2}), ([], {0, 1, 2, 3})],
)
def test_a_mark_is_shown_on_the_differences_of_its_channels(page, server, channels, marked):
    pairs = tuple((f"A{i}", f"A{i + 1}") for i in range(1, 5))
    mark = {"onset": 1, "duration": 3, "channels": channels, "label": "spike"}
    view = make_view(flat(4), 200, width_of(page), channels=pairs)
    layout = show(page, server, view, marks=[mark])
    x = layout["left"] + 0.25 * layout["width"]
    rows = [read_pixels(page, "traces", (x, y + 8, 1, 1)) for y in layout["centres"]]
    assert {i for i, row in enumerate(rows) if is_near(row, RED).all()} == marked


def test_a_drag_over_differences_selects_the_recorded_channels(page, server):
    pairs = tuple((f"A{i}", f"A{i + 1}") for i in range(1, 5))
    layout = show(page, server, make_view(flat(4), 200, width_of(page), channels=pairs))
    start_drags(page)
    drag(page, place_of(layout, 0.2, 1), place_of(layout, 0.5, 2))
    page.mouse.up()
    assert page.evaluate("selected")[0]["channels"] == ["A2", "A3", "A4"]


def test_colours_follow_the_theme_of_the_system(page, server):
    layout = draw_flat(page, server)
    corner = (layout["left"] + 5, layout["top"] + 2, 1, 1)
    assert read_darkness(page, "traces", corner).max() == 0
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => traces.isDark")
    assert read_darkness(page, "traces", corner).max() == 255
    line = (layout["left"] + 20, layout["centres"][0] - 2, 1, 4)
    assert read_darkness(page, "traces", line).min() < 60


def test_the_canvas_says_what_it_shows(page, server):
    draw_flat(page, server, item={"onset": 4, "duration": 2, "channels": []})
    canvas = page.locator("#traces")
    assert canvas.get_attribute("role") == "img"
    label = canvas.get_attribute("aria-label")
    assert "0:00 to 0:10" in label
    assert "8 traces" in label
    assert "asked: 0:04 to 0:06" in label


def test_a_wider_window_is_drawn_at_once_and_reported(page, server):
    draw_flat(page, server)
    page.evaluate("() => { traces.onResize = () => { window.resizedTo = traces.width } }")
    page.set_viewport_size({"width": 1400, "height": 600})
    page.wait_for_function("() => window.resizedTo === traces.width")
    assert page.evaluate("document.getElementById('traces').width") == 1400


def start_drags(page: Any) -> None:
    page.evaluate(
        "window.selected = []; window.selector = watchDrag("
        "document.getElementById('traces'), traces, (span) => selected.push(span))"
    )


def place_of(layout: dict[str, Any], share: float, trace: float) -> tuple[float, float]:
    """Return CSS pixels of a share of the page, and of a trace. Trace -1 is the clock."""
    x = (layout["left"] + share * layout["width"]) / layout["ratio"]
    y = layout["height"] + layout["top"] + 8 if trace == -1 else layout["centres"][trace]
    return x, y / layout["ratio"] + 40  # the strip is 40 high


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_drag_in_any_direction_selects_seconds_and_traces(browser, server, ratio, is_reversed):
    with open_drawing(browser, server, viewport=VIEWPORT, device_scale_factor=ratio) as page:
        layout = draw_flat(page, server)
        start_drags(page)
        ends = [place_of(layout, 0.2, 2), place_of(layout, 0.5, 4)]
        drag(page, *(reversed(ends) if is_reversed else ends))
        page.mouse.up()
        (selection,) = page.evaluate("selected")
        row = (layout["left"], layout["centres"][3] + 8, layout["width"], 1)
        shaded = np.flatnonzero(is_near(read_pixels(page, "traces", row)[0], BLUE))
    assert selection["channels"] == ["C2", "C3", "C4"]
    assert selection["onset"] == pytest.approx(2, abs=0.02)
    assert selection["duration"] == pytest.approx(3, abs=0.03)
    assert shaded.min() / layout["width"] == pytest.approx(0.2, abs=0.004)


def test_a_drag_beyond_the_page_ends_at_the_page(page, server):
    layout = draw_flat(page, server)
    start_drags(page)
    drag(page, place_of(layout, 0.3, 0), (1, 60))
    page.mouse.up()
    (selection,) = page.evaluate("selected")
    assert selection["onset"] == 0
    assert selection["channels"] == ["C0"]


def test_a_drag_on_the_clock_selects_all_traces(page, server):
    layout = draw_flat(page, server)
    start_drags(page)
    drag(page, place_of(layout, 0.3, -1), place_of(layout, 0.6, -1))
    page.mouse.up()
    (selection,) = page.evaluate("selected")
    assert selection["channels"] == []


def test_escape_ends_a_drag_without_a_selection(page, server):
    layout = draw_flat(page, server)
    start_drags(page)
    drag(page, place_of(layout, 0.2, 2), place_of(layout, 0.5, 4))
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.evaluate("selected") == [None]
    assert page.evaluate("traces.settings.selection") is None


def test_a_click_selects_nothing(page, server):
    layout = draw_flat(page, server)
    start_drags(page)
    page.mouse.click(*place_of(layout, 0.2, 2))
    assert page.evaluate("selected") == [None]


def test_a_finger_selects_as_a_mouse_does(browser, server):
    with open_drawing(browser, server, viewport=VIEWPORT, has_touch=True) as page:
        layout = draw_flat(page, server)
        start_drags(page)
        touch = page.context.new_cdp_session(page)
        ends = [place_of(layout, share, 2) for share in (0.2, 0.4, 0.5)]
        for kind, end in zip(("Start", "Move", "Move"), ends, strict=True):
            points = [{"x": end[0], "y": end[1]}]
            touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        (selection,) = page.evaluate("selected")
    assert selection["channels"] == ["C2"]
    assert selection["duration"] == pytest.approx(3, abs=0.03)


def test_keys_grow_a_selection_from_the_asked_window(page, server):
    draw_flat(page, server, item={"onset": 4, "duration": 2, "channels": []})
    start_drags(page)
    for side, steps in (("right", 5), ("left", 10), ("down", -2), ("up", -1)):
        page.evaluate("([side, steps]) => selector.grow(side, steps)", [side, steps])
    selection = page.evaluate("selected.at(-1)")
    assert selection["onset"] == pytest.approx(3)
    assert selection["duration"] == pytest.approx(3.5)
    assert selection["channels"] == ["C1", "C2", "C3", "C4", "C5"]


def draw_strip(page: Any, state: str) -> None:
    """Draw a strip. The state is JavaScript, because it may be long."""
    defaults = "marks: [], item: null, page: { start: 0, duration: 10 }, classes"
    page.evaluate(f"strip.draw({{ {defaults}, ...({state}) }})")


def windows(n: int, step: float, probability: str) -> str:
    """Return windows of 2 s in JavaScript. The probability is a function of their number."""
    each = f"Array.from({{ length: {n} }}"
    return f"""seconds: {n * step}, onsets: {each}, (_, i) => i * {step}),
        durations: {each}, () => 2), probabilities: {each}, (_, i) => ({probability})(i))"""


def is_probability(pixels: np.ndarray) -> np.ndarray:
    return (pixels == (0x60, 0x80, 0xA0)).all(axis=-1)


def test_one_likely_window_of_a_day_is_visible_in_the_strip(page):
    draw_strip(page, f"{{ {windows(129_600, 2 / 3, '(i) => (i === 64800 ? 1 : 0)')} }}")
    assert is_probability(read_pixels(page, "strip", (498, 20, 5, 1))).any()
    assert not is_probability(read_pixels(page, "strip", (100, 20, 300, 1))).any()


def test_a_hidden_probability_is_hatched_and_a_missing_window_is_blank(page):
    draw_strip(page, f"{{ {windows(300, 2, '() => null')}, seconds: 1200 }}")
    row = read_darkness(page, "strip", (0, 30, 1000, 1))[0]
    assert 30 < np.count_nonzero(row[20:500] > 20) < 240
    assert np.count_nonzero(row[505:] > 20) == 0
    assert not is_probability(read_pixels(page, "strip", (0, 30, 1000, 1))).any()


def test_the_strip_shows_marks_the_asked_window_and_the_page(page):
    draw_strip(
        page,
        """{ seconds: 600, onsets: [], durations: [], probabilities: [],
        marks: [{ onset: 60, duration: 30, label: "spike", channels: [] }],
        item: { onset: 300, duration: 2 }, page: { start: 480, duration: 60 } }""",
    )
    top = read_pixels(page, "strip", (0, 3, 1000, 1))[0]
    assert (np.flatnonzero((top == RED).all(axis=1))[[0, -1]] == (100, 149)).all()
    assert (top[500] == ORANGE).all()
    is_frame = read_darkness(page, "strip", (0, 20, 1000, 1))[0] > 150
    assert np.flatnonzero(is_frame).min() == pytest.approx(800, abs=1)
    assert np.flatnonzero(is_frame).max() == pytest.approx(899, abs=1)


def test_a_click_or_a_drag_on_the_strip_jumps(page):
    draw_strip(page, "{ seconds: 600, onsets: [], durations: [], probabilities: [] }")
    page.evaluate("() => { window.jumps = []; strip.onJump = (time) => jumps.push(time) }")
    page.mouse.move(250, 20)
    page.mouse.down()
    page.mouse.move(500, 20)
    page.mouse.up()
    page.mouse.move(700, 20)
    assert page.evaluate("jumps") == pytest.approx([150, 300])
