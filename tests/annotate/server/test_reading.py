"""Requests that change nothing."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from bids_dl.annotate.server.page_defaults import describe_recording
from bids_dl.annotate.viewing.channel_groups import make_channels
from bids_dl.annotate.viewing.signals import SignalHeader


def decode(body: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    """Return header, minima and maxima of a page, as the page decodes them."""
    [length] = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    first = -(-(4 + length) // 8) * 8
    values = np.frombuffer(body, "<i2", offset=first)
    shape = (header["n_traces"], header["n_columns"])
    half = shape[0] * shape[1]
    return header, values[:half].reshape(shape), values[half:].reshape(shape)


def test_the_session_has_classes_recordings_and_settings(page):
    session = page.client.get("/api/session").json
    assert [item["name"] for item in session["classes"]] == ["background", "spike", "wave"]
    assert [item["key"] for item in session["classes"]] == ["0", "1", "2"]
    assert session["unsure"] == "unsure"
    assert [item["number"] for item in session["recordings"]] == [0, 1, 2, 3]
    assert session["n_windows"] == len(page.labelling.windows)
    assert session["window_seconds"] == 1
    assert session["annotator"] is None
    assert session["signals"] == "store"
    assert session["shows_opinion"] is False
    assert None in session["filters"]["low"]


def test_a_recording_has_channels_montages_and_a_first_view_that_can_be_shown(page):
    recording = page.client.get("/api/recordings/1").json
    assert recording["number"] == 1
    assert {"name", "type", "group", "bad"} == set(recording["channels"][0])
    montages = [item["name"] for item in recording["montages"]]
    defaults = recording["defaults"]
    assert defaults["montage"] in montages
    assert (defaults["sensitivity"], defaults["duration"]) == (7, 10)
    shown = {name: defaults[name] or "off" for name in ("low", "high", "notch")}
    reply = page.client.page(recording=1, montage=defaults["montage"], **shown)
    assert reply.status == 200


def test_nothing_personal_is_sent(page):
    recording = page.client.get("/api/recordings/0").json
    assert set(recording) == {
        *("number", "name", "seconds", "sfreq", "channels", "montages", "defaults"),
    }
    for path in ("/api/session", "/api/recordings/0"):
        text = page.client.get(path).body.decode()
        assert str(page.folder.parent) not in text
        assert "annotations" not in text


def test_a_page_has_the_samples_of_the_pool(page):
    reply = page.client.page(start=2, duration=1, width=4096)
    assert reply.headers["Content-Type"] == "application/octet-stream"
    header, minima, maxima = decode(reply.body)
    assert header["is_line"] is True
    assert np.array_equal(minima, maxima)
    n_chans = len(page.client.get("/api/recordings/0").json["channels"])
    assert minima.shape == (n_chans, header["n_columns"])


def test_filters_that_are_off_are_those_that_are_left_out(page):
    without = page.client.page().body
    assert page.client.page(low="off", high="off", notch="off").body == without
    assert page.client.page(low=1, high=30).body != without


def test_the_questions_of_a_tab_stay_its_own_until_they_are_answered(page):
    page.client.tab = "tab-reading"
    first = page.client.ask(4)
    assert page.client.ask(4) == first
    assert len({item["item"] for item in first}) == 4
    page.client.tab = "tab-1"
    assert not {item["item"] for item in page.client.ask(4)} & {item["item"] for item in first}
    assert {
        "item",
        "recording",
        "onset",
        "duration",
        "channels",
        "reason",
        "strategy",
        "round",
    } == set(first[0])


def test_the_strip_of_a_recording_has_all_its_windows(page):
    strip = page.client.get("/api/strip", recording=1, annotator="expert-1").json
    n_windows = int((page.labelling.windows.recording == 1).sum())
    assert len(strip["onsets"]) == len(strip["durations"]) == n_windows
    assert len(strip["probabilities"]) == n_windows
    assert strip["onsets"] == sorted(strip["onsets"])


def test_an_expert_without_answers_has_an_empty_list_and_a_status(page):
    assert page.client.get("/api/answers", annotator="nobody").json == {"answers": []}
    status = page.client.get("/api/status", annotator="nobody").json
    assert status["n_own"] == 0
    assert status["batch"]["size"] == 20
    assert status["round"]["state"] in {"measuring", "waiting", "training"}
    assert page.client.get("/api/status").status == 200


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/static/style.css", "/static/icon.svg"])
def test_the_files_of_the_page_are_served_with_their_types(page, path):
    kinds = {"": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    reply = page.client.get(path)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith(kinds[path.rpartition(".")[2].strip("/")])


@pytest.mark.parametrize(
    ("n_channels", "kind", "sensitivity"),
    [(19, "eeg", 7), (64, "eeg", 15), (256, "eeg", 70), (20, "seeg", 50), (200, "seeg", 200)],
)
def test_many_traces_are_drawn_smaller_at_first(n_channels, kind, sensitivity):
    channels = make_channels([f"X{i}" for i in range(n_channels)], [kind] * n_channels)
    recording = describe_recording(SignalHeader(500.0, 60.0, channels))
    [shown] = [item for item in recording["montages"] if item["name"] == "recorded"]
    assert shown["sensitivity"] == sensitivity
