"""Reading of recordings.json of this version and of version 1."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import small_store
from small_store import SmallStore

from bids_dl.errors import DamagedStoreError
from bids_dl.reporting.recordings import (
    CHANGED_NEARLY_ALL,
    CHANGED_NOTHING,
    DroppedItem,
    RecordingReport,
    StepChange,
    most_notable,
    read_recording_reports,
)
from bids_dl.store import open_store

REJECT = {"step": "reject", "channels": ["Cz"], "share": 0.9, "seconds": 54.0}
FILTER = {"step": "filter", "channels": [], "share": 0.0, "seconds": 0.0}


@pytest.fixture
def read(tmp_path: Path):
    """Return a function that reads recordings.json with the given content."""
    small_store.write(tmp_path / "small.zarr", SmallStore())
    store = open_store(str(tmp_path / "small.zarr"))

    def read_reports(content: str) -> tuple[RecordingReport, ...]:
        (tmp_path / "small.zarr" / "recordings.json").write_text(content, "utf-8")
        return read_recording_reports(store)

    return read_reports


def _document(*steps: dict, dropped: list[dict]) -> str:
    entry = {"duration": 60, "windows": 3, "clipped": 2, "steps": steps, "dropped": dropped}
    return json.dumps({"ds/a": entry, "ds/b": {"dropped": []}})


def test_flags_and_steps_are_read_from_their_fields(read):
    document = _document(
        REJECT | {"notes": ["low"], "flag": CHANGED_NEARLY_ALL},
        FILTER | {"notes": ["changed nothing of note"], "flag": ""},
        dropped=[
            {"onset": 1.0, "reason": "reject: 400 µV", "step": "reject"},
            {"onset": 2.0, "reason": "400 µV", "step": "reject"},
            {"onset": 3.0, "reason": "window: too long", "step": ""},
        ],
    )
    first, second = read(document)
    flagged, plain = first.changes
    assert (flagged.notes, flagged.flag) == (("low",), CHANGED_NEARLY_ALL)
    assert (plain.notes, plain.flag) == (("changed nothing of note",), "")
    assert first.dropped == (
        DroppedItem(1.0, "reject: 400 µV", "reject"),
        DroppedItem(2.0, "reject: 400 µV", "reject"),
        DroppedItem(3.0, "window: too long", ""),
    )
    assert second == RecordingReport("ds/b", 0, None, 0, (), ())


def test_flags_and_steps_are_read_from_the_text_of_version_1(read):
    note = "changed nearly everything: 90% of the windows"
    document = _document(
        REJECT | {"notes": ["low", note]},
        FILTER | {"notes": ["changed nothing"]},
        dropped=[{"onset": 1.0, "reason": "reject: 400 µV"}, {"onset": 3.0, "reason": "ends at 3"}],
    )
    report = read(document)[0]
    assert report.changes == (
        StepChange("reject", ("Cz",), 0.9, 54.0, ("low",), CHANGED_NEARLY_ALL, note),
        StepChange("filter", (), 0.0, 0.0, (), CHANGED_NOTHING, "changed nothing"),
    )
    assert report.dropped == (
        DroppedItem(1.0, "reject: 400 µV", "reject"),
        DroppedItem(3.0, "ends at 3", ""),
    )


def test_a_report_without_seconds_is_read(read):
    step = {key: value for key, value in FILTER.items() if key != "seconds"} | {"notes": []}
    assert read(_document(step, dropped=[]))[0].changes[0].seconds is None


@pytest.mark.parametrize("content", ["", "[]", '{"a": {}}', '{"a": {"dropped": [{}]}}'])
def test_a_damaged_document_is_named_in_the_error(read, content):
    with pytest.raises(
        DamagedStoreError, match=r"small\.zarr: recordings\.json cannot be read .*bids-dl verify"
    ):
        read(content)


@pytest.mark.parametrize(
    ("change", "is_notable"),
    [
        ({}, False),
        ({"share": 0.0}, False),
        ({"share": 0.5}, True),
        ({"channels": ("Cz",)}, True),
        ({"notes": ("low",)}, True),
        ({"flag": CHANGED_NOTHING}, True),
    ],
)
def test_a_change_is_notable_unless_the_step_did_its_plain_task_only(change, is_notable):
    plain = StepChange("filter", (), share=1.0, seconds=60.0)
    assert replace(plain, **change).is_notable == is_notable


def test_findings_count_dropped_items_clipped_samples_channels_and_flags():
    changes = (
        StepChange("reject", ("Cz", "Fz"), 0.9, 1.0, (), CHANGED_NEARLY_ALL),
        StepChange("filter", (), 0.0, 0.0, (), CHANGED_NOTHING),
    )
    report = RecordingReport("ds/a", 1, 60.0, 7, changes, (DroppedItem(1.0, "ends at 3 s"),))
    assert report.n_findings == 1 + 7 + 2 + 1


def test_the_most_notable_items_keep_their_order():
    assert most_notable([1, 5, 3, 5, 2], 3, float) == (5, 3, 5)
    assert most_notable([1, 2], 3, float) == (1, 2)
    assert most_notable(["a", "b", "c"], 2, lambda _: 0) == ("a", "b")
