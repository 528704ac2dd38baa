"""A survey accounts for every match, over random recordings and requests."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_dataset import CODES, survey_folder, survey_rows, write_dataset

from bids_dl.errors import EventError, NoMatchError, QueryError, SourceError

TOLERANCE = 1e-5  # s
CODES_OF_LABEL = {"a": {"red"}, "b": {"blue"}}

quarter_seconds = st.integers(0, 160).map(lambda n: n / 4)
codes = st.sampled_from(["red", "red", "blue", *CODES])
durations = st.sampled_from([0.0, 0.0, 1.5, 6.0])
ROWS = st.lists(st.tuples(quarter_seconds, codes, durations), min_size=3, max_size=14)
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
SLIDING = st.fixed_dictionaries(
    {
        "window": st.sampled_from([0.5, 1.0, 2.0]),
        "stride": st.sampled_from([None, 0.25, 3.0]),
    }
)
RECORDING_SECONDS = st.one_of(st.none(), st.integers(5, 60).map(float))


def survey_or_none(rows, duration, options):
    """Survey a dataset; None if a label has no match left, which is an error."""
    try:
        return survey_rows(rows, duration, options)
    except NoMatchError:
        return None


def end_or_infinity(event):
    return math.inf if event.end is None else event.end


@settings(max_examples=150)
@given(ROWS, RECORDING_SECONDS, SELECTION, SLIDING)
def test_windows_are_inside_their_block_and_outside_of_excluded_intervals(
    rows, duration, selection, sliding
):
    survey = survey_or_none(rows, duration, selection | sliding)
    if survey is None:
        return
    jumps = [onset for onset, code, _ in rows if code == "jump"]
    for window in survey.window_plan.windows:
        start = window.onset
        end = window.onset + sliding["window"]
        blocks = [block for block in survey.blocks if block.index == window.block]
        assert any(
            block.onset - TOLERANCE <= start and end <= end_or_infinity(block) + TOLERANCE
            for block in blocks
        )
        event = survey.events[window.block]
        assert (event.label, event.recording) == (window.label, window.recording)
        assert start >= event.onset - TOLERANCE
        assert end <= end_or_infinity(event) + TOLERANCE
        assert start >= 0
        assert end <= (duration or math.inf) + TOLERANCE
        assert not any(start + TOLERANCE < jump < end - TOLERANCE for jump in jumps)
        for excluded in survey.excluded:
            if excluded.label != window.label:
                continue
            has_end = excluded.end is not None or bool(excluded.end_rule)
            excluded_end = end_or_infinity(excluded) if has_end else excluded.onset
            is_before = excluded_end <= start + TOLERANCE
            assert is_before or excluded.onset >= end - TOLERANCE


@settings(max_examples=150)
@given(ROWS, RECORDING_SECONDS, SELECTION, SLIDING)
def test_each_match_gives_windows_or_a_reason(rows, duration, selection, sliding):
    survey = survey_or_none(rows, duration, selection | sliding)
    if survey is None:
        return
    for label, codes_of_label in CODES_OF_LABEL.items():
        matches = Counter(row for row, (_, code, _) in enumerate(rows) if code in codes_of_label)
        accounted = Counter(event.row for event in survey.events if event.label == label)
        for dropped in survey.dropped:
            if dropped.label == label and dropped.kind == "event":
                accounted[dropped.row] += 1
        assert accounted == matches
    with_block = {block.index for block in survey.blocks}
    with_window = {window.block for window in survey.window_plan.windows}
    with_open_end = {block.index for block in survey.blocks if block.end is None}
    with_reason = set()
    for dropped in survey.dropped:
        if dropped.kind in {"block", "window"}:
            with_reason.add((dropped.row, dropped.label))
    for index, event in enumerate(survey.events):
        has_reason = (event.row, event.label) in with_reason
        assert index in with_block or has_reason
        assert index in with_window or index in with_open_end or has_reason


@settings(max_examples=100)
@given(ROWS, RECORDING_SECONDS, SELECTION)
def test_each_event_gives_one_event_locked_window_or_a_reason(rows, duration, selection):
    survey = survey_or_none(rows, duration, selection | {"tmin": -0.5, "tmax": 1.0})
    if survey is None:
        return
    n_dropped = sum(dropped.kind != "event" for dropped in survey.dropped)
    assert len(survey.window_plan.windows) + n_dropped == len(survey.events)
    assert all(dropped.reason and dropped.option for dropped in survey.dropped)
    for window in survey.window_plan.windows:
        assert window.onset + 0.5 == pytest.approx(survey.events[window.block].onset)


def test_meg_recordings_are_skipped_beside_eeg_and_refused_alone(eegbci_copy):
    meg = eegbci_copy / "sub-001" / "meg" / "sub-001_task-motion_run-1_meg.fif"
    meg.parent.mkdir()
    meg.touch()
    survey = survey_folder(eegbci_copy, {"hed": "Eyes-closed"})
    assert len(survey.recordings) == 11
    warning = "skipped 1 of 12 recordings: they are MEG, only EEG and iEEG are read"
    assert warning in survey.warnings
    for folder in eegbci_copy.glob("sub-*/eeg"):
        shutil.rmtree(folder)
    with pytest.raises(SourceError, match="found 1 recording, all MEG"):
        survey_folder(eegbci_copy, {"hed": "Eyes-closed"})


def test_what_is_left_out_and_who_has_no_row_is_among_the_warnings(eegbci_copy):
    shutil.copytree(eegbci_copy / "sub-001", eegbci_copy / "derivatives_old" / "sub-001")
    table = eegbci_copy / "participants.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("sub-00", "sub-"), encoding="utf-8")
    survey = survey_folder(eegbci_copy, {"hed": "Eyes-closed"})
    assert len(survey.recordings) == 11
    text = "\n".join(survey.warnings)
    assert "left out 3 recordings outside of the sub-* folders at the top" in text
    assert "4 of 4 people with recordings without a row, the first sub-001 (it has sub-1)" in text


def test_a_label_without_a_window_is_among_the_warnings(eegbci):
    survey = survey_folder(eegbci, {"hed": ["a=Eyes-open", "b=Eyes-closed"], "window": 100})
    for label, warning in zip("ab", survey.warnings[-2:], strict=True):
        assert f"none of 4 events of {label} gives a window of 100 s; the longest" in warning
        assert "\n" not in warning
    with_windows = survey_folder(eegbci, {"hed": "Eyes-open", "window": 2})
    assert not [text for text in with_windows.warnings if "gives a window" in text]


def test_recordings_without_events_are_skipped_and_refused_alone(eegbci_copy):
    for table in eegbci_copy.glob("sub-*/eeg/*run-1_events.tsv"):
        table.unlink()
    survey = survey_folder(eegbci_copy, {"hed": "Eyes-closed"})
    assert len(survey.recordings) == 7
    assert "skipped 4 of 11 recordings: they have no events.tsv" in survey.warnings
    for table in eegbci_copy.glob("sub-*/eeg/*_events.tsv"):
        table.unlink()
    with pytest.raises(EventError, match=r"none of 11 recordings has an events\.tsv"):
        survey_folder(eegbci_copy, {"hed": "Eyes-closed"})


WHOLE = st.fixed_dictionaries(
    {"whole": st.just(True)},
    optional={
        "trim": st.sampled_from(["0.5", "0,2"]),
        "within": st.just("1,20"),
        "exclude": st.sampled_from(["Data-artifact", "code==bad", ["Red", "code==b*"]]),
    },
)


@settings(max_examples=60)
@given(ROWS, st.integers(5, 60).map(float), WHOLE, SLIDING)
def test_windows_tile_whole_recordings_between_boundaries_and_excluded_intervals(
    rows, duration, selection, sliding
):
    try:
        survey = survey_or_none(rows, duration, selection | sliding)
    except QueryError:  # of a value that no row has
        return
    if survey is None:
        return
    [event] = survey.events
    assert (event.row, event.onset, event.end) == (-1, 0.0, duration)
    window = sliding["window"]
    stride = sliding["stride"] or window
    onsets = [planned.onset for planned in survey.window_plan.windows]
    jumps = [onset for onset, code, _ in rows if code == "jump"]
    rounding = 1e-9  # an interval begins right after an excluded point, the next number of floats
    assert not any(start < jump < start + window - rounding for start in onsets for jump in jumps)
    expected = []
    for block in survey.blocks:
        count = math.floor((block.end - block.onset - window) / stride + 1 + TOLERANCE)
        expected += [block.onset + i * stride for i in range(max(0, count))]
    assert onsets == pytest.approx(expected)
    if "exclude" not in selection:
        first, last = {"0.5": (0.5, 0.5), "0,2": (0, 2)}.get(selection.get("trim"), (0, 0))
        start = max(first, 1 if "within" in selection else 0)
        end = min(duration - last, 20 if "within" in selection else duration)
        inner = sorted({jump for jump in jumps if start < jump < end})
        edges = [start, *inner, end] if end > start else []
        assert [(block.onset, block.end) for block in survey.blocks] == [*pairwise(edges)]


def test_recordings_without_events_tsv_are_surveyed_only_as_a_whole(tmp_path):
    root = write_dataset(tmp_path, [], 20.0)
    next(root.rglob("*_events.tsv")).unlink()
    (root / "sub-1" / "eeg" / "sub-1_task-x_eeg.edf").touch()
    with pytest.raises(EventError, match=r"none of 1 recording has an events\.tsv.*--whole"):
        survey_folder(root, {"hed": "Red"})
    survey = survey_folder(root, {"whole": True})
    assert [event.row for event in survey.events] == [-1]
