"""The description of an outcome has its numbers and what failed, escaped in HTML."""

from __future__ import annotations

from dataclasses import replace

from bids_dl.datamodel import Failure
from bids_dl.pipeline.outcome import Outcome, PersonCount

OUTCOME = Outcome(
    url="https://ann:secret@host/<a>.zarr",
    n_windows=3,
    n_recordings=1,
    people=(
        PersonCount("ds", "001", "train", {"open": 1, "closed": 0}),
        PersonCount("ds", "002", "test", {"open": 1, "closed": 1}),
    ),
    failures=(Failure("ds/sub-003", "read", "cannot be read"),),
    warnings=("few <persons>",),
    dropped=2,
)


def test_the_description_has_numbers_failures_and_warnings():
    text = repr(OUTCOME)
    assert text.splitlines() == [
        "Outcome https://***@host/<a>.zarr",
        "  windows: 3 windows of 1 recording",
        "  labels: open 2, closed 1",
        "  people: 2",
        "  failed: 1: ds/sub-003 (read)",
        "  warnings: 1: few <persons>",
        "  left out: 2 (events, blocks or windows)",
    ]
    assert "3 windows of 1 recording, as before" in repr(replace(OUTCOME, unchanged=True))


def test_the_html_is_escaped():
    html = OUTCOME._repr_html_()
    assert "&lt;a&gt;.zarr" in html
    assert "few &lt;persons&gt;" in html
    assert "secret" not in html
