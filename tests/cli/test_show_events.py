"""Output of `bids-dl events`, for people and for scripts."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from command_line import CLOSED, EYES

from bids_dl.testing import make_dataset

WINDOWS = ("--window", "2")
IMPULSES = ("--hed", "impulse=Label/Impulse")


def test_the_json_has_the_documented_keys_and_no_others(command, eegbci):
    result = command("events", eegbci, *EYES, *WINDOWS, "--json")
    assert (result.status, result.err) == (0, "")
    survey = result.json
    assert list(survey) == [
        *("sources", "hed_version", "recordings", "events", "windows", "counts", "warnings"),
        *("people", "left_out", "fetch"),
    ]
    entities = ["dataset", "recording", "subject", "session", "task", "run"]
    assert {tuple(event) for event in survey["events"]} == {
        (*entities, "row", "onset", "end", "end_rule", "label")
    }
    assert survey["people"][0] == {
        "dataset": "ds004362",
        "subject": "001",
        "counts": {
            "eyes_open": {"events": 1, "windows": 30},
            "eyes_closed": {"events": 1, "windows": 30},
        },
    }
    assert {tuple(window) for window in survey["windows"]} == {
        ("recording", "onset", "label", "block")
    }
    assert {label: tuple(count) for label, count in survey["counts"].items()} == dict.fromkeys(
        ("eyes_open", "eyes_closed"), ("recordings", "events", "windows", "open")
    )


def test_the_json_has_what_matches(command, eegbci):
    survey = command("events", eegbci, *EYES, *WINDOWS, "--json").json
    assert survey["sources"] == [str(eegbci)]
    assert (survey["hed_version"], survey["recordings"]) == ("8.1.0", 11)
    [note] = survey["warnings"]
    assert re.match(r"ds004362/sub-001/\S+run-1 and 7 more: Fc3., .* more: no type given", note)
    assert survey["counts"]["eyes_open"] == {
        "recordings": 4,
        "events": 4,
        "windows": 120,
        "open": 0,
    }
    assert survey["events"][1] == {
        "dataset": "ds004362",
        "recording": "sub-001/eeg/sub-001_task-motion_run-2",
        "subject": "001",
        "session": "",
        "task": "motion",
        "run": "2",
        "row": 0,
        "onset": 0.0,
        "end": 61.0,
        "end_rule": "recording",
        "label": "eyes_closed",
    }
    assert survey["windows"][30] == {
        "recording": "sub-001/eeg/sub-001_task-motion_run-2",
        "onset": 0.0,
        "label": "eyes_closed",
        "block": 1,
    }


def test_the_json_has_no_windows_if_none_are_requested(command, synthetic):
    survey = command("events", synthetic, *IMPULSES, "--json").json
    assert "windows" not in survey
    assert len(survey["events"]) == 16
    assert {(event["end"], event["end_rule"]) for event in survey["events"]} == {(None, "")}


def test_events_of_a_subject_and_a_run_are_the_only_ones(command, eegbci):
    entities = ("--subject", "sub-002", "--run", "02")
    survey = command("events", eegbci, *CLOSED, *entities, "--json").json
    assert [event["recording"] for event in survey["events"]] == [
        "sub-002/eeg/sub-002_task-motion_run-2"
    ]


def test_counts_of_labels_and_people_are_printed(command, eegbci):
    result = command("events", eegbci, *EYES, *WINDOWS)
    assert result.status == 0
    assert "11 recordings searched in ds004362" in result.words
    assert re.search(r"eyes_open\W+Eyes-open\W+4\W+4\W+120\W+0\W", result.words)
    assert re.search(r"ds004362\W+003\W+1 / 30\W+1 / 30", result.words)
    assert "…" not in result.out


def test_a_query_without_a_label_is_its_own_label(command, eegbci):
    survey = command("events", eegbci, "--hed", "Eyes-closed && Agent-action", "--json").json
    assert list(survey["counts"]) == ["Eyes-closed____Agent-action"]


def test_no_window_overlaps_an_excluded_event(command, synthetic):
    options = ("--hed", "closed=Eyes-closed", *WINDOWS, "--json")
    every = command("events", synthetic, *options).json["windows"]
    kept = command("events", synthetic, *options, "--exclude", "Label/Impulse").json["windows"]
    impulses = command("events", synthetic, *IMPULSES, "--json").json["events"]
    assert 0 < len(kept) < len(every)
    for impulse in impulses:
        for window in kept:
            if window["recording"] == impulse["recording"]:
                assert not window["onset"] <= impulse["onset"] < window["onset"] + 2


@pytest.mark.parametrize("real", [True, False])
def test_the_eyes_closed_windows_of_hbn_are_one_command_line(command, request, tmp_path, real):
    if real:
        dataset = request.getfixturevalue("shared") / "hed-metadata" / "ds005505"
    else:
        dataset = make_dataset(tmp_path / "hbn", n_subjects=2, events="hbn").root
    survey = command(
        *("events", dataset, "--task", "RestingState"),
        *("--hed", "eyes_closed=Label/now-close-your-eyes"),
        *("--until", "Label/now-open-your-eyes", "--within", "3,37", *WINDOWS, "--json"),
    ).json
    per_block = Counter(window["block"] for window in survey["windows"])
    assert set(per_block.values()) == {17}
    assert len(per_block) == 5 * survey["recordings"]
    for window in survey["windows"]:
        event = survey["events"][window["block"]]
        assert event["onset"] + 3 <= window["onset"] <= event["onset"] + 35 + 1e-6
        assert 39.9 < event["end"] - event["onset"] < 40.1


def test_what_is_left_out_is_counted_by_cause(command, synthetic):
    options = (
        *("events", synthetic, "--hed", "closed=Eyes-closed", "--hed", "open=Eyes-open"),
        *("--min-duration", "closed=30", *WINDOWS),
    )
    result = command(*options, "--json")
    assert result.status == 0, result.err
    counts = result.json["counts"]
    assert result.json["left_out"]["closed"] == {"block: min-duration": counts["closed"]["events"]}
    events = [person["counts"]["open"]["events"] for person in result.json["people"]]
    assert sum(events) == counts["open"]["events"]
    assert "left out of closed: block: min-duration" in command(*options).words


def test_the_size_of_the_plan_is_printed(command, synthetic):
    result = command("events", synthetic, "--hed", "Eyes-closed", *WINDOWS)
    assert re.search(r"\d+ windows, [\d.]+ [kM]B as float32", result.words)


def test_a_plan_of_too_many_windows_is_refused_with_their_number(command, synthetic):
    result = command("events", synthetic, "--hed", "Eyes-closed", *WINDOWS, "--stride", "1e-7")
    assert result.status == 2
    assert re.search(r"the plan has [\d,]+ windows of 2 s", result.err)
    assert re.search(r"[\d.,]+ TB as float32", result.err)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_plot_shows_the_first_recording_that_matches(command, synthetic, shared, suffix):
    result = command(
        *("events", synthetic, "--hed", "Eyes-closed", "--exclude", "Label/Impulse"),
        *("--window", "1", "--plot", f"a{suffix}"),
    )
    assert result.status == 0, result.err
    assert "sub-001_task-rest_run-1" in result.err
    assert Path(f"a{suffix}").stat().st_size > 20_000
    without_signals = shared / "hed-metadata" / "ds005505"
    query = ("--hed", "Label/now-close-your-eyes")
    result = command("events", without_signals, *query, "--plot", f"b{suffix}")
    assert result.status == 0, result.err
    assert Path(f"b{suffix}").exists()


@pytest.mark.parametrize(
    ("file", "message"),
    [("a.gif", r"\.png, \.svg"), ("no/a.png", "folder no does not exist")],
)
def test_a_plot_that_cannot_be_written_is_refused(command, synthetic, file, message):
    result = command("events", synthetic, "--hed", "Eyes-closed", "--plot", file)
    assert result.status == 2
    assert re.search(f"--plot {file}: .*{message}", result.err)


def test_event_locked_windows_may_overlap_blocks_of_other_labels(command, synthetic, tmp_path):
    copy = shutil.copytree(synthetic, tmp_path / "syn")
    for table in copy.rglob("*_events.tsv"):
        # impulses of 12 s, which extend into the next block
        table.write_text(table.read_text().replace("n/a", "12"))
    result = command(
        *("events", copy, "--hed", "closed=Eyes-closed", *IMPULSES),
        *("--tmin", "0", "--tmax", "1", "--json"),
    )
    assert result.status == 0, result.err
    assert result.json["counts"]["impulse"]["windows"] == 16
