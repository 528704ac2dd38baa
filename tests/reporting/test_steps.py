"""Summaries of the steps of a recipe over recordings."""

from __future__ import annotations

from bids_dl.reporting.recordings import (
    CHANGED_NEARLY_ALL,
    CHANGED_NOTHING,
    DroppedItem,
    RecordingReport,
    StepChange,
)
from bids_dl.reporting.steps import ShareRange, summarize_other_stages, summarize_steps


def _change(
    step: str, share: float, *, channels: tuple[str, ...] = (), notes=(), seconds=1.0, flag=""
) -> StepChange:
    return StepChange(step, channels, share, seconds, tuple(notes), flag, flag)


def _report(
    key: str, *changes: StepChange, dropped: tuple[DroppedItem, ...] = ()
) -> RecordingReport:
    return RecordingReport(key, 5, 60.0, 0, changes, dropped)


def test_two_steps_of_one_name_are_summarized_separately():
    recipe = [
        {"reference": {"channels": "average", "template": None}},
        {"filter": None},
        {"reference": {"channels": ["M1", "M2"]}},
    ]
    reports = []
    for i, (first_share, second_share) in enumerate([(0.1, 0.3), (0.2, 0.6), (0.3, 0.3)]):
        report = _report(
            f"ds/{i}",
            _change("read", 0, notes=["low"]),
            _change("reference", first_share),
            _change("filter", 1),
            _change("reference", second_share),
        )
        reports.append(report)
    first, _, second = summarize_steps(recipe, reports)
    assert first.share == ShareRange(0.1, 0.2, 0.3)
    assert second.share == ShareRange(0.3, 0.3, 0.6)
    assert first.parameters == (("channels", "average"),)
    assert second.parameters == (("channels", "M1, M2"),)
    [read] = summarize_other_stages(recipe, reports)
    assert (read.name, [note.text for note in read.notes]) == ("read", ["low"])


def test_flags_channels_and_dropped_windows_are_counted_over_recordings():
    dropped = (
        DroppedItem(1.0, "reject: 400 µV", "reject"),
        DroppedItem(2.0, "reject: 500 µV", "reject"),
        DroppedItem(3.0, "ends at 3 s"),
    )
    reports = [
        _report(
            "ds/a",
            _change("reject", 0.9, channels=("Cz", "Fz"), flag=CHANGED_NEARLY_ALL),
            dropped=dropped,
        ),
        _report("ds/b", _change("reject", 0.0, flag=CHANGED_NOTHING)),
        _report("ds/c", _change("reject", 0.1, channels=("Cz",), seconds=None)),
    ]
    [step] = summarize_steps([{"reject": {"peak_to_peak": 300.0}}], reports)
    assert (step.changed_nearly_all, step.changed_nothing, step.notes) == (("ds/a",), ("ds/b",), ())
    assert step.channels == (("Cz", 2), ("Fz", 1))
    assert (step.with_channels, step.dropped_windows) == (2, 2)
    assert step.seconds is None  # the third report has no seconds


def test_a_step_without_reports_has_no_share():
    [step] = summarize_steps([{"filter": None}], [])
    assert (step.share, step.seconds, step.recordings) == (None, None, 0)
