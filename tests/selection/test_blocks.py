"""The stretches that events leave to windows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import Event
from bids_dl.errors import EventError
from bids_dl.selection import Selection, blocks


def event(onset, end, label="a", rule="until", recording="ds/x"):
    return Event(recording, 0, onset, end, rule, label)


def config(*labels, overlap="error", **own):
    return EventsConfig(
        labels=tuple(LabelConfig(label, "Red", **own) for label in labels or "a"), overlap=overlap
    )


def selection(events, excluded=(), near=None):
    return Selection(tuple(events), {}, (), tuple(excluded), near or {})


def cut(events, *, length=None, **options):
    own = {
        name: options.pop(name) for name in ("trim", "within", "min_duration") if name in options
    }
    overlap = options.pop("overlap", "each")
    labels = dict.fromkeys(e.label for e in events)
    near = {("ds/x", label): stretches for label, stretches in options.pop("near", {}).items()}
    chosen = selection(events, options.pop("excluded", ()), near)
    found = blocks(chosen, config(*labels, overlap=overlap, **own), {"ds/x": length}, **options)
    return [(block.onset, block.end) for block in found.blocks]


def test_trim_drops_seconds_at_both_ends():
    assert cut([event(10, 50), event(60, 64)], trim=(3, 5)) == [(13, 45)]


def test_within_keeps_a_part_after_the_onset_also_of_a_block_without_an_end():
    assert cut([event(10, 50), event(60, None), event(100, 110)], within=(5, 19)) == [
        (15, 29),
        (65, 79),
        (105, 110),
    ]


def test_trim_and_within_are_both_of_the_whole_block():
    assert cut([event(10, 50)], trim=(3, 3), within=(0, 39)) == [(13, 47)]


def test_the_end_of_the_recording_cuts_blocks():
    events = [event(10, 50), event(60, 90), event(70, None), event(85, 90)]
    assert cut(events, length=80.0) == [(10, 50), (60, 80), (70, 80)]
    assert cut(events, length=80.0, trim=(0, 5)) == [(10, 45), (60, 75), (70, 75)]
    assert cut([event(70, None)]) == [(70, None)]
    assert cut([event(-2, 5)]) == [(0, 5)]


def test_min_duration_is_that_of_what_is_left():
    assert cut([event(0, 10), event(20, 24), event(30, None)], trim=(1, 1), min_duration=8.0) == [
        (1, 9),
        (31, None),
    ]


def test_a_boundary_makes_two_blocks_of_one_event():
    found = blocks(
        selection([event(10, 50)]), config(), {}, {"ds/x": [20.0, 50.0, 70.0], "ds/y": [30.0]}
    )
    assert [(b.onset, b.end, b.index) for b in found.blocks] == [(10, 20, 0), (20, 50, 0)]


def test_what_is_excluded_is_cut_out():
    excluded = [
        event(20, 25, rule="process"),
        event(40, None, rule=""),
        event(48, 60, rule="duration"),
        event(30, 35, "b"),
    ]
    (first, second, third) = cut([event(10, 50)], excluded=excluded)
    assert (first, second) == ((10, 20), (25, 40))
    assert third == (math.nextafter(40, math.inf), 48)


def test_moments_have_one_block_without_a_length():
    assert cut([event(10, None, rule="")]) == [(10, 10)]
    assert cut([event(10, None, rule="")], min_duration=1.0) == []


def test_without_sliding_windows_every_event_keeps_one_block():
    events = [event(10, 50), event(20, 60, "b"), event(30, None, "b", "")]
    excluded = [event(12, 13, rule="process")]
    assert cut(events, overlap="error", sliding=False, excluded=excluded) == [
        (10, 50),
        (20, 60),
        (30, 30),
    ]


def test_blocks_of_two_labels_must_not_overlap():
    events = [event(10, 50), event(40, 60, "b")]
    with pytest.raises(
        EventError, match=r"ds/x: the block of a from 10.000 s and that of b from 40.000 s overlap"
    ):
        cut(events, overlap="error")
    assert cut(events, overlap="each") == [(10, 50), (40, 60)]
    assert cut(events, overlap="first") == [(10, 50), (50, 60)]
    assert cut(events, overlap="error", trim=(0, 10)) == [(10, 40), (40, 50)]
    assert cut([event(10, 50), event(40, 60)], overlap="error") == [(10, 50), (40, 60)]


def test_labels_overlap_within_one_recording_only():
    events = [event(10, 50), event(10, 50, "b", recording="ds/y")]
    assert len(blocks(selection(events), config("a", "b"), {}).blocks) == 2


def test_what_lies_too_far_away_is_cut_off():
    near = {"a": ((0.0, 12.0), (30.0, 35.0), (49.0, math.inf))}
    assert cut([event(10, 50), event(60, None)], near=near) == [
        (10, 12),
        (30, 35),
        (49, 50),
        (60, None),
    ]
    assert cut([event(10, 50)], near=near, sliding=False) == [(10, 50)]


def test_an_earlier_label_takes_only_what_is_left_of_itself():
    excluded = [event(20, 30, "a")]
    assert cut([event(10, 50, "a"), event(25, 60, "b")], overlap="first", excluded=excluded) == [
        (10, 20),
        (30, 50),
        (25, 30),
        (50, 60),
    ]


@pytest.mark.parametrize(
    ("events", "options", "causes"),
    [
        (
            [event(10, 14)],
            {"trim": (2, 2)},
            {"trim": "it lasts 4.000 s, of which --trim 2,2 leaves nothing"},
        ),
        (
            [event(10, 14)],
            {"within": (5, 9)},
            {"within": "it lasts 4.000 s, of which --within 5,9 leaves nothing"},
        ),
        (
            [event(10, 14)],
            {"min_duration": 5},
            {"min-duration": "the block lasts 4.000 s, --min-duration is 5 s"},
        ),
        (
            [event(90, 95)],
            {"length": 80.0},
            {"recording": "it begins at 90.000 s, the recording ends at 80.000 s"},
        ),
        (
            [event(10, 14)],
            {"excluded": [event(9, 15)]},
            {"exclude": "all of it overlaps what is excluded"},
        ),
        (
            [event(10, 14)],
            {"near": {("ds/x", "a"): ((20.0, 30.0),)}},
            {"around": "all of it is farther than --around says"},
        ),
        (
            [event(10, 50), event(20, 30, "b")],
            {"overlap": "first"},
            {"overlap": "all of it belongs to an earlier label (--overlap first)"},
        ),
    ],
)
def test_an_event_without_a_block_has_a_reason(events, options, causes):
    own = {
        name: options[name]
        for name in ("trim", "within", "min_duration", "overlap")
        if name in options
    }
    chosen = selection(events, options.get("excluded", ()), options.get("near"))
    found = blocks(chosen, config("a", "b", **own), {"ds/x": options.get("length")})
    assert {one.cause: one.reason for one in found.dropped} == causes


TIMES = st.integers(0, 100).map(lambda x: x / 4)
SPANS = st.tuples(TIMES, st.integers(0, 60).map(lambda x: x / 4))


@given(
    st.lists(st.tuples(SPANS, st.sampled_from("ab"), st.booleans()), max_size=6),
    st.lists(SPANS, max_size=4),
    st.lists(TIMES, max_size=3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.one_of(st.none(), st.integers(1, 30)),
    st.sampled_from(["first", "each"]),
)
def test_a_block_stays_in_its_event_and_clear_of_what_is_excluded(
    spans, bad, jumps, trim, length, overlap
):
    events = [
        event(start, None if open_ended else start + size, label)
        for (start, size), label, open_ended in spans
    ]
    excluded = [
        event(start, start + size, label, "process" if size else "")
        for start, size in bad
        for label in "ab"
    ]
    chosen = selection(events, excluded)
    left = blocks(
        chosen, config("a", "b", trim=trim, overlap=overlap), {"ds/x": length}, {"ds/x": jumps}
    )
    found, kept = left.blocks, {block.index for block in left.blocks}
    assert sorted(one.onset for one in left.dropped) == sorted(
        e.onset for i, e in enumerate(events) if i not in kept
    )
    limit = math.inf if length is None else length
    for block in found:
        own, end = events[block.index], math.inf if block.end is None else block.end
        assert (block.recording, block.label) == (own.recording, own.label)
        assert (
            own.onset + trim[0]
            <= block.onset
            < end
            <= min(limit, math.inf if own.end is None else own.end) - trim[1]
        )
        assert not any(block.onset < jump < end for jump in jumps)
        for stretch in excluded:
            assert end <= stretch.onset or block.onset >= stretch.end
            assert not block.onset <= stretch.onset < end
    if overlap == "first":
        assert not any(
            one.label == "a"
            and other.label == "b"
            and one.onset < (other.end or math.inf)
            and other.onset < (one.end or math.inf)
            for one in found
            for other in found
        )
    if not excluded and not jumps and overlap == "each":
        long = [
            e
            for e in events
            if min(limit, math.inf if e.end is None else e.end) - trim[1] > e.onset + trim[0]
        ]
        assert [events[block.index] for block in found] == long
