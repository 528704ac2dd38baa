"""Measure the time from a key to its picture in the page of `bids-dl label`, at 32 kHz.

    python tests/benchmarks/bench_page.py [--minutes 10] [--rate 32000] [--keys 40]
                                          [--pause 0.5] [--folder FOLDER]

Write a BrainVision recording of 20 contacts of two shafts (0.8 GB by default), make a pool of it,
and serve it with its samples. Chromium answers questions by keys, then turns pages, then shifts
the page by a second, on screens of several sizes and pixel ratios. Each kind of key is measured
with a pause before it, as of a quick reader, and without one. The signals of the next question and
of the next page are fetched ahead; those of a shift are computed after its key is pressed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported

sys.path.insert(0, str(Path(__file__).parents[1]))

from annotate.page.browser import open_browser
from annotate.page.key_times import time_key, watch_key_times
from annotate.page.labelling_page import open_labelling
from labelling_server import label_process, write_classes_file
from long_recordings import LongRecording, write_long_recording

import bids_dl

RECIPE = """name: pool
steps:
  - pick: {types: [seeg]}
  - resample: {sfreq: 500}
  - filter: {low: 0.5, high: 200}
"""
SCREENS = ((1280, 800, 1), (1280, 800, 2), (2560, 1440, 1), (2560, 1440, 2))
KINDS = (
    ("answer", ("0", "0", "0", "1")),
    ("page on", ("ArrowRight",)),
    ("one second on", ("Shift+ArrowRight",)),
)


def make_pool(folder: Path, minutes: float, rate: float) -> tuple[Path, Path]:
    """Write the recording and its pool, and return both."""
    content = LongRecording(seconds=60 * minutes, sfreq=rate)
    root = write_long_recording(folder / "long", content)
    recipe = folder / "pool.yaml"
    recipe.write_text(RECIPE)
    pool = folder / "pool.zarr"
    bids_dl.convert(root, pool, whole=True, window=1, recipe=str(recipe), scheduler="synchronous")
    return root, pool


def measure_keys(page: Any, keys: tuple[str, ...], n_keys: int, pause: float) -> list[float]:
    """Press keys in turn, and return the times to their pictures in ms."""
    page.wait_for_timeout(1000)  # what is fetched ahead comes
    times = []
    for number in range(n_keys):
        page.wait_for_timeout(1000 * pause)
        times.append(time_key(page, keys[number % len(keys)]))
    return times


def print_times(words: str, times: list[float]) -> None:
    """Print the median, the 90th percentile and the largest time."""
    p90 = quantiles(times, n=10)[-1]
    load = os.getloadavg()[0]
    print(
        f"{words}: median {median(times):.0f} ms, p90 {p90:.0f}, largest {max(times):.0f}, "
        f"{len(times)} keys, load {load:.1f}",
        flush=True,
    )


def measure_screen(
    browser: Any, url: str, screen: tuple[int, int, int], n_keys: int, pause: float
) -> None:
    """Print the times of all kinds of keys on a screen."""
    width, height, ratio = screen
    options = {"viewport": {"width": width, "height": height}, "device_scale_factor": ratio}
    with open_labelling(browser, url, f"expert-{width}-{ratio}", **options) as page:
        watch_key_times(page)
        for name, keys in KINDS:
            for seconds in (pause, 0.0):
                if name != "answer":
                    page.keyboard.press("Home")
                words = f"{width}x{height} ratio {ratio}, {name}, pause {seconds:g} s"
                print_times(words, measure_keys(page, keys, n_keys, seconds))


def main() -> None:
    """Write the recording, serve it, and print the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=32_000.0)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds before a key")
    parser.add_argument("--folder", help="for the temporary files")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as work, open_browser() as browser:
        root, pool = make_pool(Path(work), args.minutes, args.rate)
        classes = write_classes_file(Path(work) / "classes.yaml")
        options = ("--source", root, "--classes", classes)
        with label_process(pool, Path(work) / "labels", *options) as server:
            for screen in SCREENS:
                measure_screen(browser, server.next_url(), screen, args.keys, args.pause)


if __name__ == "__main__":
    main()
