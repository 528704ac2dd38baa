"""The blocks of events."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import Event
from bids_dl.errors import EventError
from bids_dl.selection import Selection, plan_blocks
from bids_dl.selection.interval import Interval

LABEL_OPTIONS = ("trim", "within", "min_duration")
TIMES = st.integers(0, 100).map(lambda quarters: quarters / 4)
LENGTHS = st.integers(0, 60).map(lambda quarters: quarters / 4)
SPANS = st.tuples(TIMES, LENGTHS)


def event(onset, end, label="a", rule="until", recording="ds/x"):
    return Event(recording, 0, onset, end, rule, label)


def config(*labels, overlap="error", **options):
    labels = tuple(LabelConfig(label, "Red", **options) for label in labels or "a")
    return EventsConfig(labels=labels, overlap=overlap)


def plan(events, *, length=None, overlap="each", excluded=(), around=None, **options):
    """Return the plan of events in a recording of a length in s."""
    label_options = {name: options.pop(name) for name in LABEL_OPTIONS if name in options}
    labels = dict.fromkeys(event.label for event in events)
    kept = {("ds/x", label): intervals for label, intervals in (around or {}).items()}
    selection = Selection(tuple(events), {}, (), tuple(excluded), kept)
    events_config = config(*labels, overlap=overlap, **label_options)
    return plan_blocks(selection, events_config, {"ds/x": length}, **options)


def blocks(events, **options):
    """Return onset and end of each block."""
    return [(block.onset, block.end) for block in plan(events, **options).blocks]


def test_trim_drops_seconds_at_both_ends():
    assert blocks([event(10, 50), event(60, 64)], trim=(3, 5)) == [(13, 45)]


def test_within_keeps_a_part_after_the_onset_even_of_a_block_without_an_end():
    events = [event(10, 50), event(60, None), event(100, 110)]
    assert blocks(events, within=(5, 19)) == [(15, 29), (65, 79), (105, 110)]


def test_trim_and_within_both_refer_to_the_whole_block():
    assert blocks([event(10, 50)], trim=(3, 3), within=(0, 39)) == [(13, 47)]


def test_the_end_of_the_recording_cuts_blocks():
    events = [event(10, 50), event(60, 90), event(70, None), event(85, 90)]
    assert blocks(events, length=80.0) == [(10, 50), (60, 80), (70, 80)]
    assert blocks(events, length=80.0, trim=(0, 5)) == [(10, 45), (60, 75), (70, 75)]
    assert blocks([event(70, None)]) == [(70, None)]


def test_a_block_does_not_begin_before_the_recording():
    assert blocks([event(-2, 5)]) == [(0, 5)]


def test_min_duration_applies_after_trimming():
    events = [event(0, 10), event(20, 24), event(30, None)]
    assert blocks(events, trim=(1, 1), min_duration=8.0) == [(1, 9), (31, None)]


def test_a_boundary_splits_the_block_of_an_event():
    boundaries = {"ds/x": [20.0, 50.0, 70.0], "ds/y": [30.0]}
    planned = plan([event(10, 50)], boundaries=boundaries).blocks
    assert [(block.onset, block.end, block.index) for block in planned] == [
        (10, 20, 0),
        (20, 50, 0),
    ]


def test_matches_of_exclude_are_cut_out():
    excluded = [
        event(20, 25, rule="process"),
        event(40, None, rule=""),
        event(48, 60, rule="duration"),
        event(30, 35, "b"),
    ]
    first, second, third = blocks([event(10, 50)], excluded=excluded)
    assert (first, second) == ((10, 20), (25, 40))
    assert third == (math.nextafter(40, math.inf), 48)


def test_an_event_without_length_has_a_block_without_length():
    assert blocks([event(10, None, rule="")]) == [(10, 10)]
    assert blocks([event(10, None, rule="")], min_duration=1.0) == []


def test_without_sliding_windows_every_event_keeps_one_block():
    events = [event(10, 50), event(20, 60, "b"), event(30, None, "b", "")]
    excluded = [event(12, 13, rule="process")]
    assert blocks(events, overlap="error", sliding=False, excluded=excluded) == [
        (10, 50),
        (20, 60),
        (30, 30),
    ]


def test_blocks_of_two_labels_must_not_overlap():
    events = [event(10, 50), event(40, 60, "b")]
    message = r"ds/x: the block of a from 10.000 s and that of b from 40.000 s overlap"
    with pytest.raises(EventError, match=message):
        blocks(events, overlap="error")
    assert blocks(events, overlap="each") == [(10, 50), (40, 60)]
    assert blocks(events, overlap="first") == [(10, 50), (50, 60)]
    assert blocks(events, overlap="error", trim=(0, 10)) == [(10, 40), (40, 50)]
    assert blocks([event(10, 50), event(40, 60)], overlap="error") == [(10, 50), (40, 60)]


def test_a_difference_of_less_than_half_a_sample_is_rounding():
    events = [event(10, 20.0004), event(20, 30.0004, "b")]
    with pytest.raises(EventError, match="overlap"):
        blocks(events, overlap="error")
    sfreqs = {"ds/x": 1000.0}
    assert blocks(events, overlap="error", sfreqs=sfreqs) == [(10, 20.0004), (20, 30.0004)]
    cut = {"boundaries": {"ds/x": [20.0]}, "sfreqs": sfreqs}
    assert blocks(events[:1], min_duration=10.0004, **cut) == [(10, 20.0)]
    assert blocks([event(10, 10.0004)], sfreqs=sfreqs) == [(10, 10.0004)]


def test_labels_overlap_only_within_one_recording():
    events = (event(10, 50), event(10, 50, "b", recording="ds/y"))
    planned = plan_blocks(Selection(events, {}, ()), config("a", "b"), {})
    assert len(planned.blocks) == 2


def test_parts_of_a_block_outside_around_are_cut_off():
    around = {"a": (Interval(0.0, 12.0), Interval(30.0, 35.0), Interval(49.0, math.inf))}
    assert blocks([event(10, 50), event(60, None)], around=around) == [
        (10, 12),
        (30, 35),
        (49, 50),
        (60, None),
    ]
    assert blocks([event(10, 50)], around=around, sliding=False) == [(10, 50)]


def test_an_earlier_label_takes_only_what_remains_of_itself():
    events = [event(10, 50, "a"), event(25, 60, "b")]
    excluded = [event(20, 30, "a")]
    assert blocks(events, overlap="first", excluded=excluded) == [
        (10, 20),
        (30, 50),
        (25, 30),
        (50, 60),
    ]


@pytest.mark.parametrize(
    ("events", "options", "option", "reason"),
    [
        (
            [event(10, 14)],
            {"trim": (2, 2)},
            "trim",
            "it lasts 4.000 s, of which --trim 2,2 leaves nothing",
        ),
        (
            [event(10, 14)],
            {"within": (5, 9)},
            "within",
            "it lasts 4.000 s, of which --within 5,9 leaves nothing",
        ),
        (
            [event(10, 14)],
            {"min_duration": 5},
            "min-duration",
            "the block lasts 4.000 s, --min-duration is 5 s",
        ),
        (
            [event(90, 95)],
            {"length": 80.0},
            "recording",
            "it begins at 90.000 s, the recording ends at 80.000 s",
        ),
        (
            [event(10, 14)],
            {"excluded": [event(9, 15)]},
            "exclude",
            "all of it overlaps matches of --exclude",
        ),
        (
            [event(10, 14)],
            {"around": {"a": (Interval(20.0, 30.0),)}},
            "around",
            "all of it is farther away than --around allows",
        ),
        (
            [event(10, 50), event(20, 30, "b")],
            {"overlap": "first"},
            "overlap",
            "all of it belongs to an earlier label (--overlap first)",
        ),
    ],
)
def test_an_event_without_a_block_has_a_reason(events, options, option, reason):
    [dropped] = plan(events, **options).dropped
    assert (dropped.kind, dropped.option, dropped.reason) == ("block", option, reason)


@given(
    st.lists(st.tuples(SPANS, st.sampled_from("ab"), st.booleans()), max_size=6),
    st.lists(SPANS, max_size=4),
    st.lists(TIMES, max_size=3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.one_of(st.none(), st.integers(1, 30)),
    st.sampled_from(["first", "each"]),
)
def test_a_block_stays_in_its_event_and_clear_of_what_is_excluded(
    spans, excluded_spans, boundaries, trim, length, overlap
):
    events = [
        event(start, None if is_open else start + size, label)
        for (start, size), label, is_open in spans
    ]
    excluded = [
        event(start, start + size, label, "process" if size else "")
        for start, size in excluded_spans
        for label in "ab"
    ]
    planned = plan_blocks(
        Selection(tuple(events), {}, (), tuple(excluded)),
        config("a", "b", trim=trim, overlap=overlap),
        {"ds/x": length},
        {"ds/x": boundaries},
    )
    kept = {block.index for block in planned.blocks}
    without_block = [event.onset for index, event in enumerate(events) if index not in kept]
    assert sorted(dropped.onset for dropped in planned.dropped) == sorted(without_block)
    recording_end = math.inf if length is None else length
    for block in planned.blocks:
        source = events[block.index]
        end = stop(block)
        assert (block.recording, block.label) == (source.recording, source.label)
        assert source.onset + trim[0] <= block.onset < end
        assert end <= min(recording_end, stop(source)) - trim[1]
        assert not any(block.onset < boundary < end for boundary in boundaries)
        for match in excluded:
            assert end <= match.onset or block.onset >= match.end
            assert not block.onset <= match.onset < end
    if overlap == "first":
        assert not any(overlapping_labels(planned.blocks))
    if not excluded and not boundaries and overlap == "each":
        long_enough = [
            event
            for event in events
            if min(recording_end, stop(event)) - trim[1] > event.onset + trim[0]
        ]
        assert [events[block.index] for block in planned.blocks] == long_enough


def stop(span):
    """Return the end of an event or a block in s."""
    return math.inf if span.end is None else span.end


def overlapping_labels(blocks):
    """Yield the pairs of overlapping blocks of the labels a and b."""
    for first in blocks:
        for second in blocks:
            is_overlap = first.onset < stop(second) and second.onset < stop(first)
            if is_overlap and (first.label, second.label) == ("a", "b"):
                yield first, second
