"""Windows as events have the clock of their recording, and the columns that tell it."""

from __future__ import annotations

import pandas as pd
import pytest
import small_store
from small_store import SmallStore

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "small.zarr"
    small_store.write(path, SmallStore())
    return path


def read(file):
    return pd.read_csv(file, sep="\t", dtype={"subject": str}, keep_default_na=False)


def test_rows_have_onset_duration_and_the_entities_of_their_recording(eyes_store, tmp_path):
    file = bids_dl.export(eyes_store, recording_events=tmp_path / "a.tsv", subject="002")
    events = read(file)
    store = open_store(eyes_store)
    of_subject = store.table[store.table["subject"] == "002"].sort_values(["recording", "onset"])
    assert events["onset"].tolist() == of_subject["onset"].tolist()
    assert set(events["duration"]) == {2.0}
    assert events["window"].tolist() == of_subject.index.tolist()
    assert events["label"].tolist() == of_subject["label"].tolist()
    assert set(events["session"]) == {"n/a"}
    assert set(events["recording"]) == set(of_subject["recording"])


def test_predictions_are_joined_and_the_number_of_windows_has_no_limit(small, tmp_path):
    table = pd.DataFrame({"window": [3], "predicted": ["é"], "p_é": [0.25], "seen": [False]})
    table.to_csv(tmp_path / "p.csv", index=False)
    file = bids_dl.export(
        small, recording_events=tmp_path / "a.tsv", predictions=tmp_path / "p.csv", max_windows=2
    )
    events = read(file).set_index("window")
    assert len(events) == 70
    assert events.loc[3, ["predicted", "p_é", "seen"]].tolist() == ["é", "0.25", "0.0"]
    assert events.loc[4, ["predicted", "p_é", "seen"]].tolist() == ["n/a", "n/a", "n/a"]


def test_a_file_with_both_outputs_is_written_twice(small, tmp_path):
    written = bids_dl.export(small, tmp_path / "a.set", recording_events=tmp_path / "a.tsv")
    assert written == tmp_path / "a.set"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fdt", "a.set", "a.tsv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.csv", r"give a file that ends in \.tsv"),
        ("there.tsv", "exists already; overwrite=True replaces it"),
        ("no/a.tsv", "does not exist"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(small, tmp_path, name, message):
    (tmp_path / "there.tsv").touch()
    with pytest.raises(ConfigError, match=message):
        bids_dl.export(small, recording_events=tmp_path / name)


def test_an_export_without_a_file_is_refused(command, small):
    with pytest.raises(ConfigError, match="name one, or give recording_events"):
        bids_dl.export(small)
    assert "name one, or give --recording-events" in command("export", small).err
