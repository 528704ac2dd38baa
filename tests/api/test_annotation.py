"""The functions of active learning in `bids_dl`."""

from __future__ import annotations

import pandas as pd
import pytest
from annotation_folders import append_answers, write_classes

import bids_dl
from bids_dl.errors import ConfigError, NoMatchError

RECORDING = "sub-01/eeg/sub-01_task-rest"


def test_answers_are_exported_with_the_classes_of_another_file(tmp_path):
    labels = tmp_path / "labels"
    write_classes(tmp_path / "other")
    append_answers(labels, RECORDING, [(0.0, 1.0, "spike"), (2.0, 1.0, "unsure")])
    classes = tmp_path / "other" / "code" / "classes.yaml"
    [table] = bids_dl.export_annotations(labels, classes=classes, unsure="none").files
    rows = pd.read_csv(table, sep="\t")
    assert rows["votes_wave"].isna().tolist() == [False, True]
    assert rows["HED"][0].endswith("(Epileptiform-interictal-activity, Spike)")
    assert rows["HED"].isna().tolist() == [False, True]


def test_wrong_arguments_of_an_export_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="unsure='maybe': expected 'half' or 'none'"):
        bids_dl.export_annotations(tmp_path, unsure="maybe")
    with pytest.raises(NoMatchError, match="nothing to export"):
        bids_dl.export_annotations(tmp_path)
    with pytest.raises(ConfigError, match="classes"):
        bids_dl.export_annotations(tmp_path, classes=tmp_path / "none.yaml")


def test_labels_are_exported_by_label_too(tmp_path):
    labels = tmp_path / "labels"
    append_answers(labels, RECORDING, [(0.0, 1.0, "spike")])
    export = bids_dl.label("no-pool-is-needed.zarr", labels=labels, export=True)
    assert [item.label for item in export.items] == ["spike"]


def test_wrong_arguments_of_label_are_named_as_in_python(tmp_path):
    with pytest.raises(ConfigError, match="batch=0: expected a number of at least 1"):
        bids_dl.label("pool.zarr", labels=tmp_path, batch=0)
    with pytest.raises(ConfigError, match="labls"):
        bids_dl.label("pool.zarr", labls=tmp_path)
    with pytest.raises(ConfigError, match="on_address must be a function"):
        bids_dl.label("pool.zarr", labels=tmp_path, on_address="print")
