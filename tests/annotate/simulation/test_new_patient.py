from __future__ import annotations

import doctest
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from planted_patients import write_patients

import bids_dl
from bids_dl.annotate.learning.learner import Answers
from bids_dl.annotate.simulation import new_patient
from bids_dl.annotate.simulation.adaptation import EQUAL_ANSWERS, LogisticAdaptation
from bids_dl.annotate.simulation.new_patient import (
    divide_patients,
    iterate_answers,
    prepare_case,
    run_patient,
)
from bids_dl.annotate.simulation.problem import LOGISTIC, Problem
from bids_dl.annotate.simulation.simulate import prepare_problem
from bids_dl.annotate.strategies import STRATEGIES, StrategyEntry
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import TargetError
from bids_dl.store import open_store

CONFIG = SimulateConfig(
    strategy=("mixture",), leave_one_patient_out=True, answers=(0, 6, 20), seeds=2, batch=5
)
FILES = {"curves.csv", "curves.png", "simulation.json", "summary.csv"}


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    """Four patients with 100 windows each, of which 12 have a spike."""
    folder = tmp_path_factory.mktemp("patients")
    return write_patients(folder, n_patients=4, n_windows=100, share=0.12)


@pytest.fixture(scope="module")
def problem(url) -> Problem:
    return prepare_problem(open_store(url), CONFIG, lambda *_: None)


def test_the_last_windows_are_tested_and_none_of_them_is_asked(problem):
    patients, warnings = divide_patients(problem)
    assert (len(patients), warnings) == (4, [])
    for patient in patients:
        assert (len(patient.pool), len(patient.test)) == (60, 40)
        assert problem.onset[patient.pool].max() < problem.onset[patient.test].min()
        assert set(problem.people[patient.test]) == {patient.number}
        assert patient.number not in problem.people[patient.others]


def test_the_order_of_windows_in_the_store_does_not_matter(problem):
    order = np.random.default_rng(0).permutation(len(problem.rows))
    names = ("rows", "classes", "people", "recording", "onset")
    shuffled = replace(problem, **{name: getattr(problem, name)[order] for name in names})
    for first, second in zip(
        divide_patients(problem)[0], divide_patients(shuffled)[0], strict=True
    ):
        assert order[second.pool].tolist() == first.pool.tolist()
        assert order[second.test].tolist() == first.test.tolist()


def test_a_window_that_overlaps_with_a_tested_one_is_not_asked(problem):
    halved = replace(problem, onset=problem.onset / 2)
    [patient, *_] = divide_patients(halved)[0]
    assert (len(patient.pool), len(patient.test)) == (59, 40)


def test_a_patient_without_a_late_spike_is_left_out_by_name(problem):
    classes = problem.classes.copy()
    classes[divide_patients(problem)[0][1].test] = 0
    patients, [warning] = divide_patients(replace(problem, classes=classes))
    assert [patient.number for patient in patients] == [0, 2, 3]
    assert warning == (
        "1 person left out, because the last 40 % of their windows do not have all classes: "
        "ds1/sub-01"
    )


def test_fewer_than_two_patients_are_refused(problem):
    classes = problem.classes.copy()
    classes[problem.people > 0] = 0
    with pytest.raises(TargetError, match=r"ds1/sub-00: windows of the other people do not have"):
        divide_patients(replace(problem, classes=classes))
    with pytest.raises(TargetError, match=r"0 persons with windows of all 2 classes in the last"):
        divide_patients(replace(problem, classes=np.zeros_like(classes)))


def test_strategies_share_the_model_without_answers_and_are_tested_at_the_same_numbers(problem):
    rows = pd.DataFrame(run_patient(problem, divide_patients(problem)[0][0]))
    assert set(rows["strategy"]) == {"random", "mixture"}
    for _, curve in rows.groupby(["strategy", "seed"]):
        assert curve["n_labels"].tolist() == [0, 6, 20]
        assert (curve["labels_background"] + curve["labels_spike"]).tolist() == [0, 6, 20]
    assert rows[rows["n_labels"] == 0]["value"].nunique() == 1


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_ask_only_new_windows_of_the_patient(problem, name):
    patient = divide_patients(problem)[0][2]
    case = prepare_case(problem, patient, LOGISTIC)
    entry = STRATEGIES[name]
    asked: list[int] = []

    def pick(pool, n, rng):
        rows = entry.pick(pool, n, rng)
        assert (pool.labels[rows] == -1).all()
        onsets = pool.onset[rows].tolist()
        assert not set(onsets) & set(asked)
        asked.extend(onsets)
        return rows

    watched = StrategyEntry(pick, "watched", needs_committee=entry.needs_committee)
    assert len(list(iterate_answers(case, watched, seed=0))) == 3
    assert len(asked) == 20
    assert set(asked) <= set(problem.onset[patient.pool])


def test_answers_weigh_as_much_as_all_others_together(problem):
    case = prepare_case(problem, divide_patients(problem)[0][0], LOGISTIC)
    seen = []

    class Watching:
        def learn(self, answers, seed):  # noqa: ARG002
            seen.append(answers)
            return case.before

    others = case.learner.others
    answers = Answers(others.rows[:10], others.classes[:10], np.ones(10))
    LogisticAdaptation(Watching(), others).adapt(answers, 0)
    [combined] = seen
    assert combined.weights[-10:].sum() == pytest.approx(300 * 10 / EQUAL_ANSWERS)
    assert combined.weights[:-10].sum() == 300


def test_a_pool_that_is_asked_to_the_end_stops_and_the_patient_is_named(problem):
    config = replace(CONFIG, answers=(0, 20, 90), seeds=1)
    curves, [warning] = new_patient.run_patients(replace(problem, config=config), lambda *_: None)
    assert set(curves["n_labels"]) == {0, 20}
    assert warning.startswith("4 persons with fewer than 90 windows to ask: ds1/sub-00")


def test_workers_do_not_change_the_files(url, tmp_path):
    options = {"strategy": "mixture", "answers": "0,10", "seeds": 1, "leave_one_patient_out": True}
    with joblib.parallel_config(backend="threading"):
        for jobs in (1, 2):
            bids_dl.simulate(url, jobs=jobs, output=tmp_path / str(jobs), **options)
    assert {path.name for path in (tmp_path / "1").iterdir()} == FILES
    for name in FILES - {"simulation.json"}:  # which has the number of workers
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_network_is_fine_tuned_and_its_weights_before_stay_the_same(url):
    network = {"model": "shallow-fbcsp", "model_options": {"n_filters": 4}, "epochs": 1}
    config = replace(CONFIG, **network, device="cpu", answers=(0, 20), batch=20)
    problem = prepare_problem(open_store(url), config, lambda *_: None)
    patient = divide_patients(problem)[0][0]
    [name] = problem.learner_names
    case = prepare_case(problem, patient, name)
    before = case.before(patient.test)
    state = {key: values.clone() for key, values in case.learner.trained.state_dict().items()}
    rows = list(iterate_answers(case, STRATEGIES["mixture"], seed=0))
    assert [row["n_labels"] for row in rows] == [0, 20]
    for key, values in case.learner.trained.state_dict().items():
        assert (values == state[key]).all(), key
    assert (case.before(patient.test) == before).all()
    classes = problem.classes[patient.pool]
    chosen = np.concatenate([np.flatnonzero(classes == each)[:5] for each in (0, 1)])
    answers = Answers(patient.pool[chosen], classes[chosen], np.ones(len(chosen)))
    assert (case.learner.adapt(answers, 0)(patient.test) != before).any()


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(new_patient).failed == 0


@pytest.mark.slow
def test_chosen_answers_of_a_new_patient_beat_as_many_random_ones(tmp_path):
    url = write_patients(tmp_path, n_patients=16, n_windows=400)
    result = bids_dl.simulate(
        url,
        strategy="mixture",
        leave_one_patient_out=True,
        answers=(20, 50, 100),
        seeds=2,
        output=tmp_path / "out",
    )
    chosen = result.summary.query("strategy == 'mixture'")
    assert (chosen["low"] > 0).all()
