from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from example_records import sleep_record

from bids_dl.models.target import TargetSpec
from bids_dl.training.record.hypnogram import (
    NARROW_SIZE,
    Hypnogram,
    collect_hypnograms,
    find_stages,
    hypnogram_files,
    plot_hypnogram,
    rem_of,
    steps_of,
)

SPEC = TargetSpec("stage", "classes", ("stage",), ("W", "R", "N1", "N2", "N3"))


@pytest.mark.parametrize(
    ("classes", "levels"),
    [
        (["W", "R", "N1", "N2", "N3"], [0, 1, 2, 3, 4]),
        (["Sleep stage W", "Sleep stage R", "Sleep stage 1", "Sleep stage ?"], [0, 1, 2]),
        (["sleep_wake", "sleep_rem", "sleep_n3", "sleep_n4"], [0, 1, 4, 4]),
        (["W", "S1", "S2", "S3", "S4", "REM", "movement time"], [0, 2, 3, 4, 4, 1]),
        (["0 is no stage", "W", "R", "N1"], None),
        (["W", "R", "unknown"], None),
        (["1", "2", "3", "4"], None),
        (["rest", "move"], None),
    ],
)
def test_classes_are_stages_if_three_are_known_and_none_is_something_else(classes, levels):
    found = find_stages(classes)
    assert (found and list(found.values())) == levels


def test_a_pause_between_windows_is_a_gap_of_the_line():
    table = stages(["W", "W", "N1", "N2"], onset=[0.0, 30.0, 600.0, 630.0])
    (hypnogram,) = collect_hypnograms(SPEC, table, window_seconds=30.0)
    first, second = steps_of(hypnogram, hypnogram.true)
    assert (np.array(first[0]) * 3600).tolist() == [0.0, 60.0]
    assert first[1].tolist() == [0.0, 0.0]
    assert (second[0] * 3600).round(6).tolist() == [600.0, 630.0, 630.0, 660.0]
    assert second[1].tolist() == [2.0, 2.0, 3.0, 3.0]


def test_a_window_without_a_stage_is_a_gap_of_the_line():
    spec = TargetSpec("stage", "classes", ("stage",), ("W", "R", "N1", "unknown"))
    table = stages(["W", "unknown", "W"], onset=[0.0, 30.0, 60.0])
    (hypnogram,) = collect_hypnograms(spec, table, window_seconds=30.0)
    assert len(steps_of(hypnogram, hypnogram.true)) == 2


def test_windows_are_put_in_order_of_onset_in_each_recording():
    table = stages(["N2", "W", "R"], onset=[60.0, 0.0, 30.0])
    other = stages(["R", "R"], onset=[30.0, 0.0]).assign(recording="sub-2")
    hypnograms = collect_hypnograms(SPEC, pd.concat([other, table]), window_seconds=30.0)
    assert [hypnogram.key for hypnogram in hypnograms] == ["sub-1", "sub-2"]
    assert hypnograms[0].true.tolist() == [0.0, 1.0, 3.0]
    assert (hypnograms[0].stop * 3600).tolist() == [30.0, 60.0, 90.0]


def test_overlapping_windows_give_one_line():
    table = stages(["W", "W", "N1"], onset=[0.0, 15.0, 30.0])
    (hypnogram,) = collect_hypnograms(SPEC, table, window_seconds=30.0)
    (line,) = steps_of(hypnogram, hypnogram.true)
    assert (line[0] * 3600).tolist() == [0.0, 30.0, 30.0, 60.0]


def test_only_rem_sleep_is_highlighted():
    table = stages(["W", "R", "R", "N1", "R"], onset=np.arange(5) * 30.0)
    (hypnogram,) = collect_hypnograms(SPEC, table, window_seconds=30.0)
    spans = [(times * 3600).round(6).tolist() for times, _ in rem_of(hypnogram, hypnogram.true)]
    assert spans == [[30.0, 90.0], [120.0, 150.0]]


def test_a_store_without_onsets_and_other_classes_have_no_hypnogram():
    table = stages(["W", "R", "N1"], onset=[0.0, 30.0, 60.0])
    assert collect_hypnograms(SPEC, table.drop(columns="onset"), window_seconds=30.0) == []
    rest = TargetSpec("label", "classes", ("stage",), ("rest", "move"))
    assert collect_hypnograms(rest, table, window_seconds=30.0) == []


def test_the_panel_has_wake_at_the_top_and_hours_below():
    record = sleep_record(n_persons=1)
    (hypnogram,) = collect_hypnograms(record.spec, record.predictions, window_seconds=30.0)
    expert, _ = plot_hypnogram(hypnogram, NARROW_SIZE)
    heights = {tick.label: tick.position for tick in expert.vertical}
    assert sorted(heights, key=heights.get) == ["W", "R", "N1", "N2", "N3"]
    assert [tick.label for tick in expert.horizontal][:2] == ["0", "2"]


def test_file_names_are_safe_and_different():
    nothing = np.empty(0)
    keys = ["../x", "..-x", "ä", "ö", "CON" * 100]
    names = hypnogram_files([Hypnogram(key, *[nothing] * 4) for key in keys])
    assert len({name.lower() for name in names}) == len(keys)
    assert all(name.isascii() and "/" not in name and len(name) < 130 for name in names)


def stages(names: list[str], onset) -> pd.DataFrame:
    """Predictions of a recording that are all correct."""
    table = pd.DataFrame({"stage": names, "predicted": names, "onset": onset})
    return table.assign(dataset="nights", recording="sub-1")
