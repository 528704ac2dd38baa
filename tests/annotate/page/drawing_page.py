"""A page with the two canvases alone, and made-up views in the format of the server."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from annotate.page.browser import PageServer, open_page, serve_page

from bids_dl.annotate.viewing.encoding import encode_view
from bids_dl.annotate.viewing.view import MISSING, View

RESOLUTION = 0.5  # µV
HEIGHT = 500  # CSS pixels of the traces
HTML = b"""<!doctype html><html lang="en"><head><title>drawing</title><meta charset="utf-8">
<link rel="stylesheet" href="/page.css"></head><body><canvas id="strip"></canvas>
<canvas id="traces"></canvas><script type="module" src="/page.js"></script></body></html>"""
CSS = """
:root { --paper: #fff; --ink: #222; --trace: #000; --trace-bad: #909090; --grid: #eaeaea;
  --grid-strong: #c8c8c8; --item: #ff8000; --mark: #808000; --selection: #0000ff;
  --strip: #f0f0f0; --probability: #6080a0; --class-0: #408040; --class-1: #ff0000; %s }
@media (prefers-color-scheme: dark) { :root { --paper: #000; --ink: #ddd; --trace: #fff; } }
body { margin: 0; } canvas { display: block; width: 100%%; }
#strip { height: 40px; } #traces { height: %dpx; }
"""
CSS_BYTES = (CSS % (" ".join(f"--class-{i}: #404040;" for i in range(2, 10)), HEIGHT)).encode()
SCRIPT = b"""
import { frameOf, layLanes } from "/static/signals/layout.js";
import { watchDrag } from "/static/signals/marks.js";
import { Strip } from "/static/signals/strip.js";
import { Traces } from "/static/signals/traces.js";
import { decodeView, Views } from "/static/signals/views.js";

const canvas = document.getElementById("traces");
const traces = new Traces(canvas);
const strip = new Strip(document.getElementById("strip"));
const classes = [{ name: "background", key: "0" }, { name: "spike", key: "1" }];

async function show(url, settings) {
  const view = decodeView(await (await fetch(url)).arrayBuffer());
  traces.draw(view, { sensitivity: 10, classes, ...settings });
  const { width, height, ratio, area } = frameOf(canvas);
  const { centres, spacing } = layLanes(view.groups, area);
  return { width, height, ratio, ...area, centres: [...centres], spacing };
}

function pixels(id, x, y, width, height) {
  const target = document.getElementById(id);
  const { data } = target.getContext("2d").getImageData(x, y, width, height);
  return btoa(Array.from(data, (value) => String.fromCharCode(value)).join(""));
}

Object.assign(window, { decodeView, Views, watchDrag, traces, strip, classes, show, pixels });
document.documentElement.dataset.ready = "true";
"""
Samples = npt.NDArray[np.float64]


@contextmanager
def serve_drawing() -> Iterator[PageServer]:
    """Serve the page with the two canvases."""
    bodies = {"/": HTML, "/page.css": CSS_BYTES, "/page.js": SCRIPT, "/favicon.ico": b""}
    with serve_page(bodies) as server:
        yield server


@contextmanager
def open_drawing(browser: Any, server: PageServer, **options: Any) -> Iterator[Any]:
    """Open the page with the two canvases, and wait for its modules."""
    with open_page(browser, server.url, **options) as page:
        page.wait_for_selector("[data-ready]", state="attached")
        yield page


def make_view(samples: Samples, rate: float, width: int, **fields: Any) -> bytes:
    """Encode samples from 0 s on as the server does, as a line or in columns.

    Parameters
    ----------
    samples
        (n_traces, n_times) in µV, NaN for none.
    rate
        Samples per second.
    width
        Columns of pixels.
    fields
        Fields of the view that differ, such as ``groups``.
    """
    n_traces, n_times = samples.shape
    units = np.where(np.isnan(samples), MISSING, np.round(samples / RESOLUTION))
    is_line = n_times < width
    minima = maxima = units
    if not is_line:
        firsts = np.ceil(np.arange(width) * n_times / width).astype(int)
        minima = np.minimum.reduceat(units, firsts, axis=1)
        maxima = np.maximum.reduceat(units, firsts, axis=1)
    names = tuple(f"C{i}" for i in range(n_traces))
    view = View(
        start=0.0,
        duration=n_times / rate,
        names=names,
        groups=("",) * n_traces,
        kinds=("eeg",) * n_traces,
        bads=(False,) * n_traces,
        channels=tuple((name,) for name in names),
        minima=minima.astype(np.int16),
        maxima=maxima.astype(np.int16),
        resolution=RESOLUTION,
        offsets=(0.0,) * n_traces,
        is_line=is_line,
        first_time=0.0,
        column_seconds=1 / rate if is_line else n_times / rate / width,
        low=None,
        high=None,
        notch=None,
    )
    return encode_view(replace(view, **fields))


def read_pixels(page: Any, canvas: str, area: Sequence[float]) -> npt.NDArray[np.int64]:
    """Read red, green and blue of an area (left, top, width, height) in device pixels."""
    left, top, width, height = (round(value) for value in area)
    script = "([id, x, y, w, h]) => pixels(id, x, y, w, h)"
    text = page.evaluate(script, [canvas, left, top, width, height])
    values = np.frombuffer(b64decode(text), np.uint8)
    return values.reshape(height, width, 4)[..., :3].astype(int)


def read_darkness(page: Any, canvas: str, area: Sequence[float]) -> npt.NDArray[np.int64]:
    """Read how dark an area is: 0 is white, 255 is black."""
    return 255 - read_pixels(page, canvas, area).max(axis=2)
