from __future__ import annotations

import numpy as np
import pytest
from embedded_people import make_embeddings
from people_store import target_table

from bids_dl.config.embedding_stage import ProbeConfig
from bids_dl.probing.job import prepare_probe
from bids_dl.probing.results import evaluate_probe, fit_systems


def probe(embeddings, **changes):
    """Return metrics, predictions and votes of a probe."""
    job = prepare_probe(embeddings, ProbeConfig(device="cpu", **changes))
    return evaluate_probe(job, fit_systems(job, lambda _: None))


def test_an_embedding_with_an_effect_beats_floors_without():
    metrics, predictions, votes = probe(make_embeddings({"features": 4}), folds=3)
    assert metrics["windows"]["accuracy"]["value"] > 0.9
    assert [test["is_beaten"] for test in metrics["floors"].values()] == [True, True]
    assert len(predictions) == 192
    assert len(votes) == 24
    assert {"seed", "fold", "window", "label", "predicted", "p_rest"} <= set(predictions)
    assert {fold["fold"] for fold in metrics["folds"]} == {0, 1, 2}


def test_an_embedding_without_an_effect_beats_nothing():
    metrics, _, _ = probe(make_embeddings({"band_power": 4}), folds=3)
    assert abs(metrics["windows"]["accuracy"]["value"] - 0.5) < 0.15
    assert not any(test["is_beaten"] for test in metrics["floors"].values())
    assert metrics["floors"]["band_power"]["high"] < 0


def test_baselines_are_those_of_a_training_and_random_weights():
    metrics, _, _ = probe(make_embeddings({}, n_seeds=2), folds=3, inverse_penalty=0.01)
    baselines = metrics["baselines"]
    assert set(baselines) == {"chance", "largest_class", "random_weights", "band_power"}
    assert baselines["random_weights"]["inverse_penalties"] == [0.01] * 3
    assert len(baselines["random_weights"]["networks"]) == 2
    assert len(baselines["band_power"]["persons"]) == 12
    assert all(fold["inverse_penalty"] == 0.01 for fold in metrics["folds"])


def test_windows_without_band_power_have_the_reason():
    embeddings = make_embeddings({})
    short = type(embeddings)(
        embeddings.features,
        embeddings.random_weights,
        np.empty((192, 0), np.float32),
        embeddings.table,
        embeddings.seen,
        {**embeddings.origin, "band_power_reason": "too short"},
    )
    metrics, _, _ = probe(short, folds=3)
    assert metrics["baselines"]["band_power"] == {"reason": "too short"}
    assert list(metrics["floors"]) == ["random_weights"]


@pytest.mark.parametrize(
    ("target", "kind", "main"),
    [
        (("age",), "number", "mae"),
        (("votes_rest", "votes_move"), "shares", "kl"),
        (("blink",), "labels", "accuracy"),
    ],
)
def test_all_kinds_of_target_are_probed(target, kind, main):
    embeddings = make_embeddings({}, table=target_table(8))
    metrics, _, votes = probe(embeddings, target=target, target_kind=kind, folds=2)
    assert metrics["kind"] == kind
    assert metrics["main"] == main
    assert metrics["windows"][main]["value"] is not None
    assert set(metrics["floors"]) == {"random_weights", "band_power"}
    assert len(votes)


def test_a_message_is_sent_for_each_fold():
    job = prepare_probe(make_embeddings({}), ProbeConfig(device="cpu", folds=2, inverse_penalty=1))
    lines = []
    fit_systems(job, lines.append)
    assert len(lines) == 2
    assert lines[0].startswith("fold 1 of 2: sub-")
