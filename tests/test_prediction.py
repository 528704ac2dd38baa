from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from people_store import window_table, write_store

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError, NoMatchError
from bids_dl.prediction import FoldWeights, predict, read_folds, unseen_models
from bids_dl.training import TrainingResult, train

SPLITS = ("train", "train", "validation", "test", "test", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("small")
    return write_store(folder / "small.zarr", window_table(6, splits=SPLITS))


@pytest.fixture(scope="module", params=["loso", None])
def run(request, small, tmp_path_factory) -> TrainingResult:
    config = TrainConfig(folds=request.param, epochs=3, batch_size=16, normalize="training")
    return train(small, config, run_dir=tmp_path_factory.mktemp("runs") / "run")


def test_predictions_for_the_tested_persons_are_those_of_the_training(small, run):
    table = predict(small, run.run_dir).set_index("window")
    expected = run.predictions.set_index("window").sort_index()
    columns = ["dataset", "subject", "label", "predicted", "p_rest", "p_move"]
    assert table.columns.tolist() == [*columns, "seen"]
    pd.testing.assert_frame_equal(table.loc[expected.index, columns], expected[columns])
    assert not table.loc[expected.index, "seen"].any()


def test_persons_that_all_models_were_fitted_on_are_marked_as_seen(small, run):
    table = predict(small, run.run_dir)
    folds = json.loads((run.run_dir / "folds.json").read_text())
    tested = {subject for fold in folds for _, subject in fold["test"]}
    assert table["subject"].nunique() == 6
    assert (table["seen"] == ~table["subject"].isin(tested)).all()


def test_probabilities_of_a_window_sum_to_1_and_the_largest_is_predicted(small, run):
    table = predict(small, run.run_dir)
    probabilities = table[["p_rest", "p_move"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    predicted = np.array(["rest", "move"])[probabilities.argmax(axis=1)]
    assert (predicted == table["predicted"]).all()


def test_new_persons_are_predicted_and_not_marked_as_seen(run, tmp_path):
    new_store = write_store(tmp_path / "new.zarr", window_table(2).assign(dataset="ds9"))
    table = predict(new_store, run.run_dir)
    assert len(table) == 32
    assert not table["seen"].any()


def test_a_store_without_the_target_gets_probabilities_and_no_target_column(small, tmp_path):
    table = window_table(4).assign(sex=["F"] * 32 + ["M"] * 32)
    config = TrainConfig(target="sex", folds=2, epochs=1)
    result = train(write_store(tmp_path / "sex.zarr", table), config, run_dir=tmp_path / "run")
    columns = ["window", "dataset", "subject", "predicted", "p_F", "p_M", "seen"]
    assert predict(small, result.run_dir).columns.tolist() == columns


def test_only_the_windows_of_a_requested_split_are_predicted(small, run):
    table = predict(small, run.run_dir, split="test")
    assert sorted(table["subject"].unique()) == ["03", "04", "05"]
    with pytest.raises(NoMatchError, match="no window has the split 'holdout'"):
        predict(small, run.run_dir, split="holdout")


def test_models_vote_on_persons_they_were_not_fitted_on_or_all_if_there_are_none():
    table = window_table(4, n_windows=1)[::2]
    seen_by_fold = [{("ds1", "00"), ("ds1", "01")}, {("ds1", "01"), ("ds1", "02")}]
    folds = [FoldWeights(path=None, seen=frozenset(persons)) for persons in seen_by_fold]
    voters = unseen_models(table, folds)
    assert voters.tolist() == [[False, True, True, True], [True, True, False, True]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"n_chans": 4},
            r"other\.zarr: the run was trained on channels C0, C1, C2; "
            "the store has them in another order, or has more channels",
        ),
        ({"channels": ("C2", "C1", "C0")}, "in another order"),
        ({"channels": ("C0", "Cz", "C2")}, "the store has no C1"),
        ({"sfreq": 128.0}, "the run was trained at 64 Hz, the store has 128 Hz"),
        ({"n_times": 70}, "the run was trained on windows of 64 samples, the store has 70"),
    ],
)
def test_a_store_with_other_windows_is_refused(run, tmp_path, changes, message):
    other = write_store(tmp_path / "other.zarr", window_table(1), **changes)
    with pytest.raises(ModelError, match=message):
        predict(other, run.run_dir)


def test_a_folder_without_a_complete_run_is_refused(small, run, tmp_path):
    with pytest.raises(ModelError, match="not a run folder of bids-dl train"):
        predict(small, tmp_path)
    folds = (run.run_dir / "folds.json").read_text()
    (tmp_path / "folds.json").write_text(folds)
    message = r"weights.*\.safetensors is missing: training was not finished, train again"
    with pytest.raises(ModelError, match=message):
        predict(small, tmp_path)
    for fold in json.loads(folds):
        (tmp_path / fold["weights"]).write_bytes(b"not weights")
    with pytest.raises(ModelError, match="not a checkpoint of a bids-dl run"):
        predict(small, tmp_path)
    (tmp_path / "folds.json").write_text("[]")
    with pytest.raises(ModelError, match=r"folds\.json names no model"):
        predict(small, tmp_path)


def test_an_unknown_device_is_refused(small, run):
    with pytest.raises(ConfigError, match="device 'tpu'"):
        predict(small, run.run_dir, device="tpu")


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ("[" * 100_000, "nested more than 64 levels deep"),
        ("9" * 5000, "an integer is too long"),
        ("{}", "content is an object, expected an array"),
        ('[{"train": [["a"]], "validation": [], "weights": "w"}]', "expected at least 2 in it"),
        ('[{"train": [], "validation": [], "weights": 3}]', "weights is 3, expected a string"),
    ],
)
def test_folds_that_are_not_those_of_a_training_are_refused(tmp_path, folds, message):
    (tmp_path / "folds.json").write_text(folds)
    with pytest.raises(ModelError, match=f"folds.json is missing or broken: .*{message}"):
        read_folds(tmp_path)
