"""Which events are selected, where they end and by which rule."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from event_tables import DEFINITIONS, SIDECAR, VERSIONS, chosen, config, ends, table
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError, EventError, NoMatchError, QueryError, SourceError
from bids_dl.selection import select
from bids_dl.selection.matching import Marker, Part
from bids_dl.selection.processes import Moment, track


def test_an_event_ends_at_the_next_match_of_until():
    rows = table((1, "red"), (2, "blue"), (2, "press"), (5, "red"), (6, "press"), (8, "red"))
    assert ends(chosen(rows, "Red", until="Press")) == [
        (1, 2, "until"),
        (5, 6, "until"),
        (8, None, "until"),
    ]


def test_until_wants_a_later_match_than_the_event_itself():
    rows = table((1, "red"), (1, "press"), (3, "press"))
    assert ends(chosen(rows, "Red", until="Press")) == [(1, 3, "until")]


def test_an_until_that_matches_nothing_is_told():
    selection = chosen(table((1, "red")), "Red", until="Press")
    assert ends(selection) == [(1, None, "until")]
    assert (
        '--until "Press" matches no event: the blocks of a go on to the recording\'s end'
        in selection.warnings
    )


def test_until_next_ends_at_any_label():
    rows = table((1, "red"), (3, "blue"), (4, "press"), (7, "red"))
    assert ends(chosen(rows, "Red", "Blue", until="next")) == [
        (1, 3, "until"),
        (3, 7, "until"),
        (7, None, "until"),
    ]


@pytest.mark.parametrize("span", [2.5, "2.5"])
def test_until_may_be_a_span(span):
    assert ends(chosen(table((1, "red"), (2, "red")), "Red", until=span)) == [
        (1, 3.5, "until"),
        (2, 4.5, "until"),
    ]


def test_an_excluded_row_still_ends_a_block():
    rows = table((1, "red"), (2, "press"), (3, "press"))
    assert ends(chosen(rows, "Red", until="Press", exclude=("Press",))) == [(1, 2, "until")]


def test_a_process_ends_at_its_offset_or_its_next_onset():
    rows = table((1, "on"), (2, "in"), (4, "off"), (5, "on"), (7, "on"), (9, "red"))
    assert ends(chosen(rows, "Fixate")) == [
        (1, 4, "process"),
        (2, None, ""),
        (5, 7, "process"),
        (7, None, "process"),
    ]


def test_processes_of_other_values_do_not_end_each_other():
    rows = table((1, "on3"), (2, "on4"), (3, "off3"))
    assert ends(chosen(rows, "Sphere")) == [(1, 3, "process"), (2, None, "process")]


def test_the_last_process_of_a_row_counts():
    assert ends(chosen(table((1, "lasting")), "Triangle")) == [(1, 4, "process")]
    assert ends(chosen(table((1, "lasting")), "Triangle && Red")) == [(1, 4, "process")]


def test_a_process_counts_only_if_its_group_matches():
    sidecar = {"code": {"HED": {"x": "Red, (Duration/2 s, (Blue))"}}}
    assert ends(chosen(table((1, "x"), sidecar=sidecar), "Red")) == [(1, None, "")]
    assert ends(chosen(table((1, "x"), sidecar=sidecar), "Blue")) == [(1, 3, "process")]
    assert ends(chosen(table((1, "x"), sidecar=sidecar), "Red AND Blue")) == [(1, 3, "process")]


def test_what_delay_moves_is_an_event_of_its_own_in_the_same_row():
    selection = chosen(table((1, "later", 9)), "Square")
    assert ends(selection) == [(2.5, 3.0, "process")]
    assert selection.events[0].row == 0
    assert ends(chosen(table((1, "later", 9)), "Circle")) == [(1, 10, "duration")]
    with pytest.raises(NoMatchError):
        chosen(table((1, "later")), "Square AND Circle")


@pytest.mark.parametrize("duration", ["n/a", "0", "-1", "nan", "inf", "1_0", ""])
def test_a_duration_that_is_none_makes_a_moment(duration):
    assert ends(chosen(table((1, "red", duration)), "Red")) == [(1, None, "")]


def test_until_beats_process_beats_duration_beats_next():
    rows = table((1, "on", 10), (3, "off"), (8, "red", 10), (9, "press"), (20, "red"))
    assert ends(chosen(rows, "Fixate", until=1.0)) == [(1, 2, "until")]
    assert ends(chosen(rows, "Fixate", sliding=True)) == [(1, 3, "process")]
    assert ends(chosen(rows, "Red", sliding=True)) == [(8, 18, "duration"), (20, None, "recording")]
    assert ends(chosen(rows, "Press", sliding=True)) == [(9, 20, "next")]


def test_next_is_the_next_row_at_another_time():
    rows = table((1, "red"), (1, "blue"), (4, "strange"), ("n/a", "press"))
    assert ends(chosen(rows, "Red", sliding=True)) == [(1, 4, "next")]


def test_the_recording_ends_the_last_block_of_sliding_windows_only():
    rows = table((1, "red"), duration=61.0)
    assert ends(chosen(rows, "Red", sliding=True)) == [(1, 61, "recording")]
    assert ends(chosen(rows, "Red")) == [(1, None, "")]


def test_an_open_process_or_until_has_no_end_of_its_own():
    rows = table((1, "on"), duration=61.0)
    assert ends(chosen(rows, "Fixate", sliding=True)) == [(1, None, "process")]
    assert ends(chosen(rows, "Fixate", sliding=True, until="Offset")) == [(1, None, "until")]


def test_units_of_hed_8_0_are_read_in_seconds():
    rows = EventRows(
        "ds/a",
        {"onset": ("1",), "HED": ("(Duration/500 ms, (Red)), (Delay/2 minutes, (Blue))",)},
        {},
    )
    selection = select([rows], config("Red", "Blue"), hed_versions={"ds": "8.0.0"}, sliding=False)
    assert ends(selection) == [(1, 1.5, "process"), (121, None, "")]


def test_labels_that_match_one_event_are_refused():
    with pytest.raises(EventError, match=r"event at 1.000 s \(row 0\) matches a and b"):
        chosen(table((1, "red")), "Red", "Sensory-event")


def test_overlap_first_keeps_the_first_label_and_each_keeps_all():
    rows = table((1, "red"), (2, "blue"))
    assert [e.label for e in chosen(rows, "Red", "Sensory-event", overlap="first").events] == [
        "a",
        "b",
    ]
    assert [e.label for e in chosen(rows, "Red", "Sensory-event", overlap="each").events] == [
        "a",
        "b",
        "b",
    ]


def test_a_label_of_which_overlap_or_exclude_leaves_nothing_is_refused():
    with pytest.raises(NoMatchError, match="overlap first"):
        chosen(table((1, "red")), "Red", "Sensory-event", overlap="first")
    with pytest.raises(NoMatchError, match="--exclude"):
        chosen(table((1, "red")), "Red", exclude=("Sensory-event",))


def test_an_event_is_kept_while_a_state_holds_from_its_first_moment_to_before_its_last():
    rows = table(
        (1, "red"), (2, "on"), (2, "red"), (3, "red"), (5, "off"), (5, "red"), (7, "on"), (8, "red")
    )
    found = chosen(rows, "Red", during="Def/Task-a")
    assert [event.onset for event in found.events] == [2, 3, 8]
    assert [(one.onset, one.what, one.cause) for one in found.dropped] == [
        (1, "event", "during"),
        (5, "event", "during"),
    ]


@pytest.mark.parametrize(
    ("state", "onsets"),
    [
        ("Fixate", [3, 5]),  # by the content of a definition
        ("Def/Task-a && Def/Acc/3", [5]),  # two processes that run together
        ("Def/Task-a AND NOT Sphere", [3]),
        ("@Def/Task-a", [1, 7, 9]),  # also where nothing runs
        ("NOT Def/Task-a", [1, 7, 9]),
        ("Def/Task-a || Def/Acc/*", [3, 5, 7]),
    ],
)
def test_a_state_is_what_runs_taken_together(state, onsets):
    rows = table(
        (1, "red"),
        (2, "on"),
        (3, "red"),
        (4, "on3"),
        (5, "red"),
        (6, "off"),
        (7, "red"),
        (8, "off3"),
        (9, "red"),
    )
    assert [event.onset for event in chosen(rows, "Red", during=state).events] == onsets


def test_a_duration_is_a_state_too():
    rows = table((1, "lasting"), (2, "blue"), (3.5, "blue"), (4, "blue"))
    assert [event.onset for event in chosen(rows, "Blue", during="Triangle").events] == [2, 3.5]
    assert [event.onset for event in chosen(rows, "Blue", during="Triangle && Red").events] == [
        2,
        3.5,
    ]


def test_a_state_that_never_holds_is_refused_with_the_rows_that_match():
    with pytest.raises(
        NoMatchError,
        match=r'--during "Press" matches 1 rows, but as a state it never holds: .*Onset and Offset',
    ):
        chosen(table((1, "red"), (2, "press")), "Red", during="Press")


@pytest.mark.parametrize(
    ("seconds", "onsets"),
    [(0, [10]), (2, [8, 10, 12]), (3.5, [8, 10, 12, 20])],
)
def test_around_keeps_what_lies_near(seconds, onsets):
    rows = table(
        (1, "red"),
        (8, "red"),
        (10, "red"),
        (10, "press"),
        (12, "red"),
        (20, "red"),
        (21, "on"),
        (23, "off"),
        (23.5, "press"),
    )
    assert [
        event.onset for event in chosen(rows, "Red", around=("Press", seconds)).events
    ] == onsets


def test_around_a_process_reaches_from_its_onset_to_its_end():
    rows = table(
        (1, "red"), (7, "red"), (8, "on"), (9, "red"), (12, "off"), (13, "red"), (20, "red")
    )
    found = chosen(rows, "Red", around=("Fixate", 1))
    assert [event.onset for event in found.events] == [7, 9, 13]
    assert found.near == {("ds/sub-1/eeg/sub-1_task-x", "a"): ((7, 13),)}
    assert found.dropped[0].reason == "it is farther than 1 s from every match of --around"


def test_a_long_event_that_reaches_near_is_kept_to_be_cut():
    rows = table((0, "red", 100), (200, "red", 10), (110, "press"))
    found = chosen(rows, "Red", around=("Press", 30), sliding=True)
    assert [event.onset for event in found.events] == [0]
    assert found.near[("ds/sub-1/eeg/sub-1_task-x", "a")] == ((80, 140),)


def test_around_what_is_not_there_is_refused():
    with pytest.raises(
        NoMatchError,
        match=r'--around "Def/Acc" matches no row in 1 recording of ds: nothing lies near it',
    ):
        chosen(table((1, "red")), "Red", around=("Def/Acc", 30))


def test_an_alias_matches_any_of_its_queries_and_is_told():
    rows = table((1, "red"), (2, "blue"), (3, "press"))
    found = chosen(rows, "Colour", aliases={"Colour": ("Red", "Green")})
    assert [event.onset for event in found.events] == [1, 2]
    assert "alias Colour: Red OR Green" in found.warnings


def test_excluded_stretches_are_reported():
    selection = chosen(
        table((1, "red"), (2, "lasting"), (9, "press")),
        "Red AND NOT Triangle",
        exclude=("Triangle", "Press"),
    )
    assert [(e.onset, e.end, e.end_rule) for e in selection.excluded] == [
        (2, 5, "process"),
        (9, None, ""),
    ]


def test_recordings_stay_in_the_order_given():
    tables = [table((1, "red"), recording=f"ds/sub-{n}") for n in "312"]
    assert [event.recording for event in chosen(tables, "Red").events] == [
        "ds/sub-3",
        "ds/sub-1",
        "ds/sub-2",
    ]


def test_the_hed_of_an_event_is_that_of_its_row_value_columns_included():
    rows = EventRows("ds/a", {"onset": ("1",), "code": ("red",), "trial": ("7",)}, SIDECAR)
    assert chosen(rows, "Red").events[0].hed == "Sensory-event, Red, Experimental-trial/7"


def test_rows_named_boundary_are_reported():
    columns = {
        "onset": ("1", "2", "n/a"),
        "code": ("red", "n/a", "n/a"),
        "trial_type": ("x", "boundary", "boundary"),
    }
    assert chosen(EventRows("ds/a", columns, SIDECAR), "Red").boundaries == {"ds/a": (2.0,)}


def test_annotations_that_are_broken_are_counted_not_fatal():
    rows = table((0, "off"), (1, "red"), (2, "broken"), (3, "strange"), ("x", "red"))
    lines = "\n".join(chosen(rows, "Red || White").warnings)
    assert "1 rows were skipped: brackets" in lines
    assert "1 Offsets end nothing" in lines
    assert "Purple-thing in row 3" in lines
    assert "1 rows were skipped: their onset is not a number" in lines
    assert "hedtools finds" in lines


def test_strict_refuses_annotations_that_do_not_validate():
    with pytest.raises(SourceError, match="--hed-strict"):
        chosen(table((1, "red")), "Red", hed_strict=True)
    rows = EventRows(
        "ds/a", {"onset": ("1",), "duration": ("0",), "HED": ("Sensory-event, Red",)}, {}
    )
    assert len(chosen(rows, "Red", hed_strict=True).events) == 1


def test_recordings_without_hed_are_counted():
    bare = EventRows("ds/b", {"onset": ("1",)}, {})
    assert (
        "1 recordings have no HED annotations (first: ds/b)"
        in chosen([table((1, "red")), bare], "Red").warnings
    )


def test_no_hed_at_all_is_said_before_the_schema_is_looked_for():
    bare = EventRows("ds/b", {"onset": ("1",), "HED": ("n/a",)}, {})
    with pytest.raises(NoMatchError, match="no HED annotations in 1 recording of ds"):
        select([bare], config("Red"), hed_versions={"ds": "7.1.2"}, sliding=False)
    with pytest.raises(
        NoMatchError, match="the sidecars annotate code, definitions, trial, and no"
    ):
        select(
            [EventRows("ds/b", {"onset": ("1",)}, SIDECAR)],
            config("Red"),
            hed_versions={},
            sliding=False,
        )
    with pytest.raises(NoMatchError, match="no recordings"):
        select([], config("Red"), hed_versions={}, sliding=False)


@pytest.mark.parametrize(
    "version", ["7.1.2", "8.3", "v8.3.0", "testlib_1.0.2", ["8.3.0", "nolib_1.0.0"], "nonsense"]
)
def test_an_unknown_version_lists_those_that_are_there(version):
    with pytest.raises(
        SourceError, match=r"(?s)ds: HEDVersion .*8\.0\.0, 8\.1\.0.*--hed-version.*--hed-schema-dir"
    ):
        select([table((1, "red"))], config("Red"), hed_versions={"ds": version}, sliding=False)
    with pytest.raises(ConfigError, match="--hed-version"):
        select(
            [table((1, "red"))],
            config("Red", hed_version="9.9.9"),
            hed_versions=VERSIONS,
            sliding=False,
        )


@pytest.mark.parametrize("version", [{"a": 1}, 8, [8.3]])
def test_a_version_of_another_type_is_refused(version):
    with pytest.raises(SourceError, match="HEDVersion is a text or a list"):
        select([table((1, "red"))], config("Red"), hed_versions={"ds": version}, sliding=False)


@pytest.mark.parametrize("version", [None, "", []])
def test_a_missing_version_is_told_and_the_newest_taken(version):
    selection = select(
        [table((1, "red"))], config("Red"), hed_versions={"ds": version}, sliding=False
    )
    assert selection.hed_versions["ds"].startswith("8.")
    assert any(
        "no HEDVersion" in line and selection.hed_versions["ds"] in line
        for line in selection.warnings
    )


def test_each_dataset_is_read_with_its_own_version():
    score = EventRows("sc/a", {"onset": ("1",), "HED": ("sc:Eye-blink-artifact, Red",)}, {})
    versions = {"ds": "8.3.0", "sc": ["8.2.0", "sc:score_1.0.0"]}
    selection = select(
        [table((1, "red")), score], config("Red"), hed_versions=versions, sliding=False
    )
    assert selection.hed_versions == {"ds": "8.3.0", "sc": "8.2.0, sc:score_1.0.0"}
    assert len(selection.events) == 2
    assert (
        len(select([score], config("Artifact"), hed_versions=versions, sliding=False).events) == 1
    )


def test_a_schema_of_the_users_folder_is_found_and_no_network_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "urllib.request.urlopen", lambda *_, **__: pytest.fail("the network was asked")
    )
    bundled = Path(INSTALLED_CACHE_LOCATION)
    text = (bundled / "HED8.3.0.xml").read_text(encoding="utf-8")
    (tmp_path / "HED8.3.9.xml").write_text(
        text.replace('version="8.3.0"', 'version="8.3.9"', 1), encoding="utf-8"
    )
    library = (bundled / "HED_score_2.0.0.xml").read_text(encoding="utf-8")
    (tmp_path / "HED_score_9.0.0.xml").write_text(
        library.replace('withStandard="', 'withStandard="9.', 1), encoding="utf-8"
    )
    folder = str(tmp_path)
    found = select(
        [table((1, "red"))],
        config("Red", hed_schema_dir=folder),
        hed_versions={"ds": "8.3.9"},
        sliding=False,
    )
    assert found.hed_versions == {"ds": "8.3.9"}
    (tmp_path / "prerelease").mkdir()
    (tmp_path / "prerelease" / "HED8.9.0.xml").write_text(
        text.replace('version="8.3.0"', 'version="8.9.0"', 1), encoding="utf-8"
    )
    assert select(
        [table((1, "red"))],
        config("Red", hed_schema_dir=folder),
        hed_versions={"ds": "8.9.0"},
        sliding=False,
    ).events
    with pytest.raises(SourceError, match="score_9"):
        select(
            [table((1, "red"))],
            config("Red", hed_schema_dir=folder),
            hed_versions={"ds": "score_9.0.0"},
            sliding=False,
        )
    with pytest.raises(ConfigError, match="no such folder"):
        select(
            [table((1, "red"))],
            config("Red", hed_schema_dir=folder + "/x"),
            hed_versions=VERSIONS,
            sliding=False,
        )


def test_durations_that_cannot_be_seconds_are_told():
    rows = table((1, "red", 300), (2, "red", 300), (3, "red", 300))
    assert any("are they seconds?" in line for line in chosen(rows, "Red").warnings)
    rows = table(
        (1, "red", 10), (3, "blue"), (11, "red", 10), (14, "blue"), (21, "red", 10), (24, "blue")
    )
    assert not any("are they seconds?" in line for line in chosen(rows, "Red").warnings)
    rows = table((1, "red", 0.5), (2, "red", 0.5), (3, "red", 300))
    assert not any("are they seconds?" in line for line in chosen(rows, "Red").warnings)


def test_an_unknown_word_is_refused_wherever_it_stands():
    for query in ("Red || Redd", "@Redd", "Red AND NOT Redd", "Redd*"):
        with pytest.raises(QueryError, match=r"Redd\*? is not a HED tag"):
            chosen(table((1, "red")), query)
    with pytest.raises(QueryError, match=r"--exclude .*Redd"):
        chosen(table((1, "red")), "Red", exclude=("Redd",))
    assert chosen(table((1, "red")), "Red", exclude=("Def/Bad-trial", "Data-artifact")).events


ATOMS = [
    "Red",
    "Def/Task-a",
    "Def/Acc/3",
    "Def-expand/Task-a",
    "(Def-expand/New, (Red))",
    "(Definition/Late, (Red))",
    "Definition/#",
]
ATOMS += [
    "Onset",
    "Offset",
    "Inset",
    "Duration/3 s",
    "Duration/x",
    "Delay/2 s",
    "Delay/3 months",
    "{code}",
    "{HED}",
    "{c}",
    "#",
    "Label/#",
]
ATOMS += [
    "",
    "()",
    "n/a",
    "Nonsense/é",
    "Delay",
    "(Onset)",
    "~",
    ")",
    "Def",
    "Def/",
    "/",
    "sc:Red",
    "Label/a b",
]
LEAVES = st.lists(st.sampled_from(ATOMS), max_size=3).map(", ".join)
HED = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: f"({', '.join(parts)})"
    ),
    max_leaves=4,
)
ENTRIES = st.one_of(
    HED,
    st.dictionaries(st.sampled_from(["x", "1", "n/a"]), HED),
    st.sampled_from([5, ["x"], {"x": None}]),
)


ROWS = st.lists(
    st.tuples(st.sampled_from(["1", "n/a", "-2"]), st.sampled_from(["x", "1", "("]), HED),
    min_size=1,
    max_size=3,
)


@settings(max_examples=80, deadline=None)
@given(
    ENTRIES,
    ENTRIES,
    st.lists(
        st.tuples(st.sampled_from(["1", "n/a", "-2"]), st.sampled_from(["x", "1", "("]), HED),
        min_size=1,
        max_size=3,
    ),
)
@pytest.mark.parametrize("query", ["Red || Label", "@Red AND NOT Def", "[Def && Offset]", "{Red:}"])
def test_no_annotation_however_odd_stops_with_another_error(query, entry, other, rows):
    onsets, cells, texts = zip(*rows, strict=True)
    columns = {
        "onset": onsets,
        "duration": ("2",) * len(rows),
        "code": cells,
        "c": cells,
        "HED": texts,
    }
    odd = EventRows(
        "ds/a", columns, {"code": {"HED": entry}, "c": {"HED": other}, "definitions": DEFINITIONS}
    )
    for strict in (False, True):
        with contextlib.suppress(NoMatchError, SourceError):
            selection = chosen(
                odd, query, sliding=True, exclude=("Blue",), until="next", hed_strict=strict
            )
            assert all(math.isfinite(event.onset) for event in selection.events)


ANCHORS = st.sampled_from(["a", "b", "a/1"])


@given(st.lists(st.tuples(st.sampled_from(["onset", "offset"]), ANCHORS), max_size=25))
def test_a_process_is_never_begun_twice_nor_ended_before_it_began(steps):
    moments = [
        Moment(float(i), i, Part(0.0, (), (Marker(kind, anchor, 0.0),)))
        for i, (kind, anchor) in enumerate(steps)
    ]
    begun, unmatched = track(moments)
    spans = [
        (moments[i].onset, end, marker.anchor) for i, own in begun.items() for marker, end in own
    ]
    assert len(spans) == [kind for kind, _ in steps].count("onset")
    for start, end, anchor in spans:
        later = [i for i, (_, name) in enumerate(steps) if name == anchor and i > start]
        assert end == (later[0] if later else None)
    ended = [end for _, end, _ in spans if end is not None and steps[int(end)][0] == "offset"]
    assert sorted([*unmatched, *map(int, ended)]) == [
        i for i, (kind, _) in enumerate(steps) if kind == "offset"
    ]
