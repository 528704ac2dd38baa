"""Real recordings without events.tsv, taken whole by one command."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from bids_dl.config.training_stage import TrainConfig
from bids_dl.store import open_store
from bids_dl.training import train

SCALP = 19  # channels of eegmat, without A2-A1 and ECG


@pytest.fixture(scope="module")
def rest_and_arithmetic(shared, tmp_path_factory):
    """Store of eegmat without its long rest, and with the splits balanced by count quality."""
    from conversions import convert

    store = tmp_path_factory.mktemp("stores") / "eegmat.zarr"
    options = {"whole": True, "within": "0,20", "window": 4, "where": "age=..17"}
    outcome = convert(
        shared / "eegmat", store, hed=None, stride=None, stratify="count_quality", **options
    )
    assert outcome.failures == ()
    return store


def test_rest_and_arithmetic_are_told_apart_by_task(rest_and_arithmetic):
    store = open_store(str(rest_and_arithmetic))
    table = store.table
    assert store.shape[1] == SCALP
    assert table.groupby(["subject", "task"]).size().eq(5).all()
    assert sorted(table["task"].unique()) == ["arithmetic", "rest"]
    assert (table["age"] <= 17).all()
    assert set(table["row"]) == {-1}
    assert set(table["end_rule"]) == {"recording"}
    assert set(table["hed"]) == {""}
    assert "ECG" not in " ".join(store.channels)


def test_splits_are_balanced_by_person(rest_and_arithmetic):
    people = open_store(str(rest_and_arithmetic)).table.drop_duplicates("subject")
    counts = people.groupby(["split", "count_quality"]).size()
    sizes = people.groupby("count_quality").size()
    for split, fraction in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        for quality, size in sizes.items():
            assert abs(counts.get((split, quality), 0) - fraction * size) <= 1


@pytest.mark.parametrize(
    ("target", "classes"), [("task", ["arithmetic", "rest"]), ("count_quality", ["0", "1"])]
)
def test_task_and_count_quality_are_targets(rest_and_arithmetic, tmp_path, target, classes):
    config = TrainConfig(target=(target,), folds=2, stratify="count_quality", epochs=1)
    result = train(str(rest_and_arithmetic), config, run_dir=tmp_path / "run")
    assert result.metrics["outputs"] == classes
    assert set(result.predictions["predicted"]) <= set(classes)
    assert set(result.predictions[target]) == set(classes)


def test_the_request_is_reproduced_from_the_store(rest_and_arithmetic):
    from bids_dl.config.documents import request_from_document, request_to_options
    from bids_dl.config.parsing import parse_request

    request = request_from_document(open_store(str(rest_and_arithmetic)).attributes["request"])
    options = request_to_options(request)
    assert (options["whole"], options["within"]) == (True, [0.0, 20.0])
    assert (options["where"], options["stratify"]) == (["age=..17"], "count_quality")
    assert "hed" not in options
    assert parse_request(options) == request


def test_a_sleep_recording_with_several_rates_is_taken_whole(shared, tmp_path, command):
    for subject, suffix in (("01", "edf"), ("02", "bdf")):
        folder = tmp_path / "psg" / f"sub-{subject}" / "eeg"
        folder.mkdir(parents=True)
        signal = shared / "psg" / f"short_psg.{suffix}"
        shutil.copy(signal, folder / f"sub-{subject}_task-sleep_eeg.{suffix}")
    description = json.dumps({"Name": "psg", "BIDSVersion": "1.9.0"})
    (tmp_path / "psg" / "dataset_description.json").write_text(description)
    result = command(
        *("convert", tmp_path / "psg", "psg.zarr", "--whole", "--window", "5"),
        *("--scheduler", "synchronous"),
    )
    assert result.status == 0, result.err
    store = open_store("psg.zarr")
    assert set(store.table["label"]) == {"recording"}
    assert np.isfinite(store.read("signals")).all()
