"""`bids-dl events` as a user or a script meets it."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from bids_dl.testing import make_dataset

EYES = ("--hed", "eyes_open=Eyes-open", "--hed", "eyes_closed=Eyes-closed")
LABELS = {"eyes_open", "eyes_closed"}


def test_events_json_has_the_keys_that_are_documented_and_no_others(command, eegbci):
    done = command("events", eegbci, *EYES, "--window", "2", "--json")
    assert (done.status, done.err) == (0, "")
    found = done.json
    assert list(found) == [
        "sources",
        "hed_version",
        "recordings",
        "events",
        "windows",
        "counts",
        "warnings",
        "people",
        "left_out",
    ]
    entities = ["dataset", "recording", "subject", "session", "task", "run"]
    assert {tuple(event) for event in found["events"]} == {
        (*entities, "row", "onset", "end", "end_rule", "label")
    }
    assert found["people"][0] == {
        "dataset": "ds004362",
        "subject": "001",
        "counts": {
            "eyes_open": {"events": 1, "windows": 30},
            "eyes_closed": {"events": 1, "windows": 30},
        },
    }
    assert {tuple(window) for window in found["windows"]} == {
        ("recording", "onset", "label", "block")
    }
    assert {label: tuple(count) for label, count in found["counts"].items()} == dict.fromkeys(
        ("eyes_open", "eyes_closed"), ("recordings", "events", "windows", "open")
    )


def test_events_json_tells_what_matches(command, eegbci):
    found = command("events", eegbci, *EYES, "--window", "2", "--json").json
    assert found["sources"] == [str(eegbci)]
    assert (found["hed_version"], found["recordings"]) == ("8.1.0", 8)
    [typed] = found["warnings"]
    assert re.fullmatch(
        r"ds004362/sub-001/\S+run-1 and 7 more: Fc3., .* and 19 more: no type given, EEG by their 10-05 names",
        typed,
    )
    assert found["counts"]["eyes_open"] == {"recordings": 4, "events": 4, "windows": 120, "open": 0}
    assert found["events"][1] == {
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
    assert found["windows"][30] == {
        "recording": "sub-001/eeg/sub-001_task-motion_run-2",
        "onset": 0.0,
        "label": "eyes_closed",
        "block": 1,
    }


def test_events_json_has_no_windows_where_none_were_asked_for(command, synthetic):
    found = command("events", synthetic, "--hed", "impulse=Label/Impulse", "--json").json
    assert "windows" not in found
    assert len(found["events"]) == 16
    assert {(event["end"], event["end_rule"]) for event in found["events"]} == {(None, "")}


def test_events_of_a_subject_and_a_run_are_those_alone(command, eegbci):
    found = command(
        "events", eegbci, *EYES[2:], "--subject", "sub-002", "--run", "02", "--json"
    ).json
    assert [event["recording"] for event in found["events"]] == [
        "sub-002/eeg/sub-002_task-motion_run-2"
    ]


def test_events_without_json_shows_counts_of_labels_and_people(command, eegbci):
    done = command("events", eegbci, *EYES, "--window", "2")
    assert done.status == 0
    assert "8 recordings searched in ds004362" in done.words
    assert re.search(r"eyes_open\W+Eyes-open\W+4\W+4\W+120\W+0\W", done.words)
    assert re.search(r"ds004362\W+003\W+1 / 30\W+1 / 30", done.words)


def test_no_label_is_cut_short(command, eegbci):
    assert "…" not in command("events", eegbci, *EYES, "--window", "2").out


def test_a_query_without_a_name_is_its_own_label(command, eegbci):
    assert list(
        command("events", eegbci, "--hed", "Eyes-closed && Agent-action", "--json").json["counts"]
    ) == ["Eyes-closed____Agent-action"]


def test_excluded_events_leave_no_window_that_overlaps_one(command, synthetic):
    asked = ("--hed", "closed=Eyes-closed", "--window", "2", "--json")
    every = command("events", synthetic, *asked).json["windows"]
    kept = command("events", synthetic, *asked, "--exclude", "Label/Impulse").json["windows"]
    impulses = command("events", synthetic, "--hed", "impulse=Label/Impulse", "--json").json[
        "events"
    ]
    hit = [
        w
        for w in kept
        for i in impulses
        if i["recording"] == w["recording"] and w["onset"] <= i["onset"] < w["onset"] + 2
    ]
    assert 0 < len(kept) < len(every)
    assert not hit


@pytest.mark.parametrize("real", [True, False])
def test_the_eyes_closed_windows_of_hbn_are_one_command_line(command, request, tmp_path, real):
    if real:
        dataset = request.getfixturevalue("shared") / "hed-metadata" / "ds005505"
    else:
        dataset = make_dataset(tmp_path / "hbn", n_subjects=2, events="hbn").root
    closed = (
        "--hed",
        "eyes_closed=Label/now-close-your-eyes",
        "--until",
        "Label/now-open-your-eyes",
    )
    found = command(
        "events",
        dataset,
        "--task",
        "RestingState",
        *closed,
        "--within",
        "3,37",
        "--window",
        "2",
        "--json",
    ).json
    per_block = Counter(window["block"] for window in found["windows"])
    assert set(per_block.values()) == {17}
    assert len(per_block) == 5 * found["recordings"]
    for window in found["windows"]:
        event = found["events"][window["block"]]
        assert event["onset"] + 3 <= window["onset"] <= event["onset"] + 35 + 1e-6
        assert 39.9 < event["end"] - event["onset"] < 40.1


def test_what_is_left_out_is_counted_by_cause(command, synthetic):
    asked = (
        "events",
        synthetic,
        "--hed",
        "closed=Eyes-closed",
        "--hed",
        "open=Eyes-open",
        "--min-duration",
        "closed=30",
        "--window",
        "2",
    )
    done = command(*asked, "--json")
    assert done.status == 0, done.err
    assert done.json["left_out"]["closed"] == {
        "block: min-duration": done.json["counts"]["closed"]["events"]
    }
    people = {person["subject"]: person["counts"] for person in done.json["people"]}
    assert (
        sum(counts["open"]["events"] for counts in people.values())
        == done.json["counts"]["open"]["events"]
    )
    assert "left out of closed: block: min-duration" in command(*asked).words


def test_the_size_of_the_plan_is_told(command, synthetic):
    assert re.search(
        r"\d+ windows, [\d.]+ [kM]B as float32",
        command("events", synthetic, "--hed", "Eyes-closed", "--window", "2").words,
    )


def test_a_plan_of_too_many_windows_is_refused_with_their_number(command, synthetic):
    done = command("events", synthetic, "--hed", "Eyes-closed", "--window", "2", "--stride", "1e-7")
    assert done.status == 2
    assert re.search(
        r"the plan has [\d,]+ windows of 2 s, one each 1e-07 s, [\d.,]+ TB as float32", done.err
    )


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_shows_the_first_recording_that_matches(command, synthetic, shared, suffix):
    done = command(
        "events",
        synthetic,
        "--hed",
        "Eyes-closed",
        "--exclude",
        "Label/Impulse",
        "--window",
        "1",
        "--plot",
        f"a{suffix}",
    )
    assert done.status == 0, done.err
    assert "sub-001_task-rest_run-1" in done.err
    assert Path(f"a{suffix}").stat().st_size > 20_000
    text_only = command(
        "events",
        shared / "hed-metadata" / "ds005505",
        "--hed",
        "Label/now-close-your-eyes",
        "--plot",
        f"b{suffix}",
    )
    assert text_only.status == 0, text_only.err
    assert Path(f"b{suffix}").exists()


@pytest.mark.parametrize(
    ("file", "message"),
    [("a.gif", "give a file that ends in .png, .svg, .pdf"), ("no/a.png", "cannot be written")],
)
def test_a_picture_that_cannot_be_made_is_refused(command, synthetic, file, message):
    done = command("events", synthetic, "--hed", "Eyes-closed", "--plot", file)
    assert done.status == 2
    assert f"--plot {file}: {message}" in done.err


def test_windows_around_events_may_overlap_blocks_of_other_labels(command, synthetic, tmp_path):
    copy = shutil.copytree(synthetic, tmp_path / "syn")
    for table in copy.rglob("*_events.tsv"):
        table.write_text(
            table.read_text().replace("n/a", "12")
        )  # impulses that last: into the next block
    done = command(
        "events",
        copy,
        "--hed",
        "closed=Eyes-closed",
        "--hed",
        "impulse=Label/Impulse",
        "--tmin",
        "0",
        "--tmax",
        "1",
        "--json",
    )
    assert done.status == 0, done.err
    assert done.json["counts"]["impulse"]["windows"] == 16
