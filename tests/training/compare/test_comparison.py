"""Comparison of runs with the first one."""

from __future__ import annotations

import numpy as np
import pytest
from finished_runs import ACCURACIES, band_power, list_persons, metrics_of, write_run

from bids_dl.errors import ConfigError, ModelError
from bids_dl.training.compare import compare_runs

BETTER = tuple(value + 0.05 for value in ACCURACIES)


@pytest.fixture
def runs(tmp_path):
    """Function that writes one run folder per content of metrics.json."""

    def write(*contents, **store):
        folders = []
        for number, content in enumerate(contents):
            folders.append(write_run(tmp_path / f"run-{number}", content, **store))
        return folders

    return write


def test_a_run_that_is_better_for_everybody_has_the_smallest_p(runs):
    comparison = compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER)))
    first, second = comparison.rows
    assert (first.test, first.person_mean.value) == (None, pytest.approx(0.8))
    assert second.test.difference == pytest.approx(0.05)
    assert second.test.p_permutation == second.p_holm == 2 / 2**8
    assert (comparison.metric, comparison.higher_is_better) == ("accuracy", True)
    assert comparison.warnings == ()


def test_the_baseline_of_the_first_run_is_one_more_row(runs):
    first = metrics_of(ACCURACIES, baselines=band_power(BETTER))
    comparison = compare_runs(runs(first, metrics_of(ACCURACIES, baselines=band_power([0.1] * 8))))
    assert [row.model for row in comparison.rows] == ["shallow-fbcsp"] * 2 + ["band-power"]
    _, second, baseline = comparison.rows
    assert baseline.test.difference == pytest.approx(0.05)
    assert baseline.p_holm == pytest.approx(2 * baseline.test.p_permutation)
    assert second.p_holm == 1


def test_a_single_run_is_compared_with_its_baseline(runs):
    comparison = compare_runs(runs(metrics_of(ACCURACIES, baselines=band_power(BETTER))))
    assert [row.model for row in comparison.rows] == ["shallow-fbcsp", "band-power"]


def test_persons_are_matched_by_dataset_and_subject(runs):
    persons = list_persons(ACCURACIES)[::-1]
    persons[0]["dataset"] = "ds2"
    comparison = compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER, persons=persons)))
    assert comparison.rows[1].test.n_persons == 7
    assert comparison.rows[1].test.difference == 0


def test_persons_without_a_value_are_left_out(runs):
    comparison = compare_runs(runs(metrics_of(ACCURACIES), metrics_of((None, *BETTER[1:]))))
    assert comparison.rows[1].test.n_persons == 7


def test_another_metric_can_be_compared(runs):
    comparison = compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER)), metric="kappa")
    assert (comparison.rows[1].test.difference, comparison.rows[1].windows.value) == (0, None)
    assert comparison.rows[1].votes.value == 0.5


def test_the_table_has_one_row_per_run_and_numbers_in_columns(runs):
    table = compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER))).table
    assert list(table["folds"]) == ["loso (8)"] * 2
    assert np.isnan(table["difference"][0])
    assert table["difference"][1] == pytest.approx(0.05)
    expected = {"run", "model", "target", "metric", "windows", "windows_low", "votes_high"}
    assert expected | {"person_mean", "common_persons", "p_holm"} <= set(table)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "age"}, "run-1: its target is age, but label in .*run-0"),
        ({"kind": "labels"}, "its kind of target is labels, but classes"),
        ({"outputs": ["rest", "go"]}, "its outputs is go, rest, but move, rest"),
    ],
)
def test_runs_with_another_target_are_refused(runs, changes, message):
    with pytest.raises(ModelError, match=message):
        compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER, **changes)))


def test_the_last_of_many_classes_is_compared_too(runs):
    many = [f"class {number}" for number in range(20)]
    contents = [metrics_of(ACCURACIES, outputs=[*many, last]) for last in ("x", "y")]
    folders = runs(*contents)
    with pytest.raises(ModelError, match=r"its outputs is class 0, .* and 13 more, but class 0"):
        compare_runs(folders)


@pytest.mark.parametrize("value", ["0.5", {}, True, 10**400, 1e308])
@pytest.mark.parametrize("field", ["value", "low"])
def test_a_metric_that_is_no_finite_number_is_refused(runs, value, field):
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6, field: value}
    damaged = metrics_of(BETTER, votes={"n": 16, "accuracy": estimate})
    message = f"metrics.json: {field} of accuracy of votes is .*, expected a finite number or null"
    with pytest.raises(ModelError, match=message):
        compare_runs(runs(metrics_of(ACCURACIES), damaged))


def test_the_order_of_classes_does_not_matter(runs):
    compare_runs(runs(metrics_of(ACCURACIES), metrics_of(BETTER, outputs=["move", "rest"])))


def test_runs_without_a_common_person_are_refused(runs):
    persons = list_persons(ACCURACIES)
    for person in persons:
        person["dataset"] = "ds2"
    with pytest.raises(
        ModelError, match=r"run-1: tested no person of .*run-0 for whom accuracy is"
    ):
        compare_runs(runs(metrics_of(ACCURACIES), metrics_of(ACCURACIES, persons=persons)))


def test_a_run_given_twice_is_refused(runs):
    [folder] = runs(metrics_of(ACCURACIES))
    with pytest.raises(ConfigError, match="run-0: given twice"):
        compare_runs([folder, folder / ".." / folder.name])


def test_a_single_run_without_a_baseline_is_refused(runs):
    with pytest.raises(ConfigError, match="a single run without a baseline; name another run"):
        compare_runs(runs(metrics_of(ACCURACIES)))


def test_an_unknown_metric_is_refused_with_the_known_ones(runs):
    folders = runs(metrics_of(ACCURACIES), metrics_of(BETTER))
    with pytest.raises(ConfigError, match=r"--metric 'accurcy': .* did you mean 'accuracy'"):
        compare_runs(folders, metric="accurcy")


def test_few_persons_give_a_warning_with_the_smallest_p(runs):
    comparison = compare_runs(runs(metrics_of(ACCURACIES[:4]), metrics_of(BETTER[:4])))
    assert comparison.warnings == (
        "4 common people: the smallest possible p of the permutation test is 0.125",
    )


def test_runs_that_answer_different_questions_give_a_warning(runs):
    folders = runs(metrics_of(ACCURACIES), metrics_of(BETTER, same_person=True))
    [warning] = compare_runs(folders).warnings
    assert "run-1: tested persons that it was also trained on" in warning


def test_another_unit_of_vote_gives_a_warning(runs):
    folders = runs(metrics_of(ACCURACIES), metrics_of(BETTER, vote_by="subject"))
    [warning] = compare_runs(folders).warnings
    assert "votes by subject, but by block in" in warning


def test_other_stores_and_other_windows_give_warnings(tmp_path):
    persons = list_persons(BETTER)
    persons[2]["n_windows"] = 9
    first = write_run(tmp_path / "a", metrics_of(ACCURACIES))
    metrics = metrics_of(BETTER, persons=persons)
    second = write_run(tmp_path / "b", metrics, manifest_sha256="cd")
    store, windows = compare_runs([first, second]).warnings
    assert "trained on another store" in store
    assert windows.endswith("a of sub-003")
