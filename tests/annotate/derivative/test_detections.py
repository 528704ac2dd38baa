"""Detections of models as a derivative."""

from __future__ import annotations

import pandas as pd
import pytest
from annotation_folders import hed_issues, write_classes

from bids_dl.annotate.derivative.detections import (
    check_detections,
    join_windows,
    write_detections,
)
from bids_dl.config.annotation_parsing import parse_detections
from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.errors import ConfigError

NAN = float("nan")


def joined(onsets, probabilities, **settings):
    found = join_windows(onsets, probabilities, 1.0, DetectionConfig("x", **settings))
    return [(item.onset, item.end, item.probability, item.n_windows) for item in found]


def test_windows_that_touch_or_overlap_are_one_detection():
    assert joined([0.0, 0.5, 1.5, 4.0], [0.6, 0.7, 0.5, 0.9]) == [
        (0.0, 2.5, 0.7, 3),
        (4.0, 5.0, 0.9, 1),
    ]


def test_a_gap_is_joined_up_to_its_longest_length():
    assert len(joined([0.0, 2.0], [0.9, 0.9], join=0.9)) == 2
    assert joined([0.0, 2.0], [0.9, 0.9], join=1.0) == [(0.0, 3.0, 0.9, 2)]


def test_onsets_that_are_rounded_still_touch():
    onsets = [0.1 * number for number in range(30)]
    found = join_windows(onsets, [0.9] * 30, 0.1, DetectionConfig("x"))
    assert [item.n_windows for item in found] == [30]


def test_short_detections_and_improbable_windows_are_left_out():
    assert joined([0.0, 1.0, 5.0], [0.9, 0.9, 0.9], min_length=2.0) == [(0.0, 2.0, 0.9, 2)]
    assert joined([0.0, 1.0, 2.0], [0.49, NAN, 0.5]) == [(2.0, 3.0, 0.5, 1)]


def test_the_order_of_the_windows_does_not_matter():
    assert joined([2.0, 0.0, 1.0], [0.7, 0.9, 0.8]) == [(0.0, 3.0, 0.9, 3)]


def predictions(**columns):
    table = pd.DataFrame({"onset": [0.0, 2.0, 4.0, 6.0], **columns})
    return table.assign(dataset="ds1", recording="sub-1/eeg/sub-1_task-rest", seen=False)


def test_every_predicted_recording_has_a_table_and_valid_hed(tmp_path):
    folder = tmp_path / "found"
    write_classes(folder)
    table = predictions(p_background=[0.9, 0.1, 0.2, 1.0], p_spike=[0.1, 0.9, 0.8, 0.0])
    quiet = table.assign(recording="sub-2/eeg/sub-2_task-rest", p_spike=0.0)
    config = DetectionConfig(str(folder))
    files = write_detections(pd.concat([table, quiet]), 2.0, ["shallow-fbcsp"], config)
    rows = [pd.read_csv(file, sep="\t") for file in files]
    assert [len(found) for found in rows] == [1, 0]
    assert rows[0].loc[0, ["onset", "duration", "probability", "n_windows"]].tolist() == [
        *(2.0, 4.0, 0.9, 2)
    ]
    assert rows[0]["HED"][0] == (
        "Data-feature, Computed-prediction, Probability/0.9, "
        "(Epileptiform-interictal-activity, Spike)"
    )
    assert hed_issues(folder, files[0], "desc-shallowfbcsp_events.json") == []


def test_shares_are_detected_by_the_names_of_their_classes(tmp_path):
    table = predictions(p_votes_background=0.4, p_votes_spike=0.6)
    [file] = write_detections(table, 2.0, ["eegnet"], DetectionConfig(str(tmp_path / "a")))
    assert "(Label/spike)" in file.read_text()


def test_predictions_of_a_number_have_no_detections(tmp_path):
    config = DetectionConfig(str(tmp_path / "a"))
    with pytest.raises(ConfigError, match="no probability of a class"):
        write_detections(predictions(predicted=1.0), 2.0, ["eegnet"], config)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("recording", "../../sub-1"),
        ("recording", "sub-1/eeg/../../sub-1"),
        ("recording", "sub-1/eeg/sub-1\n"),
        ("dataset", "../ds2"),
        ("dataset", "/ds2"),
    ],
)
def test_names_in_a_store_cannot_lead_out_of_the_folder(tmp_path, column, name):
    config = DetectionConfig(str(tmp_path / "a" / "b"))
    table = predictions(p_spike=0.9)
    both = pd.concat([table, table.assign(**{column: name})])
    with pytest.raises(ConfigError, match=f"which is no name of a {column}"):
        write_detections(both, 2.0, ["eegnet"], config)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_an_unknown_user_is_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = DetectionConfig("~nobody-of-this-name/found")
    write_detections(predictions(p_spike=0.9), 2.0, ["eegnet"], config)
    assert (tmp_path / "~nobody-of-this-name" / "found" / "sub-1").is_dir()


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ConfigError, match="cannot be written"):
        check_detections(DetectionConfig("x" * 300))


def test_options_of_detections_need_their_folder():
    assert parse_detections({"split": "test"}) is None
    with pytest.raises(ConfigError, match="--min-length is about detections"):
        parse_detections({"min_length": 1.0})
    with pytest.raises(ConfigError, match="threshold"):
        parse_detections({"write_annotations": "x", "threshold": 1.5})
