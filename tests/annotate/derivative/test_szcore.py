from __future__ import annotations

import doctest
from datetime import datetime

import pandas as pd
import pytest

from bids_dl.annotate.derivative import szcore
from bids_dl.annotate.derivative.szcore import (
    SeizureEvent,
    SeizureList,
    format_seizures,
    list_detections,
    list_seizures,
    read_seizures,
    write_seizures,
)
from bids_dl.errors import EventError

START = datetime(2016, 11, 6, 13, 43, 4)
SEIZURES = SeizureList(
    (
        SeizureEvent(296.123456789, 40.0, "sz_foc_ia", 0.75, ("T7-P7", "F7-T7")),
        SeizureEvent(2000.0, 1600.0),
    ),
    3600.0,
    START,
)
HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"


def test_seizures_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "sub-01" / "eeg" / "sub-01_task-szMonitoring_events.tsv"
    write_seizures(path, SEIZURES)
    assert read_seizures(path) == SEIZURES


def test_the_file_has_the_columns_of_szcore():
    lines = format_seizures(SEIZURES).decode().splitlines()
    assert lines[0] == HEADER
    assert lines[1].split("\t") == [
        *("296.123456789", "40.0", "sz_foc_ia", "0.75", "T7-P7,F7-T7"),
        *("2016-11-06 13:43:04", "3600.0"),
    ]
    assert lines[2].split("\t")[2:5] == ["sz", "n/a", "n/a"]


def test_a_recording_without_seizures_is_one_row_of_background_of_its_length(tmp_path):
    empty = SeizureList((), 7200.5, START)
    write_seizures(tmp_path / "x.tsv", empty)
    lines = (tmp_path / "x.tsv").read_text().splitlines()
    assert len(lines) == 2
    assert lines[1].split("\t")[:3] == ["0.0", "7200.5", "bckg"]
    assert read_seizures(tmp_path / "x.tsv") == empty


def test_seizures_are_written_in_order_of_onset():
    late, early = SeizureEvent(50.0, 1.0), SeizureEvent(5.0, 1.0)
    lines = format_seizures(SeizureList((late, early), 60.0)).decode().splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["5.0", "50.0"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"x\.tsv: the table has no rows; SzCORE expects a bckg row"),
        (["1\t2\tspike\tn/a\tn/a\t2016-11-06 13:43:04\t60"], r"eventType 'spike': expected sz"),
        (["1\t2\tsz\t2\tn/a\t2016-11-06 13:43:04\t60"], r"confidence 2\.0: expected from 0 to 1"),
        (["1\t2\tsz\tn/a\tn/a\t6.11.2016\t60"], r"dateTime '6\.11\.2016': expected YYYY-MM-DD"),
        (["1\t99\tsz\tn/a\tn/a\t2016-11-06 13:43:04\t60"], "is not within the recording of 60 s"),
        (["nan\t2\tsz\tn/a\tn/a\t2016-11-06 13:43:04\t60"], "onset 'nan': expected a number"),
        (["0\t0\tbckg\tn/a\tn/a\t2016-11-06 13:43:04\t0"], "recordingDuration 0.0: expected above"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, rows, message):
    path = tmp_path / "x.tsv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    with pytest.raises(EventError, match=message) as error:
        read_seizures(path)
    assert "\n" not in str(error.value)


def test_a_missing_column_or_file_is_named(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("onset\tduration\n1\t2\n")
    with pytest.raises(EventError, match=r"x\.tsv: column eventType is missing"):
        read_seizures(path)
    with pytest.raises(EventError, match=r"y\.tsv: .*No such file"):
        read_seizures(tmp_path / "y.tsv")


def test_a_channel_with_a_comma_is_refused():
    event = SeizureEvent(1.0, 2.0, channels=("A,B",))
    with pytest.raises(EventError, match=r"channel 'A,B': expected a name without comma"):
        format_seizures(SeizureList((event,), 60.0))


def test_files_of_detections_are_scored_against_those_of_an_expert(tmp_path):
    pytest.importorskip("timescoring")
    from bids_dl.annotate.scoring import SEIZURES as RULES
    from bids_dl.annotate.scoring import score_events

    names = ("sub-01/eeg/sub-01_run-1", "sub-02/eeg/sub-02_run-1")
    recordings = pd.DataFrame({"dataset": "ds1", "recording": names, "duration": 3600.0})
    columns = ["dataset", "recording", "onset", "duration", "probability"]
    found = [("ds1", names[0], 310.0, 20.0, 0.9), ("ds1", names[1], 100.0, 30.0, 0.6)]
    detected = list_detections(pd.DataFrame(found, columns=columns), recordings)
    assert detected[("ds1", names[0])].events[0].confidence == 0.9
    tables = []
    for folder, lists in (
        ("expert", {("ds1", names[0]): SEIZURES, ("ds1", names[1]): SeizureList((), 3600.0)}),
        ("model", detected),
    ):
        files = {key: tmp_path / folder / f"{key[1]}_events.tsv" for key in lists}
        for key, path in files.items():
            write_seizures(path, lists[key])
        tables.append(list_seizures(files))
    (reference, listed), (hypotheses, _) = tables
    assert listed["subject"].tolist() == ["01", "02"]
    people = score_events(reference, hypotheses, listed, RULES).people
    # the seizure of 1600 s is divided into six of up to 300 s
    assert people["n_reference"].tolist() == [7, 0]
    assert people["n_found"].tolist() == [1, 0]
    assert people["n_false"].tolist() == [0, 1]


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(szcore).failed == 0
