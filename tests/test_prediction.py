from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from people_store import window_table, write_store

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import ConfigError, ModelError, NoMatchError
from bids_dl.prediction import FoldWeights, predict, unseen_models
from bids_dl.training import train

SPLITS = ("train", "train", "validation", "test", "test", "test")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("small") / "small.zarr", window_table(6, splits=SPLITS))


@pytest.fixture(scope="module", params=["loso", None])
def run(request, small, tmp_path_factory):
    config = TrainConfig(folds=request.param, epochs=3, batch_size=16, normalize="training")
    return train(small, config, run_dir=tmp_path_factory.mktemp("runs") / "run")


def test_predicting_the_tested_people_again_gives_what_the_training_reported(small, run):
    again = predict(small, run.run_dir).set_index("window")
    reported = run.predictions.set_index("window").sort_index()
    columns = ["dataset", "subject", "label", "predicted", "p_rest", "p_move"]
    assert again.columns.tolist() == [*columns, "seen"]
    pd.testing.assert_frame_equal(again.loc[reported.index, columns], reported[columns])
    assert not again.loc[reported.index, "seen"].any()


def test_people_trained_on_are_marked_as_seen(small, run):
    seen = predict(small, run.run_dir).groupby("subject")["seen"].unique().map(list).to_dict()
    folds = json.loads((run.run_dir / "folds.json").read_text())
    tested = {subject for fold in folds for _, subject in fold["test"]}
    assert seen == {f"{i:02}": [f"{i:02}" not in tested] for i in range(6)}


def test_probabilities_of_a_window_add_up_to_1_and_the_largest_is_predicted(small, run):
    table = predict(small, run.run_dir)
    probabilities = table[["p_rest", "p_move"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (np.array(["rest", "move"])[probabilities.argmax(axis=1)] == table["predicted"]).all()


def test_new_people_are_judged_by_all_models_of_a_run(run, tmp_path):
    table = window_table(2).assign(dataset="ds9")
    told = predict(write_store(tmp_path / "new.zarr", table), run.run_dir)
    assert len(told) == 32
    assert not told["seen"].any()


def test_a_store_without_the_target_still_gets_probabilities(small, tmp_path):
    table = window_table(4).assign(sex=["F"] * 32 + ["M"] * 32)
    run = train(
        write_store(tmp_path / "sex.zarr", table),
        TrainConfig(target="sex", folds=2, epochs=1),
        run_dir=tmp_path / "run",
    ).run_dir
    told = predict(small, run)
    assert told.columns.tolist() == [
        "window",
        "dataset",
        "subject",
        "predicted",
        "p_F",
        "p_M",
        "seen",
    ]


def test_one_split_of_a_store_can_be_asked_for(small, run):
    assert sorted(predict(small, run.run_dir, split="test")["subject"].unique()) == ["03", "04", "05"]
    with pytest.raises(NoMatchError, match="no window has the split 'holdout'"):
        predict(small, run.run_dir, split="holdout")


def test_each_person_is_judged_by_the_models_that_never_saw_them():
    table = window_table(4, n_windows=1)[::2]
    seen = [{("ds1", "00"), ("ds1", "01")}, {("ds1", "01"), ("ds1", "02")}]
    judges = unseen_models(
        table, [FoldWeights(path=None, seen=frozenset(persons)) for persons in seen]
    )
    assert judges.tolist() == [[False, True, True, True], [True, True, False, True]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"n_chans": 4},
            r"other\.zarr: the run was trained on channels C0, C1, C2; the store has them in another order or more of them",
        ),
        ({"channels": ("C2", "C1", "C0")}, "in another order"),
        ({"channels": ("C0", "Cz", "C2")}, "the store misses C1"),
        ({"sfreq": 128.0}, "the run was trained at 64 Hz, the store has 128 Hz"),
        ({"n_times": 70}, "the run was trained on windows of 64 samples, the store has 70"),
    ],
)
def test_a_store_of_another_kind_is_refused(run, tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        predict(write_store(tmp_path / "other.zarr", window_table(1), **changes), run.run_dir)


def test_a_folder_that_is_no_run_is_refused(small, run, tmp_path):
    with pytest.raises(ModelError, match="no run of bids-dl train there"):
        predict(small, tmp_path)
    (tmp_path / "folds.json").write_text((run.run_dir / "folds.json").read_text())
    with pytest.raises(
        ModelError, match=r"weights.*\.safetensors is missing: training was not finished"
    ):
        predict(small, tmp_path)
    for fold in json.loads((tmp_path / "folds.json").read_text()):
        (tmp_path / fold["weights"]).write_bytes(b"not weights")
    with pytest.raises(ModelError, match="not the weights of a bids-dl run"):
        predict(small, tmp_path)


def test_an_unknown_device_is_refused(small, run):
    with pytest.raises(ConfigError, match="device 'tpu'"):
        predict(small, run.run_dir, device="tpu")
