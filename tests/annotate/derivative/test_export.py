"""The derivative of a log of answers."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path

import pandas as pd
import pytest
from annotation_folders import append_answers, hed_issues, write_classes
from conversions import contents

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.journal import Journal
from bids_dl.annotate.derivative import export_annotations
from bids_dl.errors import ConfigError, NoMatchError

RECORDING = "sub-01/ses-1/ieeg/sub-01_ses-1_task-sleep_run-1"
TABLE = f"{RECORDING}_desc-labels_events.tsv"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Folder with answers of two experts about three classes."""
    folder = tmp_path / "labels"
    write_classes(folder)
    append_answers(folder, RECORDING, [(0.1 + 0.2, 2.0, "spike"), (4.0, 2.0, "background")])
    append_answers(folder, RECORDING, [(9.0, 2.0, "wave")], channels=["A'1", "A'2"])
    append_answers(
        folder, RECORDING, [(0.1 + 0.2, 2.0, "spike"), (4.0, 2.0, "wave")], annotator="expert-2"
    )
    append_answers(folder, RECORDING, [(12.0, 2.0, "unsure")])
    return folder


def test_hedtools_validates_the_derivative_without_an_issue(labels):
    [table] = export_annotations(labels).files
    assert hed_issues(labels, table, "desc-labels_events.json") == []


def test_an_export_twice_gives_the_same_bytes_and_writes_nothing(labels):
    export_annotations(labels)
    before = contents(labels)
    times = {path: path.stat().st_mtime_ns for path in labels.rglob("*")}
    export_annotations(labels)
    assert contents(labels) == before
    assert {path: path.stat().st_mtime_ns for path in labels.rglob("*")} == times


def test_rows_have_shares_that_add_up_and_say_who_asked(labels):
    export_annotations(labels)
    table = pd.read_csv(labels / TABLE, sep="\t")
    shares = table[["votes_background", "votes_spike", "votes_wave"]]
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1, 1])
    assert table["onset"].tolist() == [0.1 + 0.2, 4.0, 9.0, 12.0]
    assert table["trial_type"].tolist() == ["spike", "unsure", "wave", "unsure"]
    assert table["annotators"].tolist()[:2] == ["expert-1,expert-2"] * 2
    assert table["n_votes"].tolist() == [2, 2, 1, 1]
    assert table["channel"].tolist()[2] == "A'1,A'2"
    assert table["HED"].isna().tolist() == [False, True, False, True]
    assert table["HED"][0] == (
        "Data-feature, Expert-annotation, (Epileptiform-interictal-activity, Spike)"
    )
    assert set(table["purpose"]) <= {"train", "test"}
    assert set(table["asked_by"]) == {"mixture"}


def test_the_description_says_what_the_derivative_is(labels):
    export_annotations(labels)
    description = json.loads((labels / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["HEDVersion"] == "score_2.1.0"
    assert description["GeneratedBy"][0]["Name"] == "bids_dl"
    assert description["SourceDatasets"] == [{"Name": "ds1"}]
    assert (labels / "descriptions.tsv").read_text().splitlines()[1].startswith("desc-labels\t")
    files = [path for path in labels.rglob("*") if path.is_file() and path.parent.name != "code"]
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_derivative_follows_an_undo(labels):
    other = "sub-02/eeg/sub-02_task-sleep"
    append_answers(labels, other, [(1.0, 2.0, "spike")])
    assert len(export_annotations(labels).files) == 2
    journal = Journal(labels)
    last = journal.content().lines[-1]
    undo = {name: example_answer()[name] for name in ("version", "time", "annotator")} | {
        "kind": "undo",
        "id": str(uuid.uuid4()),
        "of": last["id"],
    }
    journal.append(undo)
    assert [file.relative_to(labels).as_posix() for file in export_annotations(labels).files] == [
        TABLE
    ]
    assert not list(labels.glob("sub-02/**/*.tsv"))


def test_a_torn_line_is_reported_by_the_export(labels):
    with Journal(labels).path.open("ab") as file:
        file.write(b'{"torn')
    [problem] = export_annotations(labels).problems
    assert "line 7 is ignored" in problem


def test_each_of_several_datasets_has_a_derivative_of_its_own(labels):
    export_annotations(labels)
    append_answers(labels, RECORDING, [(1.0, 2.0, "spike")], dataset="ds2")
    files = export_annotations(labels).files
    assert files == (labels / "ds1" / TABLE, labels / "ds2" / TABLE)
    assert not (labels / TABLE).exists()


def test_classes_without_a_file_are_the_labels_of_the_answers(tmp_path):
    append_answers(tmp_path, RECORDING, [(1.0, 2.0, "ripple")])
    [table] = export_annotations(tmp_path).files
    assert "(Label/ripple)" in table.read_text()
    assert hed_issues(tmp_path, table, "desc-labels_events.json") == []


def test_another_dataset_is_never_written_to(tmp_path):
    (tmp_path / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.9.0"}')
    append_answers(tmp_path, RECORDING, [(1.0, 2.0, "spike")])
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="a dataset that bids_dl did not write"):
        export_annotations(tmp_path)
    assert contents(tmp_path) == before


def test_a_log_without_answers_has_nothing_to_export(tmp_path):
    with pytest.raises(NoMatchError, match=r"no answer in code/answers\.jsonl"):
        export_annotations(tmp_path)


@pytest.mark.parametrize("name", ["zarr.json", "sub-01", "notes.txt"])
def test_a_folder_with_other_files_and_no_description_is_refused(tmp_path, name):
    append_answers(tmp_path, RECORDING, [(1.0, 2.0, "spike")])
    (tmp_path / "README.md").touch()
    (tmp_path / name).mkdir()
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=f"has {name} and no dataset_description"):
        export_annotations(tmp_path)
    assert contents(tmp_path) == before


def test_a_derivative_in_a_folder_of_several_can_be_written_again(labels):
    append_answers(labels, RECORDING, [(1.0, 2.0, "spike")], dataset="ds2")
    files = export_annotations(labels).files
    assert export_annotations(labels).files == files


@pytest.mark.parametrize("value", ["7", "null", "[7]", '"text"'])
def test_sources_of_another_type_in_the_description_are_replaced(labels, value):
    [_] = export_annotations(labels).files
    description = labels / "dataset_description.json"
    tools = '"GeneratedBy": [{"Name": "bids_dl"}], "DatasetType": "derivative"'
    description.write_text(f'{{{tools}, "SourceDatasets": {value}}}')
    export_annotations(labels)
    assert json.loads(description.read_text())["SourceDatasets"] == [{"Name": "ds1"}]


def test_unreadable_descriptions_are_refused_before_anything_is_written(labels):
    [table] = export_annotations(labels).files
    (labels / "descriptions.tsv").write_bytes(b"\xff")
    append_answers(labels, RECORDING, [(40.0, 2.0, "spike")])
    before = contents(labels)
    with pytest.raises(ConfigError, match=r"descriptions\.tsv cannot be read"):
        export_annotations(labels)
    assert contents(labels) == before
    assert table.exists()


def test_an_undo_leaves_no_table_of_a_dataset_without_answers(labels):
    append_answers(labels, RECORDING, [(1.0, 2.0, "spike")], dataset="ds2")
    export_annotations(labels)
    other = labels / "ds3"  # with a log of its own
    append_answers(other, RECORDING, [(1.0, 2.0, "spike")], dataset="ds3")
    export_annotations(other)
    journal = Journal(labels)
    last = journal.content().lines[-1]
    names = ("version", "time", "annotator")
    undo = {name: last[name] for name in names} | {"kind": "undo", "of": last["id"]}
    journal.append({**undo, "id": str(uuid.uuid4())})
    export_annotations(labels)
    tables = {file.relative_to(labels).as_posix() for file in labels.rglob("*_events.tsv")}
    assert f"ds1/{TABLE}" in tables  # which readers prefer to those of the folder itself
    assert f"ds3/{TABLE}" in tables
    assert not any(name.startswith(("sub-", "ds2")) for name in tables)
