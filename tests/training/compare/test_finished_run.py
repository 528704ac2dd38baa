"""Run folders that can be compared, and those that cannot."""

from __future__ import annotations

import pytest
from finished_runs import ACCURACIES, band_power, metrics_of, write_run

from bids_dl.errors import ModelError
from bids_dl.training.compare.finished_run import baseline_of, read_run


def test_a_finished_run_is_read(tmp_path):
    run = read_run(write_run(tmp_path / "run", metrics_of([0.5, None])))
    assert (run.model, run.folds, run.normalize) == ("shallow-fbcsp", "loso (8)", "recording")
    assert run.metric_names == ["accuracy", "kappa"]
    assert run.values("accuracy") == {("ds1", "001"): 0.5}, "an undefined value is left out"


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="nosuch: no such folder; name a run folder"):
        read_run(tmp_path / "nosuch")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"not a run folder, because it has no config\.json"):
        read_run(tmp_path)


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(tmp_path):
    folder = write_run(tmp_path / "run", None)
    with pytest.raises(ModelError, match="has not finished; the same `bids-dl train` resumes it"):
        read_run(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"metrics\.json cannot be read"),
        ('{"classes": ["rest"]}', r"metrics\.json: target is missing; .* train again"),
        ("[]", r"metrics\.json: content is an array"),
        ("\x00", r"metrics\.json cannot be read"),
    ],
)
def test_damaged_metrics_are_refused(tmp_path, content, message):
    folder = write_run(tmp_path / "run", metrics_of(ACCURACIES))
    (folder / "metrics.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        read_run(folder)


@pytest.mark.parametrize("value", ["0.5", [0.5], 10**400])
def test_a_value_of_a_person_that_is_no_finite_number_is_refused(tmp_path, value):
    metrics = metrics_of([0.5, 0.6])
    metrics["persons"][1]["accuracy"] = value
    run = read_run(write_run(tmp_path / "run", metrics))
    with pytest.raises(ModelError, match=r"accuracy is .*, expected a finite number or null"):
        run.values("accuracy")


def test_the_baseline_is_a_run_of_its_own(tmp_path):
    metrics = metrics_of([0.5, 0.6], baselines=band_power([0.7, 0.8]))
    baseline = baseline_of(read_run(write_run(tmp_path / "run", metrics)))
    assert (baseline.model, baseline.name[-10:]) == ("band-power", ", baseline")
    assert list(baseline.values("accuracy").values()) == [0.7, 0.8]


def test_a_band_power_run_has_no_baseline_but_itself(tmp_path):
    metrics = metrics_of([0.5], baselines=band_power([0.5]))
    run = read_run(write_run(tmp_path / "run", metrics, model="band-power"))
    assert baseline_of(run) is None


def test_windows_that_are_too_short_have_no_baseline(tmp_path):
    metrics = metrics_of([0.5], baselines={"band_power": {"reason": "too short"}})
    assert baseline_of(read_run(write_run(tmp_path / "run", metrics))) is None


def test_a_damaged_baseline_is_refused(tmp_path):
    run = read_run(write_run(tmp_path / "run", metrics_of([0.5], baselines={"band_power": 3})))
    with pytest.raises(ModelError, match=r"baselines\.band_power is 3, expected an object"):
        baseline_of(run)
