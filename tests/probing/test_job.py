from __future__ import annotations

import numpy as np
import pytest
from embedded_people import make_embeddings
from people_store import target_table, window_table

from bids_dl.config.embedding_stage import ProbeConfig
from bids_dl.errors import ConditionError, ConfigError, ModelError, TargetError
from bids_dl.probing.job import join_embeddings, prepare_probe


def config(**changes) -> ProbeConfig:
    return ProbeConfig(device="cpu", **changes)


def of_other_people(n_persons: int = 4, dataset: str = "ds2", **run):
    table = window_table(n_persons).assign(dataset=dataset)
    return make_embeddings({}, table=table, **run)


def test_the_splits_of_the_file_are_the_default():
    embeddings = make_embeddings({})
    [fold] = prepare_probe(embeddings, config()).folds
    assert set(embeddings.table.iloc[fold.test]["split"]) == {"test"}
    assert not fold.same_person


def test_folds_conditions_and_votes_are_those_of_a_training():
    embeddings = make_embeddings({}, n_persons=6)
    job = prepare_probe(embeddings, config(folds="loso", where=("subject=00,01,02",)))
    assert [fold.held_out for fold in job.folds] == ["sub-00", "sub-01", "sub-02"]
    assert job.vote_by == "block"
    half = prepare_probe(embeddings, config(folds="loso", train_fraction=0.5))
    assert len(half.folds[0].train) < len(job.folds[0].train) * 2
    with pytest.raises(ConditionError):
        prepare_probe(embeddings, config(where=("subject=99",)))
    with pytest.raises(TargetError, match="no column 'sex'"):
        prepare_probe(embeddings, config(target=("sex",)))
    with_ages = make_embeddings({}, table=target_table(4))
    weighted = config(target=("age",), folds=2, class_weights="inverse")
    with pytest.raises(ConfigError, match="class weights need a target of classes"):
        prepare_probe(with_ages, weighted)


def test_windows_without_a_target_are_refused_or_left_out():
    embeddings = make_embeddings({}, n_persons=4)
    embeddings.table.loc[embeddings.table.index[:3], "label"] = "n/a"
    with pytest.raises(TargetError, match=r"3 of 64 windows have no 'label'; --drop-missing"):
        prepare_probe(embeddings, config(folds=2))
    job = prepare_probe(embeddings, config(folds=2, drop_missing=True))
    assert sum(len(fold.test) for fold in job.folds) == 61


def test_tested_people_whom_the_network_has_seen_are_reported():
    embeddings = make_embeddings({}, n_persons=4)
    assert prepare_probe(embeddings, config(folds="loso")).warnings == ()
    embeddings.seen[:32] = True
    [warning] = prepare_probe(embeddings, config(folds="loso")).warnings
    assert "trained on 2 of the 4 tested persons" in warning


def test_seen_people_on_the_training_side_are_not_reported():
    embeddings = make_embeddings({})
    embeddings.seen[:] = embeddings.table["split"] == "train"
    assert prepare_probe(embeddings, config()).warnings == ()


def test_another_store_is_tested_as_a_whole():
    first = make_embeddings({}, n_persons=3)
    job = prepare_probe(first, config(), of_other_people())
    [fold] = job.folds
    assert fold.train.tolist() == list(range(48))
    assert fold.test.tolist() == list(range(48, 112))
    assert not fold.same_person
    assert job.warnings == ()
    table = job.embeddings.table.iloc[fold.test]
    assert table.index.tolist() == list(range(64))


def test_people_of_both_stores_are_the_same_people():
    job = prepare_probe(make_embeddings({}, n_persons=3), config(), of_other_people(dataset="ds1"))
    assert job.folds[0].same_person
    assert "3 of 4 persons of people.zarr are also in people.zarr" in job.warnings[0]


def test_a_class_that_only_the_tested_store_has_is_a_warning():
    other = of_other_people()
    other.table.loc[other.table["subject"] == "00", "label"] = "talk"
    other.origin["store"]["classes"] = {"label": ["rest", "move", "talk"]}
    job = prepare_probe(make_embeddings({}), config(), other)
    assert job.target.spec.outputs == ("rest", "move", "talk")
    assert "talk" in job.warnings[0]


@pytest.mark.parametrize("field", ["weights_sha256", "layer", "side"])
def test_another_model_or_layer_is_refused(field):
    with pytest.raises(ModelError, match=r"'output', but people\.zarr by '"):
        join_embeddings(make_embeddings({}), of_other_people(**{field: "output"}))


def test_only_random_networks_that_both_have_are_kept():
    joined = join_embeddings(make_embeddings({}, n_seeds=3), of_other_people(n_seeds=2))
    assert joined.random_weights.shape == (2, len(joined.table), 6)
    assert list(joined.systems) == [
        "features",
        "random_weights_0",
        "random_weights_1",
        "band_power",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": "loso"}, "--folds loso has no effect with --test"),
        ({"train_fraction": 0.5}, "--train-fraction 0.5 has no effect with --test"),
        ({"gap": 3}, "--gap 3"),
        ({"stratify": "label"}, "--stratify label"),
    ],
)
def test_options_of_folds_are_refused_with_another_store(changes, message):
    with pytest.raises(ConfigError, match=message):
        prepare_probe(make_embeddings({}), config(**changes), of_other_people())


def test_both_stores_need_the_target():
    first = make_embeddings({})
    first.table["sex"] = np.where(first.table["subject"] < "05", "F", "M")
    with pytest.raises(TargetError, match="has no column sex; both stores need the target"):
        prepare_probe(first, config(target=("sex",), drop_missing=True), of_other_people())
