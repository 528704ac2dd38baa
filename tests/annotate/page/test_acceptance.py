"""The whole loop in a browser, with real servers: from questions to windows of a new store."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from annotate.page.browser import open_page
from annotate.page.key_times import time_key, watch_key_times
from annotate.page.labelling_page import (
    READY,
    answer,
    asked,
    drag,
    open_labelling,
    sign_in,
    wait_for_lines,
    wait_until_saved,
)
from labelling_server import LabelProcess, label_process, make_pool, write_classes_file
from long_recordings import RESOLUTION, LongRecording, write_long_recording
from sklearn.metrics import average_precision_score

import bids_dl
from bids_dl.annotate.answers import make_item

pytestmark = pytest.mark.slow

VIEWPORT = {"width": 1280, "height": 800}
N_ANSWERS = 40
SPIKE_SECONDS, SPIKE_UV = 0.2, 3000.0  # place and height of a spike of one sample
SLOWEST_MS = 1500.0  # ten times the aim of the page, because other work may slow the machine
STRIP = "(number) => fetch(`/api/strip?recording=${number}`).then((reply) => reply.json())"
COLUMN = """([x, width]) => {
  const canvas = document.getElementById("traces");
  const { data } = canvas.getContext("2d").getImageData(x, 0, width, canvas.height);
  return Array.from(data);
}"""


def run(*arguments: str | Path) -> str:
    """Run `bids-dl` in a process of its own, and return its output."""
    command = [sys.executable, "-m", "bids_dl", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset with impulses in a quarter of its seconds, and its pool."""
    folder = tmp_path_factory.mktemp("patients")
    return make_pool(folder, n_subjects=4, n_blocks=12, block_duration=8)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes_file(tmp_path_factory.mktemp("classes") / "classes.yaml")


@contextmanager
def open_expert(browser: Any, server: LabelProcess, expert: str) -> Iterator[Any]:
    """Open the page for an expert. All requests must be for its server."""
    url = server.next_url()
    with open_page(browser, "about:blank", viewport=VIEWPORT) as page:
        urls: list[str] = []
        page.context.on("request", lambda request: urls.append(request.url))
        page.goto(url)
        sign_in(page, expert)
        yield page
        hosts = {urlsplit(one).netloc for one in urls}
    assert hosts == {f"127.0.0.1:{server.port}"}


def find_spikes(root: Path, pool: Path) -> dict[str, bool]:
    """Return whether each window of a pool has an impulse, by its item."""
    onsets: dict[str, list[float]] = {}
    for event in bids_dl.events(root, event="spike=trial_type==impulse").events:
        onsets.setdefault(event.recording, []).append(event.onset)
    spikes = {}
    for row in bids_dl.open_store(pool).table.itertuples():
        delays = np.subtract(onsets[f"{row.dataset}/{row.recording}"], row.onset)
        item = make_item(row.dataset, row.recording, row.onset, 1.0)
        spikes[item.id] = bool(np.any((delays >= 0) & (delays < 1)))
    return spikes


def read_strips(page: Any, n_recordings: int) -> list[dict[str, Any]]:
    """Read the opinion of the last model about all windows."""
    return [page.evaluate(STRIP, number) for number in range(n_recordings)]


def score_tests(strips: list[dict[str, Any]], pool: Path, spikes: dict[str, bool]) -> float:
    """Return the average precision over all windows for testing, answered or not."""
    probabilities, truth = [], []
    table = bids_dl.open_store(pool).table
    recordings = table.drop_duplicates(["dataset", "recording"])
    for strip, row in zip(strips, recordings.itertuples(), strict=True):
        for onset, probability in zip(strip["onsets"], strip["probabilities"], strict=True):
            item = make_item(row.dataset, row.recording, onset, 1.0)
            if item.purpose == "test":
                probabilities.append(probability)
                truth.append(spikes[item.id])
    return float(average_precision_score(truth, probabilities))


def answer_by_truth(page: Any, spikes: dict[str, bool], n_answers: int) -> None:
    for _ in range(n_answers):
        answer(page, "1" if spikes[asked(page)] else "0")


def test_answers_by_keys_end_in_a_trained_network(browser, patients, classes, tmp_path):
    root, pool = patients
    spikes = find_spikes(root, pool)
    labels = tmp_path / "labels"
    with label_process(pool, labels, "--source", root, "--classes", classes) as server:
        with open_expert(browser, server, "expert-1") as page:
            at_start = itertools.chain(*(one["probabilities"] for one in read_strips(page, 4)))
            assert set(at_start) == {None}
            answer_by_truth(page, spikes, N_ANSWERS)
            page.wait_for_selector("#round >> text=/round.? trained/", timeout=120_000)
            assert "precision of spike" in page.inner_text("#figures")
            found = score_tests(read_strips(page, 4), pool, spikes)
            wait_until_saved(page, 10)
        assert server.end() == 0
    by_chance = np.mean(list(spikes.values()))
    assert found > 2 * by_chance
    exported = sorted(file.name for file in labels.rglob("*_events.tsv"))
    assert run("label", pool, "--labels", labels, "--export").strip() == str(labels)
    assert sorted(file.name for file in labels.rglob("*_events.tsv")) == exported
    store = tmp_path / "answers.zarr"
    queries = ("--hed", "spike=Spike", "--hed", "background=Background-activity")
    options = ("--window", "1", "--scheduler", "synchronous")
    run("convert", root, store, "--annotations", labels, *queries, *options)
    table = bids_dl.open_store(store).table
    assert len(table) == N_ANSWERS
    for row in table.itertuples():
        item = make_item(row.dataset, row.recording, row.onset, 1.0).id
        assert (row.label == "spike") == spikes[item]
    run_dir = tmp_path / "run"
    training = ("--epochs", "2", "--folds", "2", "--device", "cpu", "--run-dir", run_dir)
    run("train", store, "--target", "votes_*", *training)
    assert list(run_dir.rglob("*.safetensors"))


def collect_items(page: Any) -> set[str]:
    """Return a set that gets all items that the server gives this page."""
    items: set[str] = set()

    def note(response: Any) -> None:
        if "/api/next" in response.url:
            items.update(item["item"] for item in json.loads(response.text())["items"])

    page.on("response", note)
    return items


def test_two_experts_never_hold_the_same_item_and_see_their_own_answers(
    browser, patients, classes, tmp_path
):
    _, pool = patients
    with (
        label_process(pool, tmp_path / "labels", "--classes", classes) as server,
        open_expert(browser, server, "expert-1") as first,
        open_expert(browser, server, "expert-2") as second,
    ):
        held = [collect_items(page) for page in (first, second)]
        for page in (first, second):
            page.reload()
            page.wait_for_selector(READY)
        for number in range(8):
            answer(first, "1")
            if number % 2:
                answer(second, "2")
        wait_until_saved(first, 8)
        wait_until_saved(second, 4)
        assert len(held[0]) >= 8
        assert len(held[1]) >= 4
        assert not held[0] & held[1]
        for page, label, count in ((first, "spike", 8), (second, "wave", 4)):
            page.reload()
            page.wait_for_selector(READY)
            page.wait_for_selector("#answers .answer")
            labels = page.locator("#answers .label").all_inner_texts()
            assert labels == [label] * count


def time_of(start: float, share: float, width: float) -> float:
    """Return the time at a share of the width of the traces, on a page of 10 s."""
    left, right = 92, 16  # CSS pixels of the names and of the margin
    return start + 10 * np.clip((share * width - left) / (width - left - right), 0, 1)


def test_marks_by_drag_become_windows_exactly_where_they_were_made(
    browser, patients, classes, tmp_path
):
    root, pool = patients
    labels = tmp_path / "labels"
    with label_process(pool, labels, "--source", root, "--classes", classes) as server:
        with open_expert(browser, server, "expert-1") as page:
            width = page.locator("#traces").bounding_box()["width"]
            page.select_option("#recording", "0")
            page.locator("#recording").blur()  # so that keys move the page
            page.wait_for_selector("#traces:not(.is-loading)")
            expected = []
            for key, start, shares in (
                ("Home", 0.0, (0.4, 0.01)),  # from right to left, beyond the first sample
                ("ArrowRight", 10.0, (0.3, 0.5)),
                ("End", 86.0, (0.8, 0.999)),  # beyond the last sample
            ):
                page.keyboard.press(key)
                page.wait_for_selector("#traces:not(.is-loading)")
                drag(page, (shares[0], 0.3), (shares[1], 0.6))
                page.keyboard.press("1")
                times = sorted(time_of(start, share, width) for share in shares)
                expected.append((times[0], times[1] - times[0]))
            lines = wait_for_lines(page, labels, "expert-1", 3)
        assert server.end() == 0
    marks = [(line["onset"], line["duration"]) for line in lines]
    assert np.allclose(marks, expected, atol=10 / width)
    assert marks[0][0] == 0
    assert sum(marks[2]) == pytest.approx(96)
    store = tmp_path / "marks.zarr"
    options = ("--window", "0.5", "--scheduler", "synchronous", "--recipe", "as-is")
    run("convert", root, store, "--annotations", labels, "--hed", "spike=Spike", *options)
    onsets = bids_dl.open_store(store).table["onset"].to_numpy()
    first = [onset for onset, _ in marks]
    counts = [int((duration + 1e-6) / 0.5) for _, duration in marks]
    wanted = [onset + 0.5 * i for onset, n in zip(first, counts, strict=True) for i in range(n)]
    assert np.allclose(onsets, wanted, atol=0.5 / 128)


@pytest.fixture(scope="module")
def long_pool(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A minute of 20 channels at 32 kHz with a spike of one sample, and its pool."""
    folder = tmp_path_factory.mktemp("long")
    content = LongRecording(seconds=60.0)
    root = write_long_recording(folder / "long", content)
    [file] = root.rglob("*.eeg")
    samples = np.memmap(file, "<i2", "r+", shape=(round(60 * content.sfreq), len(content.names)))
    samples[round(SPIKE_SECONDS * content.sfreq), :] = round(SPIKE_UV / RESOLUTION)
    samples.flush()
    recipe = folder / "pool.yaml"
    recipe.write_text("name: pool\nsteps:\n  - pick: {types: [seeg]}\n  - resample: {sfreq: 500}\n")
    pool = folder / "pool.zarr"
    options = {"whole": True, "window": 1, "recipe": str(recipe), "scheduler": "synchronous"}
    bids_dl.convert(root, pool, **options)
    return root, pool


def darkest_run(page: Any, seconds: float) -> int:
    """Return the number of rows that a trace covers at the spike, at most over some columns."""
    ratio = page.evaluate("devicePixelRatio")
    width, height = page.evaluate(
        "[document.getElementById('traces').width, document.getElementById('traces').height]"
    )
    left, right = round(92 * ratio), round(16 * ratio)
    x = left + int(SPIKE_SECONDS / seconds * (width - left - right))
    pixels = np.reshape(page.evaluate(COLUMN, [x - 2, 5]), (height, 5, 4))[..., :3].max(axis=2)
    return int((pixels < 128).sum(axis=0).max())


@pytest.mark.parametrize("ratio", [1, 2])
def test_a_spike_of_one_sample_at_32_khz_is_seen_at_every_length(
    browser, long_pool, classes, tmp_path, ratio
):
    root, pool = long_pool
    options = {"viewport": VIEWPORT, "device_scale_factor": ratio}
    with (
        label_process(pool, tmp_path / "labels", "--source", root, "--classes", classes) as server,
        open_labelling(browser, server.next_url(), "expert-1", **options) as page,
    ):
        page.select_option("#montage", "recorded")
        page.select_option("#high", "off")
        page.select_option("#sensitivity", "200")
        for seconds in ("0.5", "2", "10", "60"):
            page.select_option("#duration", seconds)
            page.locator("#duration").blur()
            page.keyboard.press("Home")
            page.wait_for_selector("#traces:not(.is-loading)")
            traces = 20 * (SPIKE_UV / 200) * 3.78 * ratio  # of 15 mm each, which overlap
            height = page.locator("#traces").bounding_box()["height"] * ratio
            assert darkest_run(page, float(seconds)) > 0.9 * min(traces, height - 30 * ratio)


def test_the_next_question_at_32_khz_is_shown_without_a_request(
    browser, long_pool, classes, tmp_path
):
    root, pool = long_pool
    with (
        label_process(pool, tmp_path / "labels", "--source", root, "--classes", classes) as server,
        open_expert(browser, server, "expert-1") as page,
    ):
        watch_key_times(page)
        times = []
        for _ in range(10):
            page.wait_for_timeout(1000)
            times.append(time_key(page, "0"))
        names = page.get_attribute("#traces", "aria-label")
        page.keyboard.press("m")
        page.wait_for_selector("#traces:not(.is-loading)")
        assert page.get_attribute("#traces", "aria-label") != names
        page.wait_for_timeout(3000)  # what is fetched ahead comes
        held: list[Any] = []
        page.route("**/api/page?*", lambda route: held.append(route))
        answer(page, "0")
        for route in held:
            route.continue_()
        page.unroute("**/api/page?*")
    assert median(times) < SLOWEST_MS
