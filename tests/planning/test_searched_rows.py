"""Rows that a request searches, if they are from a derivative."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotation_folders import append_answers, write_classes

import bids_dl
from bids_dl.annotate.derivative import export_annotations
from bids_dl.errors import BidsDlError, EventError
from bids_dl.testing import make_dataset


@pytest.fixture
def annotated(tmp_path: Path) -> tuple[Path, Path, str]:
    """Dataset of two recordings of 8 s, derivative of the first, and its path."""
    dataset = make_dataset(tmp_path / "ds1", n_subjects=2, n_blocks=2, block_duration=4)
    path = dataset.recordings[0].path
    labels = tmp_path / "labels"
    write_classes(labels)
    append_answers(labels, path, [(0.0, 4.0, "spike"), (5.0, 1.0, "wave")])
    export_annotations(labels)
    return dataset.root, labels, path


def test_boundaries_of_events_tsv_hold_for_rows_of_a_derivative(annotated):
    source, labels, path = annotated
    table = source / f"{path}_events.tsv"
    header, *_ = table.read_text().splitlines()
    cells = {"onset": "2.5", "duration": "0", "trial_type": "boundary"}
    row = "\t".join(cells.get(name, "n/a") for name in header.split("\t"))
    table.write_text(f"{header}\n{row}\n")
    survey = bids_dl.events(source, annotations=labels, hed={"spike": "Spike"}, window=1)
    assert [window.onset for window in survey.planned_windows] == [0, 1, 2.5]


def test_whole_recordings_leave_out_what_an_expert_marked(annotated):
    source, labels, _ = annotated
    request = {"whole": True, "window": 1, "annotations": labels}
    survey = bids_dl.events(source, exclude="Sharp-wave", **request)
    starts = [window.onset for window in survey.planned_windows if "sub-001" in window.recording]
    others = [window.onset for window in survey.planned_windows if "sub-002" in window.recording]
    assert starts == [0, 1, 2, 3, 4, 6, 7]
    assert others == list(range(8))


def test_annotations_of_other_recordings_are_refused_with_both_paths(annotated):
    source, labels, path = annotated
    with pytest.raises(EventError, match=f"it has {path}, the first recording is sub-002"):
        bids_dl.events(source, annotations=labels, hed="Spike", subject="002")


def test_an_empty_path_is_no_request_for_events_tsv(annotated):
    """As that of an unset variable of the shell."""
    source, _, _ = annotated
    with pytest.raises(BidsDlError, match=r"annotations"):
        bids_dl.events(source, annotations="", hed="Spike")
