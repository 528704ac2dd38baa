from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from people_store import target_table, window_table, write_permuted, write_store
from scipy.special import expit, softmax

import bids_dl
from bids_dl.errors import ConfigError, ModelError, NoMatchError
from bids_dl.models.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_columns import read_target
from bids_dl.prediction import (
    FoldWeights,
    apply,
    predict,
    read_folds,
    stream_rows,
    tabulate_predictions,
    weigh_models,
)
from bids_dl.store import open_store

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))
AGE = TargetSpec("age", "number", ("age",), ("age",), mean=40.0, std=10.0)
VOTES = TargetSpec("votes_*", "shares", ("votes_rest", "votes_move"), ("votes_rest", "votes_move"))
ARTEFACTS = TargetSpec("blink, jaw", "labels", ("blink", "jaw"), ("blink", "jaw"))
ENTITIES = ["window", "dataset", "subject", "recording", "block", "onset"]
SPLITS = ("train", "train", "validation", "test", "test", "test")


class Model:
    """A model of a run: subjects that it was fitted on, and its outputs for every window.

    Without outputs, it has random weights. Further arguments change its card.
    """

    def __init__(
        self, subjects: Sequence[str], outputs: Sequence[float] | None = None, **changes
    ) -> None:
        self.persons = [["ds1", subject] for subject in subjects]
        self.outputs = outputs
        self.changes = changes


def write_run(folder: Path, models: Sequence[Model], target: TargetSpec = LABEL, **changes) -> Path:
    """Write a run folder whose models fit the stores of `people_store`."""
    folder.mkdir()
    folds = []
    for i, model in enumerate(models):
        card = ModelCard("shallow-fbcsp", ("C0", "C1", "C2"), 64, 64.0, target)
        card = replace(card, **changes, **model.changes)
        torch.manual_seed(i)
        network = card.build()
        if model.outputs is not None:
            torch.nn.init.zeros_(network.dense.weight)
            network.dense.bias.data = torch.tensor(model.outputs)
        save_checkpoint(network, card, folder / f"weights-{i}.safetensors")
        folds.append(
            {
                "index": i,
                "seed": 0,
                "held_out": "sub-9",
                "same_person": False,
                "train": model.persons[:-1],
                "validation": model.persons[-1:],
                "test": [],
                "windows": {"train": [[0, 16]], "validation": [], "test": []},
                "weights": f"weights-{i}.safetensors",
            }
        )
    (folder / "folds.json").write_text(json.dumps(folds))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> str:
    """A store of six people, of whom the last three have the split test."""
    folder = tmp_path_factory.mktemp("small")
    return write_store(folder / "small.zarr", window_table(6, splits=SPLITS))


@pytest.fixture(scope="module")
def targets(tmp_path_factory) -> str:
    """A store of four people with all kinds of targets."""
    return write_store(tmp_path_factory.mktemp("targets") / "targets.zarr", target_table(4))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run that left out one of three people in turn."""
    models = [Model(["01", "02"]), Model(["00", "02"]), Model(["00", "01"])]
    return write_run(tmp_path_factory.mktemp("runs") / "run", models)


def test_predictions_are_the_mean_of_the_models_that_were_not_fitted_on_the_person(small, run):
    table = predict(small, run)
    store = open_store(small)
    everything = np.ones(96, bool)
    outputs = []
    for i in range(3):
        model, card = load_checkpoint(run / f"weights-{i}.safetensors")
        stream = stream_rows(store, card, everything)
        of_model = apply(model, stream, torch.device("cpu"))
        assert of_model.index.tolist() == list(range(96))
        outputs.append(softmax(of_model.outputs.double().numpy(), axis=1))
    probabilities = table[["p_rest", "p_move"]].to_numpy()
    for person in range(3):
        rows = table["subject"] == f"{person:02}"
        np.testing.assert_allclose(probabilities[rows], outputs[person][rows], atol=1e-6)
    rows = table["subject"] >= "03"
    np.testing.assert_allclose(probabilities[rows], np.mean(outputs, axis=0)[rows], atol=1e-6)
    assert not table["seen"].any()


def test_the_most_probable_class_is_predicted(small, run):
    table = predict(small, run)
    assert table.columns.tolist() == [*ENTITIES, "label", "predicted", "p_rest", "p_move", "seen"]
    probabilities = table[["p_rest", "p_move"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    predicted = np.array(["rest", "move"])[probabilities.argmax(axis=1)]
    assert (predicted == table["predicted"]).all()


def test_persons_that_all_models_of_all_runs_were_fitted_on_are_marked_as_seen(
    small, run, tmp_path
):
    other = write_run(tmp_path / "other", [Model(["00", "01", "03"])])
    assert predict(small, other)["seen"].sum() == 3 * 16
    assert not predict(small, [other, run])["seen"].any()
    same = write_run(tmp_path / "same", [Model(["03", "04"])])
    seen = predict(small, [other, same]).groupby("subject")["seen"].all()
    assert seen.index[seen].tolist() == ["03"]


def test_new_persons_are_predicted_and_not_marked_as_seen(run, tmp_path):
    new_store = write_store(tmp_path / "new.zarr", window_table(2).assign(dataset="ds9"))
    table = predict(new_store, run)
    assert len(table) == 32
    assert not table["seen"].any()


def test_runs_count_equally_whatever_their_number_of_models(small, tmp_path):
    three = [Model(["00"], [0.0, 9.0]), Model(["00", "01"], [0.0, 0.0]), Model(["00"], [0.0, 9.0])]
    first = write_run(tmp_path / "three", three)
    second = write_run(tmp_path / "one", [Model(["01", "02"], [9.0, 0.0])])
    table = predict(small, [first, str(second)])
    nine = softmax([0.0, 9.0])[1]
    by_person = table.groupby("subject")["p_move"].first()
    expected = {"00": 1 - nine, "01": nine, "03": (np.mean([nine, 0.5, nine]) + 1 - nine) / 2}
    for person, value in expected.items():
        assert by_person[person] == pytest.approx(value)


def test_weights_are_shared_by_the_runs_whose_models_did_not_see_the_person():
    persons = [("ds1", "00"), ("ds1", "01"), ("ds1", "02"), ("ds1", "03")]

    def models(*seen: int) -> list[FoldWeights]:
        return [FoldWeights(Path(), frozenset(persons[:number])) for number in seen]

    weights, is_seen = weigh_models(persons, [models(1, 2), models(3)])
    assert is_seen.tolist() == [True, False, False, False]
    assert weights.T.tolist() == [[0.25, 0.25, 0.5], [1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]]


def test_numbers_are_decoded_with_the_statistics_of_each_fold(targets, tmp_path):
    older = replace(AGE, mean=60.0, std=20.0)
    models = [Model(["08"], [1.0]), Model(["09"], [-0.5], target=older)]
    table = predict(targets, write_run(tmp_path / "run", models, AGE))
    assert (table["predicted"] == 50).all()
    assert table["age"].tolist() == target_table(4)["age"].tolist()
    assert table.columns.tolist() == [*ENTITIES, "age", "predicted", "seen"]


def test_shares_are_predicted_beside_the_shares_of_the_votes(targets, tmp_path):
    table = predict(targets, write_run(tmp_path / "run", [Model(["08"], [0.0, 1.0])], VOTES))
    columns = ["votes_rest", "votes_move", "p_votes_rest", "p_votes_move"]
    assert table.columns.tolist()[-5:-1] == columns
    votes = target_table(4)[["votes_rest", "votes_move"]].to_numpy()
    expected = votes / votes.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table[columns[:2]].to_numpy(), expected)
    np.testing.assert_allclose(table[columns[2:]].to_numpy(), np.tile(softmax([0.0, 1.0]), (64, 1)))


def test_labels_are_predicted_each_by_itself_and_missing_ones_stay_missing(targets, tmp_path):
    table = predict(targets, write_run(tmp_path / "run", [Model(["08"], [0.0, 1.0])], ARTEFACTS))
    assert table.columns.tolist()[-5:-1] == ["blink", "jaw", "p_blink", "p_jaw"]
    expected = target_table(4)[["blink", "jaw"]].to_numpy()
    np.testing.assert_array_equal(table[["blink", "jaw"]].to_numpy(), expected)
    assert table["p_jaw"].unique() == pytest.approx([expit(1.0)])


@pytest.mark.parametrize("target", [LABEL, AGE, VOTES, ARTEFACTS])
def test_a_store_without_the_target_is_predicted_without_its_columns(small, tmp_path, target):
    columns = {name: name + "_other" for name in target.columns}
    other = replace(target, columns=tuple(columns.values()))
    if target.kind != "classes":
        other = replace(other, outputs=other.columns)
    table = predict(small, write_run(tmp_path / "run", [Model(["08"])], other))
    expected = [] if target.kind in ("shares", "labels") else ["predicted"]
    if target.kind != "number":
        expected += [f"p_{name}" for name in other.outputs]
    assert table.columns.tolist() == [*ENTITIES, *expected, "seen"]
    assert not table.isna().any(axis=None)


def test_classes_that_the_model_does_not_know_are_named_as_in_the_store(run, tmp_path):
    table = window_table(1)
    table["label"] = ["sleep"] * 8 + [""] * 8
    store = write_store(tmp_path / "new.zarr", table)
    assert predict(store, run)["label"].tolist() == ["sleep"] * 8 + ["n/a"] * 8


def test_votes_of_a_window_that_sum_to_0_are_no_shares(tmp_path):
    table = target_table(1)
    table.loc[3, ["votes_rest", "votes_move"]] = 0
    store = write_store(tmp_path / "new.zarr", table)
    shares = predict(store, write_run(tmp_path / "run", [Model(["08"])], VOTES))
    assert shares.index[shares["votes_rest"].isna()].tolist() == [3]


def test_only_the_windows_of_a_requested_split_are_predicted(small, run):
    table = predict(small, run, split="test")
    assert sorted(table["subject"].unique()) == ["03", "04", "05"]
    assert table["window"].tolist() == list(range(48, 96))
    with pytest.raises(NoMatchError, match="no window has the split 'holdout'"):
        predict(small, run, split="holdout")


def test_signals_are_normalized_with_the_statistics_of_the_training(small, tmp_path):
    statistics = {"mean": (5.0, 5.0, 5.0), "std": (2.0, 2.0, 2.0)}
    run = write_run(tmp_path / "run", [Model(["08"])], normalize="training", **statistics)
    [weights] = run.glob("*.safetensors")
    model, card = load_checkpoint(weights)
    assert card.normalize == "training"
    signals = (torch.from_numpy(open_store(small).read("signals", slice(0, 4))) - 5) / 2
    expected = softmax(model(signals).detach().double().numpy(), axis=1)
    actual = predict(small, run)[["p_rest", "p_move"]].to_numpy()[:4]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"channels": ("C0", "Cz", "C2")},
            r"other\.zarr: the run .*run was trained on channels C0, C1, C2; the store has no C1",
        ),
        ({"sfreq": 128.0}, "was trained at 64 Hz, the store has 128 Hz"),
        ({"n_times": 70}, "was trained on windows of 64 samples, the store has 70"),
    ],
)
def test_a_store_with_other_windows_is_refused(run, tmp_path, changes, message):
    other = write_store(tmp_path / "other.zarr", window_table(1), **changes)
    with pytest.raises(ModelError, match=message):
        predict(other, run)


@pytest.mark.parametrize("normalize", ["training", "recording", "none"])
def test_channels_are_found_by_name_in_another_order_and_among_others(tmp_path, normalize):
    statistics = {"mean": (1.0, 2.0, 3.0), "std": (2.0, 3.0, 4.0)}
    changes = {"normalize": normalize} | (statistics if normalize == "training" else {})
    run = write_run(tmp_path / "run", [Model(["08"])], **changes)
    first = write_store(tmp_path / "first.zarr", window_table(2))
    other = write_permuted(first, tmp_path / "other.zarr", ("C9", "C2", "C0", "C1"))
    expected = predict(first, run)
    pd.testing.assert_frame_equal(predict(other, run), expected, check_exact=True)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            AGE,
            r"/b predicts number of age, but .*/a predicts classes of label \(rest, move\); runs",
        ),
        (replace(LABEL, outputs=("move", "rest")), r"/b predicts classes of label \(move, rest\)"),
        (replace(LABEL, columns=("sex",)), r"/b predicts classes of sex \(rest, move\), but"),
    ],
)
def test_runs_of_different_targets_are_not_averaged(small, tmp_path, target, message):
    first = write_run(tmp_path / "a", [Model(["00"])])
    second = write_run(tmp_path / "b", [Model(["00"])], target)
    with pytest.raises(ModelError, match=message):
        predict(small, [first, second])


def test_each_run_must_fit_the_store(small, run, tmp_path):
    other = write_run(tmp_path / "other", [Model(["00"])], sfreq=128.0)
    with pytest.raises(ModelError, match=r"the run .*other was trained at 128 Hz"):
        predict(small, [run, other])


def test_no_run_is_refused(small):
    with pytest.raises(ModelError, match="no run folder"):
        predict(small, [])


def test_folds_of_an_earlier_version_are_read(small, run, tmp_path):
    old = []
    for fold in json.loads((run / "folds.json").read_text()):
        old.append({name: fold[name] for name in ("train", "validation", "weights")})
        weights = run / fold["weights"]
        (tmp_path / weights.name).write_bytes(weights.read_bytes())
    (tmp_path / "folds.json").write_text(json.dumps(old))
    pd.testing.assert_frame_equal(predict(small, tmp_path), predict(small, run))


def test_a_folder_without_a_complete_run_is_refused(small, run, tmp_path):
    with pytest.raises(ModelError, match="not a run folder of bids-dl train"):
        predict(small, tmp_path)
    folds = (run / "folds.json").read_text()
    (tmp_path / "folds.json").write_text(folds)
    with pytest.raises(ModelError, match=r"weights.*\.safetensors is missing: training was not"):
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
        predict(small, run, device="tpu")


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
    with pytest.raises(ModelError, match=rf"folds\.json is missing or broken: .*{message}"):
        read_folds(tmp_path)


@pytest.mark.parametrize("spec", [LABEL, AGE, VOTES, ARTEFACTS])
def test_predictions_stand_beside_the_targets_of_their_windows(spec):
    table = target_table(2)
    classes = {"label": LABEL.outputs}
    values = read_target(table, spec.columns, kind=spec.kind, classes=classes, source="a").values
    rows = [30, 2, 17]
    decoded = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])[:, : spec.n_outputs]
    known = tabulate_predictions(table.iloc[rows], spec, decoded, values[rows])
    unknown = tabulate_predictions(table.iloc[rows], spec, decoded, None)
    assert known["window"].tolist() == rows
    assert known["subject"].tolist() == ["01", "00", "01"]
    pd.testing.assert_frame_equal(known.drop(columns=list(spec.columns)), unknown)
    expected = [values[rows]] if values.ndim == 1 else values[rows].T
    if spec.kind == "classes":
        expected = [["move", "rest", "rest"]]
        assert known["predicted"].tolist() == ["rest", "move", "rest"]
    for name, column in zip(spec.columns, expected, strict=True):
        np.testing.assert_array_equal(known[name], column)


def test_a_missing_class_is_named_so():
    table = window_table(1).iloc[:2]
    result = tabulate_predictions(table, LABEL, np.full((2, 2), 0.5), np.array([-1, 1]))
    assert result["label"].tolist() == ["n/a", "move"]


def test_one_or_several_run_folders_are_paths_in_python(small, run, tmp_path):
    table = bids_dl.predict(small, run_dir=[str(run), run], device="cpu")
    pd.testing.assert_frame_equal(table, bids_dl.predict(small, run_dir=run, device="cpu"))


@pytest.mark.parametrize(
    ("target", "normalize"), [("label", "training"), ("age", "none"), ("votes_*", "recording")]
)
def test_predictions_for_the_tested_persons_are_those_of_the_training(
    targets, tmp_path, target, normalize
):
    options = {"target": target, "normalize": normalize, "folds": 2, "epochs": 1, "device": "cpu"}
    run = bids_dl.train(targets, run_dir=tmp_path / "run", **options)
    tested = run.predictions.set_index("window").sort_index()
    predicted = predict(targets, run.run_dir, device="cpu").set_index("window")
    columns = tested.columns.drop(["seed", "fold"])
    pd.testing.assert_frame_equal(predicted[columns], tested[columns], check_dtype=False)
    assert not predicted["seen"].any()
