"""Processes from Onset to Offset, against a second definition and against hedtools."""

from __future__ import annotations

from event_tables import event_ends, event_rows, select_events
from hed.tools.analysis.event_manager import EventManager
from hed_datasets import load_bundled_schema, read_tables, tabular_input
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.search.matching import TemporalGroup, TimedAnnotation
from bids_dl.selection.search.processes import Occurrence, track_processes
from bids_dl.selection.tables.annotated_tables import AnnotatedTables
from bids_dl.selection.tables.annotations import read_sidecar

DEFINITIONS = st.sampled_from(["a", "b", "a/1"])
STEPS = st.lists(st.tuples(st.sampled_from(["onset", "offset"]), DEFINITIONS), max_size=25)


def test_a_process_ends_at_its_offset_or_its_next_onset():
    table = event_rows((1, "on"), (2, "in"), (4, "off"), (5, "on"), (7, "on"), (9, "red"))
    assert event_ends(select_events(table, "Fixate")) == [
        (1, 4, "process"),
        (2, None, ""),
        (5, 7, "process"),
        (7, None, "process"),
    ]


def test_processes_of_other_values_do_not_end_each_other():
    table = event_rows((1, "on3"), (2, "on4"), (3, "off3"))
    assert event_ends(select_events(table, "Sphere")) == [(1, 3, "process"), (2, None, "process")]


def test_processes_of_real_recordings_are_those_of_hedtools_event_manager(shared):
    tables, version = read_tables(shared / "hed-metadata" / "ds003645")
    schema = load_bundled_schema(version)
    for table in tables[:3]:
        sidecar = read_sidecar(table.sidecar, schema)
        annotated = AnnotatedTables((table,), (sidecar,), {}, {}, 1)
        [timeline] = annotated.search((compile_query("Def"),), IssueCounter())
        processes = []
        for occurrence, begun in zip(timeline.occurrences, timeline.processes, strict=True):
            processes += [
                (occurrence.onset, process.group.definition, process.end) for process in begun
            ]
        expected = []
        for events in EventManager(tabular_input(table), schema).event_list:
            for event in events:
                name = event.anchor.removeprefix("Def/").casefold()
                end = None if event.end_time is None else float(event.end_time)
                expected.append((event.start_time, name, end))
        assert sorted(processes) == sorted(expected)


@given(STEPS)
def test_a_process_never_begins_twice_nor_ends_before_it_begins(steps):
    occurrences = []
    for second, (kind, definition) in enumerate(steps):
        group = TemporalGroup(kind, definition, 0.0)
        annotation = TimedAnnotation(0.0, (), (group,))
        occurrences.append(Occurrence(float(second), second, annotation))
    tracked = track_processes(occurrences)
    spans = [
        (index, process.end, process.group.definition)
        for index, processes in tracked.begun.items()
        for process in processes
    ]
    kinds = [kind for kind, _ in steps]
    assert len(spans) == kinds.count("onset")
    for start, end, definition in spans:
        later = [i for i, (_, name) in enumerate(steps) if name == definition and i > start]
        assert end == (later[0] if later else None)
    ended = [int(end) for _, end, _ in spans if end is not None]
    matched = [second for second in ended if kinds[second] == "offset"]
    offsets = [second for second, kind in enumerate(kinds) if kind == "offset"]
    assert sorted([*tracked.unmatched, *matched]) == offsets
