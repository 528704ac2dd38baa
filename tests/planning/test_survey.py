"""What a plan holds and what it leaves out, over random recordings and requests."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.config import parsing
from bids_dl.errors import NoMatchError, SourceError, WindowError
from bids_dl.planning.summary import left_out, per_label, per_person
from bids_dl.planning.survey import survey_sources

CODES = {
    "red": "Sensory-event, Red",
    "blue": "Sensory-event, Blue",
    "bad": "Data-artifact",
    "on": "(Def/Task-a, Onset)",
    "off": "(Def/Task-a, Offset)",
    "other": "Agent-action",
    "jump": "Data-feature",
}
RED, BLUE = {"red"}, {"blue"}
SFREQ = 64.0
NEAR = 1e-5


def write(root: Path, rows: list[tuple[float, str, float]], duration: float | None) -> str:
    """A text-only dataset of one recording."""
    folder = root / "ds" / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    (root / "ds" / "dataset_description.json").write_text(
        json.dumps({"Name": "x", "BIDSVersion": "1.9.0", "HEDVersion": "8.3.0"})
    )
    definitions = {"HED": {"a": "(Definition/Task-a, (Task))"}}
    (root / "ds" / "events.json").write_text(
        json.dumps({"code": {"HED": CODES}, "definitions": definitions})
    )
    lines = [
        f"{onset}\t{length or 'n/a'}\t{code}\t{'boundary' if code == 'jump' else 'n/a'}"
        for onset, code, length in rows
    ]
    (folder / "sub-1_task-x_events.tsv").write_text(
        "\n".join(["onset\tduration\tcode\ttype", *lines])
    )
    header = {"SamplingFrequency": SFREQ} | ({"RecordingDuration": duration} if duration else {})
    (folder / "sub-1_task-x_eeg.json").write_text(json.dumps(header))
    return str(root / "ds")


def surveyed(rows, duration, given):
    with TemporaryDirectory() as folder:
        source = write(Path(folder), rows, duration)
        return survey_sources(
            [source],
            parsing.source_config({}),
            parsing.events_config(given),
            parsing.windows_config(given),
        )


quarters = st.integers(0, 160).map(lambda n: n / 4)
ROWS = st.lists(
    st.tuples(
        quarters,
        st.sampled_from(["red", "red", "blue", *CODES]),
        st.sampled_from([0.0, 0.0, 1.5, 6.0]),
    ),
    min_size=3,
    max_size=14,
)
SELECTION = st.fixed_dictionaries(
    {"hed": st.just(["a=Red", "b=Blue"]), "overlap": st.sampled_from(["first", "each"])},
    optional={
        "until": st.sampled_from(["next", "Agent-action", "3.5", ["a=4"]]),
        "trim": st.sampled_from(["0.5", "0,2"]),
        "within": st.just("1,6"),
        "min_duration": st.sampled_from(["2", ["b=3"]]),
        "exclude": st.sampled_from(
            ["Data-artifact", ["b=Data-artifact"], ["a=Def/Task-a", "Data-artifact"]]
        ),
        "during": st.sampled_from(["Def/Task-a", ["a=NOT Def/Task-a"]]),
        "around": st.sampled_from([("Agent-action", 4.0), ("b=Data-artifact", 2.5)]),
    },
)
SLIDING = st.tuples(st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([None, 0.25, 3.0]))
DURATION = st.one_of(st.none(), st.integers(5, 60).map(float))


def found_or_none(rows, duration, given):
    """The survey, or None where nothing is left of a label, which is said as an error."""
    try:
        return surveyed(rows, duration, given)
    except NoMatchError:
        return None


@settings(max_examples=150, deadline=None)
@given(ROWS, DURATION, SELECTION, SLIDING)
def test_windows_stay_in_their_block_and_clear_of_what_is_excluded(rows, duration, given, sliding):
    found = found_or_none(rows, duration, given | {"window": sliding[0], "stride": sliding[1]})
    if found is None:
        return
    jumps = [onset for onset, code, _ in rows if code == "jump"]
    for window in found.cut.windows:
        start, end = window.onset, window.onset + sliding[0]
        inside = [
            b
            for b in found.blocks
            if b.index == window.block
            and b.onset - NEAR <= start
            and end <= (b.end or math.inf) + NEAR
        ]
        assert inside
        event = found.events[window.block]
        assert (event.label, event.recording) == (window.label, window.recording)
        assert start >= event.onset - NEAR
        assert end <= (math.inf if event.end is None else event.end) + NEAR
        assert start >= 0
        assert end <= (duration or math.inf) + NEAR
        assert not any(start + NEAR < jump < end - NEAR for jump in jumps)
        for bad in (bad for bad in found.excluded if bad.label == window.label):
            last = bad.end if bad.end is not None else math.inf if bad.end_rule else bad.onset
            assert last <= start + NEAR or bad.onset >= end - NEAR


@settings(max_examples=150, deadline=None)
@given(ROWS, DURATION, SELECTION, SLIDING)
def test_each_match_gives_windows_or_a_reason(rows, duration, given, sliding):
    found = found_or_none(rows, duration, given | {"window": sliding[0], "stride": sliding[1]})
    if found is None:
        return
    for label, codes in (("a", RED), ("b", BLUE)):
        matches = Counter(row for row, (_, code, _) in enumerate(rows) if code in codes)
        taken = Counter(event.row for event in found.events if event.label == label)
        assert (
            taken
            + Counter(
                one.row for one in found.dropped if one.label == label and one.what == "event"
            )
            == matches
        )
    blocks, windows = (
        Counter(b.index for b in found.blocks),
        Counter(w.block for w in found.cut.windows),
    )
    open_ends = {block.index for block in found.blocks if block.end is None}
    for index, event in enumerate(found.events):
        mine = [
            d
            for d in found.dropped
            if (d.row, d.label, d.what)
            in {(event.row, event.label, "block"), (event.row, event.label, "window")}
        ]
        assert blocks[index] or mine
        assert windows[index] or mine or index in open_ends


@settings(max_examples=100, deadline=None)
@given(ROWS, DURATION, SELECTION)
def test_each_event_gives_one_window_or_a_reason_where_windows_are_locked_to_events(
    rows, duration, given
):
    found = found_or_none(rows, duration, given | {"tmin": -0.5, "tmax": 1.0})
    if found is None:
        return
    lost = [one for one in found.dropped if one.what != "event"]
    assert len(found.cut.windows) + len(lost) == len(found.events)
    assert all(one.reason and one.cause for one in found.dropped)
    for window in found.cut.windows:
        assert window.onset + 0.5 == pytest.approx(found.events[window.block].onset)


def test_an_absurd_plan_is_refused_before_it_is_made():
    with pytest.raises(
        WindowError,
        match=r"39,\d{3},\d{3} windows of 1 s, one each 1e-06 s; a store holds at most 10,000,000",
    ):
        surveyed([(0.0, "red", 40.0)], 60.0, {"hed": "Red", "window": 1, "stride": 1e-6})


def test_counts_add_up():
    rows = [
        (0.0, "red", 10.0),
        (10.0, "blue", 10.0),
        (20.0, "red", 10.0),
        (25.0, "bad", 0.0),
        (30.0, "red", 10.0),
        (30.0, "bad", 0.0),
    ]
    found = surveyed(
        rows, 60.0, {"hed": ["a=Red", "b=Blue"], "window": 4, "exclude": "Data-artifact"}
    )
    assert per_label(found) == {
        "a": {"recordings": 1, "events": 3, "windows": 6, "open": 0},
        "b": {"recordings": 1, "events": 1, "windows": 2, "open": 0},
    }
    assert per_person(found) == {
        ("ds", "1"): {"a": {"events": 3, "windows": 6}, "b": {"events": 1, "windows": 2}}
    }
    assert left_out(found) == {}
    locked = surveyed(
        rows,
        60.0,
        {
            "hed": ["a=Red", "b=Blue"],
            "tmin": 0,
            "tmax": 6,
            "exclude": ["a=Data-artifact"],
            "min_duration": "b=20",
        },
    )
    assert left_out(locked) == {"a": {"window: exclude": 1}, "b": {"block: min-duration": 1}}


def test_meg_beside_eeg_is_left_out_and_alone_refused(eegbci_copy):
    meg = eegbci_copy / "sub-001" / "meg" / "sub-001_task-motion_run-1_meg.fif"
    meg.parent.mkdir()
    meg.touch()
    given = {"hed": "Eyes-closed"}
    found = survey_sources(
        [str(eegbci_copy)],
        parsing.source_config({}),
        parsing.events_config(given),
        parsing.windows_config(given),
    )
    assert len(found.recordings) == 8
    assert (
        "1 of 9 recordings are MEG and were left out; only EEG and iEEG are read" in found.warnings
    )
    for folder in eegbci_copy.glob("sub-*/eeg"):
        shutil.rmtree(folder)
    with pytest.raises(SourceError, match="all of 1 recordings are MEG"):
        survey_sources(
            [str(eegbci_copy)],
            parsing.source_config({}),
            parsing.events_config(given),
            parsing.windows_config(given),
        )
