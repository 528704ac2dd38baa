from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from tested_windows import AGE, KINDS, LABELS, SHARES, STAGES, TWO_CLASSES, draw_windows
from tested_windows import make_windows as make

from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics import registry
from bids_dl.training.metrics.classes import accuracy, class_sums
from bids_dl.training.metrics.evaluation import evaluate
from bids_dl.training.metrics.intervals import wilson_interval
from bids_dl.training.metrics.registry import metrics_of
from bids_dl.training.metrics.spec import MetricSpec

PROPORTIONS = ("accuracy", "balanced_accuracy")


def limits(result):
    return result["low"], result["high"]


@pytest.mark.parametrize("spec", KINDS)
@pytest.mark.parametrize("n_persons", [1, 2, 12])
def test_every_metric_is_in_the_results_which_are_json_without_nan(spec, n_persons, recwarn):
    results = evaluate(draw_windows(spec, n_persons), spec, vote_by="block", seed=0)
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    names = [metric.name for metric in metrics_of(spec)]
    assert results["main"] == names[0]
    for unit in ("windows", "votes", "person_means"):
        assert [name for name in results[unit] if name in names] == names
    for name in (*names, "windows", "votes", "person_means", "baselines"):
        assert results["definitions"][name]
    assert (results["windows"]["n"], results["votes"]["n"]) == (18 * n_persons, 6 * n_persons)
    assert len(results["persons"]) == results["n_persons"] == n_persons
    assert not recwarn


@pytest.mark.parametrize("spec", KINDS)
def test_results_do_not_depend_on_the_order_of_windows(spec):
    table = draw_windows(spec, n_persons=3)
    shuffled = table.sample(frac=1, random_state=1)
    first, second = (evaluate(t, spec, vote_by="block", seed=0) for t in (table, shuffled))
    for unit in ("windows", "votes", "person_means"):
        for metric in metrics_of(spec):
            values = list(first[unit][metric.name].values())
            assert list(second[unit][metric.name].values()) == pytest.approx(values)


@given(st.integers(2, 12), st.integers(0, 1000))
@settings(max_examples=15)
def test_intervals_of_proportions_contain_their_value_and_stay_between_0_and_1(n_persons, seed):
    table = draw_windows(TWO_CLASSES, n_persons, seed=seed)
    results = evaluate(table, TWO_CLASSES, vote_by="block", seed=seed)
    for unit in ("windows", "votes"):
        for name in PROPORTIONS:
            value, low, high = (results[unit][name][key] for key in ("value", "low", "high"))
            assert -1e-9 <= low <= value + 1e-9
            assert value - 1e-9 <= high <= 1 + 1e-9


def test_the_same_seed_gives_the_same_results():
    table = draw_windows(STAGES, 8)
    first = evaluate(table, STAGES, vote_by="block", seed=1)
    assert evaluate(table, STAGES, vote_by="block", seed=1) == first
    other = evaluate(table, STAGES, vote_by="block", seed=2)
    assert limits(other["windows"]["kappa"]) != limits(first["windows"]["kappa"])


def test_one_person_has_no_interval_of_windows_and_one_of_independent_votes():
    results = evaluate(draw_windows(TWO_CLASSES, 1), TWO_CLASSES, vote_by="block", seed=0)
    assert limits(results["windows"]["accuracy"]) == (None, None)
    vote = results["votes"]["accuracy"]
    assert limits(vote) == pytest.approx(wilson_interval(vote["value"] * 6, 6))
    assert limits(results["votes"]["kappa"]) == (None, None)
    assert "too narrow" in results["definitions"]["votes"]
    assert results["warnings"] == [
        "1 person was tested; metrics of windows have no interval over persons"
    ]


def test_the_interval_of_one_vote_per_person_is_wilsons():
    table = make([(f"{i}", "open", 0.9 if i < 2 else 0.1) for i in range(10)])
    results = evaluate(table, TWO_CLASSES, vote_by="subject", seed=0)
    assert limits(results["votes"]["accuracy"]) == pytest.approx((0.4901625, 0.9433178))
    assert "Wilson" in results["definitions"]["votes"]
    assert results["votes"]["kappa"]["value"] is None
    assert not any("coarse" in warning for warning in results["warnings"])


def test_several_votes_of_a_person_are_not_taken_as_independent():
    rows = []
    for i in range(10):
        rows += [(f"{i}", "open", 0.9 if i < 2 else 0.1)] * 40
    votes = evaluate(make(rows), TWO_CLASSES, vote_by="block", seed=0)["votes"]
    assert votes["n"] == 400
    low, high = limits(votes["accuracy"])
    assert low < 0.6
    assert high >= 0.95


def test_a_perfect_vote_of_few_persons_has_a_wide_interval():
    rows = []
    for i in range(4):
        rows += [(f"{i}", "open", 0.1), (f"{i}", "closed", 0.9)]
    votes = evaluate(make(rows), TWO_CLASSES, vote_by="block", seed=0)["votes"]
    assert votes["balanced_accuracy"]["value"] == votes["accuracy"]["value"] == 1
    assert limits(votes["accuracy"]) == pytest.approx(wilson_interval(4, 4))
    assert votes["balanced_accuracy"]["low"] < 0.6


def test_the_interval_of_windows_is_as_wide_as_persons_differ():
    one_wrong_person = []
    equal_persons = []
    for i in range(6):
        one_wrong_person += [(f"{i}", "open", 0.9 if i == 5 else 0.1)] * 50
        equal_persons += [(f"{i}", "open", 0.9 if j < 8 else 0.1) for j in range(50)]
    widths = []
    for rows in (one_wrong_person, equal_persons):
        results = evaluate(make(rows), TWO_CLASSES, vote_by="subject", seed=0)
        low, high = limits(results["windows"]["accuracy"])
        widths.append(high - low)
    assert widths[0] > 0.3
    assert widths[1] == pytest.approx(0, abs=1e-9)
    assert "no width" in results["warnings"][1]


def test_few_persons_are_warned_of():
    results = evaluate(draw_windows(AGE, 9), AGE, vote_by="block", seed=0)
    assert results["warnings"] == [
        "9 people were tested; intervals over under 10 people are coarse"
    ]


def test_every_window_and_vote_is_in_a_confusion_matrix_and_ties_are_counted():
    table = draw_windows(STAGES, per_block=2)
    results = evaluate(table, STAGES, vote_by="block", seed=0)
    assert np.sum(results["windows"]["confusion"]) == 60
    assert np.sum(results["votes"]["confusion"]) == results["votes"]["n"] == 30
    assert results["votes"]["ties"] == (table.groupby("block")["predicted"].nunique().eq(2).sum())


def test_values_of_persons_are_those_of_their_windows_and_their_mean_is_over_persons():
    table = draw_windows(TWO_CLASSES, 4, n_blocks=12)
    results = evaluate(table, TWO_CLASSES, vote_by="block", seed=0)
    areas = []
    for person, (subject, group) in zip(results["persons"], table.groupby("subject"), strict=True):
        assert (person["dataset"], person["subject"]) == ("ds1", subject)
        assert person["n_windows"] == len(group)
        assert person["accuracy"] == (group["label"] == group["predicted"]).mean()
        areas.append(roc_auc_score(group["label"] == "closed", group["p_closed"]))
        assert person["auroc"] == pytest.approx(areas[-1])
    assert results["person_means"]["auroc"]["value"] == pytest.approx(np.mean(areas))


def test_a_person_whose_value_is_undefined_is_left_out_of_the_mean():
    table = draw_windows(TWO_CLASSES, 4, n_blocks=12)
    table.loc[table["subject"] == "001", "label"] = "open"
    results = evaluate(table, TWO_CLASSES, vote_by="block", seed=0)
    assert results["persons"][1]["auroc"] is None
    assert results["person_means"]["auroc"]["n"] == 3
    others = [results["persons"][i]["auroc"] for i in (0, 2, 3)]
    assert results["person_means"]["auroc"]["value"] == pytest.approx(np.mean(others))


@pytest.mark.parametrize("spec", [TWO_CLASSES, STAGES])
def test_perfect_predictions_are_1_for_windows_votes_and_persons(spec):
    table = draw_windows(spec)
    column = spec.columns[0]
    table["predicted"] = table[column]
    for name in spec.outputs:
        table[f"p_{name}"] = (table[column] == name).astype(float)
    results = evaluate(table, spec, vote_by="block", seed=0)
    for unit in ("windows", "votes", "person_means"):
        for metric in metrics_of(spec):
            assert results[unit][metric.name]["value"] == pytest.approx(1)


@pytest.mark.parametrize("spec", [SHARES, LABELS, AGE])
def test_only_classes_and_labels_have_details(spec):
    windows = evaluate(draw_windows(spec), spec, vote_by="block", seed=0)["windows"]
    names = {"n", *(metric.name for metric in metrics_of(spec))}
    assert set(windows) - names == ({"per_label"} if spec is LABELS else set())


def test_a_new_metric_is_one_entry(monkeypatch):
    error_rate = MetricSpec(
        "error_rate",
        "error rate",
        class_sums,
        lambda sums: 1 - accuracy(sums),
        "fraction of wrong predictions",
        higher_is_better=False,
        interval=lambda _: (0.0, 0.25),
        interval_method="none",
    )
    metrics = (*registry.CLASS_METRICS, error_rate)
    monkeypatch.setitem(registry.METRICS, "classes", metrics)
    results = evaluate(draw_windows(STAGES), STAGES, vote_by="block", seed=0)
    windows = results["windows"]
    assert windows["error_rate"]["value"] == pytest.approx(1 - windows["accuracy"]["value"])
    assert windows["error_rate"]["low"] == pytest.approx(1 - windows["accuracy"]["high"])
    single = evaluate(draw_windows(STAGES, 1), STAGES, vote_by="block", seed=0)
    assert limits(single["votes"]["error_rate"]) == (0.0, 0.25)
    assert results["definitions"]["error_rate"] == "fraction of wrong predictions"
    assert "error rate: none" in results["definitions"]["votes"]


def test_thousands_of_classes_are_evaluated_in_little_memory():
    n_classes = 3000
    names = tuple(f"image {number}" for number in range(n_classes))
    spec = TargetSpec("image", "classes", ("image",), names)
    true = np.arange(40) * 70
    table = draw_windows(TWO_CLASSES, n_persons=4, per_block=1, n_blocks=10)
    table = table[["fold", "window", "dataset", "subject", "session", "recording", "block"]]
    outputs = pd.DataFrame(np.full((40, n_classes), 1 / n_classes))
    outputs.columns = [f"p_{name}" for name in names]
    predicted = np.array(names, dtype=object)[np.where(true < 1400, true, 0)]
    table = pd.concat([table, outputs], axis=1)
    table = table.assign(image=np.array(names, dtype=object)[true], predicted=predicted)
    tracemalloc.start()
    results = evaluate(table, spec, vote_by="block", seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert results["windows"]["accuracy"]["value"] == results["votes"]["accuracy"]["value"] == 0.5
    assert "confusion" not in results["windows"]
    assert peak < 1.5e9  # confusion matrices of all bootstrap samples would have 144 GB
