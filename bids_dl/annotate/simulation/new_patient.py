"""Protocol for a new patient: train on the others, and adapt by k answers, chosen or random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bids_dl.annotate.learning.features import make_features
from bids_dl.annotate.learning.learner import (
    Answers,
    LogisticLearner,
    Predictor,
    learn_committee,
)
from bids_dl.annotate.learning.network import scale_network
from bids_dl.annotate.simulation.adaptation import (
    AdaptiveLearner,
    LogisticAdaptation,
    adapt_network,
)
from bids_dl.annotate.simulation.problem import LOGISTIC, Problem
from bids_dl.annotate.strategies.pool import UNLABELLED, Floats, Integers, Pool, Rows
from bids_dl.annotate.strategies.registry import (
    RANDOM,
    StrategyEntry,
    find_strategy,
    pick_random,
)
from bids_dl.errors import TargetError
from bids_dl.wording import count, join_names

TEST_SHARE = 0.4  # of the windows of the new patient, the last ones
TEST_PERCENT = f"{100 * TEST_SHARE:.0f} %"
MAX_KNOWN = 2000  # windows of other people that a strategy sees, so that distances stay fast
QUESTION_STREAM, LEARNER_STREAM, KNOWN_STREAM = 10, 11, 12  # beside those of `problem`

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """Windows of one new patient and of the others, as numbers of the problem.

    Attributes
    ----------
    number
        Number of the person.
    others
        Windows of other people, whose classes are known.
    pool
        Windows of the patient that may be asked, in order of time.
    test
        Later windows of the patient, which are only tested.
    """

    number: int
    others: Rows
    pool: Rows
    test: Rows


@dataclass(frozen=True, slots=True, eq=False)
class PatientCase:
    """A new patient with a learner that was trained on the others.

    Attributes
    ----------
    problem, patient
        The simulation and the patient.
    learner
        The learner.
    features
        (n_windows, n_features): features of all windows, for the strategies.
    before
        The model without an answer.
    """

    problem: Problem
    patient: Patient
    learner: AdaptiveLearner
    features: Floats
    before: Predictor


def divide_patients(problem: Problem) -> tuple[list[Patient], list[str]]:
    """Return each person as a new patient, and a line on those who are left out.

    The last 40 % of the windows of a patient are tested, in order of recording and onset. Windows
    that overlap with the first tested one are not asked. A patient is left out if the tested
    windows do not have all classes, because a metric of them is undefined.

    Parameters
    ----------
    problem
        The simulation.

    Raises
    ------
    TargetError
        Fewer than two patients are left, or the others of a patient do not have all classes.
    """
    patients = []
    left_out = []
    for number in range(int(problem.people.max()) + 1):
        patient = _divide_patient(problem, number)
        if len(np.unique(problem.classes[patient.test])) < problem.n_classes:
            left_out.append(problem.people_names[number])
        elif len(np.unique(problem.classes[patient.others])) == problem.n_classes:
            patients.append(patient)
        else:
            raise TargetError(
                f"{problem.people_names[number]}: windows of the other people do not have all "
                "classes, so that no model can be trained on them"
            )
    if len(patients) < 2:
        raise TargetError(
            f"--leave-one-patient-out: {count(len(patients), 'person')} with windows of all "
            f"{problem.n_classes} classes in the last {TEST_PERCENT}; expected two or more"
        )
    if not left_out:
        return patients, []
    return patients, [
        f"{count(len(left_out), 'person')} left out, because the last {TEST_PERCENT} of their "
        f"windows do not have all classes: {join_names(left_out, limit=5)}"
    ]


def run_patients(
    problem: Problem, on_progress: Callable[[str, int, int], None]
) -> tuple[pd.DataFrame, list[str]]:
    """Run the protocol for all patients and seeds.

    Parameters
    ----------
    problem
        The simulation.
    on_progress
        Called with the progress of the patients.

    Returns
    -------
    curves
        Table with `bids_dl.annotate.simulation.patient_curves.CURVE_COLUMNS`.
    warnings
        Lines on patients who are left out or have fewer windows than answers.

    Raises
    ------
    TargetError
        As in `divide_patients`.
    """
    patients, warnings = divide_patients(problem)
    most = max(problem.config.answers)
    small = [problem.people_names[each.number] for each in patients if len(each.pool) < most]
    if small:
        warnings.append(
            f"{count(len(small), 'person')} with fewer than {most} windows to ask: "
            f"{join_names(small, limit=5)}"
        )
    rows: list[Row] = []
    for done, found in enumerate(_iterate_patients(problem, patients)):
        rows += found
        on_progress("patients", done + 1, len(patients))
    return pd.DataFrame(rows), warnings


def run_patient(problem: Problem, patient: Patient) -> list[Row]:
    """Run all learners, seeds and strategies for one patient.

    Parameters
    ----------
    problem
        The simulation.
    patient
        The new patient.
    """
    config = problem.config
    rows: list[Row] = []
    strategies = dict.fromkeys((RANDOM, *config.strategy))
    with threadpool_limits(1):  # because matrices are small, and sums must not depend on threads
        for model in problem.learner_names:
            case = prepare_case(problem, patient, model)
            for seed in range(config.seed, config.seed + config.seeds):
                for strategy in strategies:
                    known: Row = {"model": model, "strategy": strategy}
                    known |= {"patient": problem.people_names[patient.number], "seed": seed}
                    for row in iterate_answers(case, find_strategy(strategy), seed):
                        rows.append({**known, **row})
    return rows


def prepare_case(problem: Problem, patient: Patient, learner_name: str) -> PatientCase:
    """Train a learner on the other people, with all their classes.

    Features and normalization also use the windows of the patient that may be asked, without
    their classes.

    Parameters
    ----------
    problem
        The simulation.
    patient
        The new patient.
    learner_name
        One of the names of the learners.
    """
    features = make_features(problem.measures, np.concatenate((patient.others, patient.pool)))
    classes = problem.classes[patient.others]
    others = Answers(patient.others, classes, np.ones(len(classes)))
    learner: AdaptiveLearner
    if learner_name == LOGISTIC:
        learner = LogisticAdaptation(LogisticLearner(features, problem.n_classes), others)
    else:
        scaled = scale_network(problem.networks[learner_name], problem.rows[patient.others])
        learner = adapt_network(scaled, others, problem.rows, patient.pool, problem.config.seed)
    before = learner.adapt(_no_answers(), problem.config.seed)
    return PatientCase(problem, patient, learner, features, before)


def iterate_answers(case: PatientCase, strategy: StrategyEntry, seed: int) -> Iterator[Row]:
    """Yield a row for each tested number of answers: number, metric, and answers of each class.

    Parameters
    ----------
    case
        Patient and learner.
    strategy
        Strategy that chooses all questions. It sees windows of other people as answered ones.
    seed
        Seed of the repetition.
    """
    problem = case.problem
    patient = case.patient
    classes = problem.classes[patient.pool]
    tested = problem.classes[patient.test]
    known = _draw_known(patient, seed)
    labels = np.full(len(patient.pool), UNLABELLED, np.int64)
    predict = case.before
    is_random = strategy.pick is pick_random
    stops = sorted(set(problem.config.answers))
    for number, stop in enumerate(_list_stops(stops, problem.config.batch)):
        n_asked = int((labels != UNLABELLED).sum())
        if stop > n_asked:
            pool = _make_pool(case, known, labels, predict, strategy, seed)
            rng = np.random.default_rng([seed, QUESTION_STREAM, patient.number, number])
            asked = strategy.pick(pool, stop - n_asked, rng) - len(known)
            labels[asked] = classes[asked]
            if len(asked) < stop - n_asked:
                return
            if is_random and stop not in stops:
                continue  # it needs no model to choose the next windows
            answers = _list_answers(patient, labels)
            predict = case.learner.adapt(answers, _draw_seed(seed, patient, stop))
        if stop in stops:
            value = problem.scoring.score(predict(patient.test), tested)
            counts = np.bincount(labels[labels != UNLABELLED], minlength=problem.n_classes)
            names = (f"labels_{name}" for name in problem.class_names)
            numbers = dict(zip(names, counts.tolist(), strict=True))
            yield {"n_labels": stop, "value": value, **numbers}


def _divide_patient(problem: Problem, number: int) -> Patient:
    """Return the windows of one new patient."""
    is_patient = problem.people == number
    rows = np.flatnonzero(is_patient)
    rows = rows[np.lexsort((problem.onset[rows], problem.recording[rows]))]
    n_pool = round((1 - TEST_SHARE) * len(rows))
    pool, test = rows[:n_pool], rows[n_pool:]
    first = test[0]
    overlaps = problem.onset[pool] + problem.window_seconds > problem.onset[first]
    is_near = overlaps & (problem.recording[pool] == problem.recording[first])
    return Patient(number, np.flatnonzero(~is_patient), pool[~is_near], test)


def _iterate_patients(problem: Problem, patients: list[Patient]) -> Iterator[list[Row]]:
    """Yield the rows of each patient in their order."""
    if problem.config.jobs == 1:
        for patient in patients:
            yield run_patient(problem, patient)
        return
    from sklearn.utils.parallel import Parallel, delayed

    parallel = Parallel(n_jobs=problem.config.jobs, return_as="generator")
    yield from parallel(delayed(run_patient)(problem, patient) for patient in patients)


def _list_stops(tested: list[int], batch: int) -> list[int]:
    """Return the numbers of answers after which a model is trained.

    Examples
    --------
    >>> _list_stops([0, 20, 50], 15)
    [0, 15, 20, 30, 45, 50]
    """
    return sorted({*tested, *range(0, max(tested), batch)})


def _draw_known(patient: Patient, seed: int) -> Rows:
    """Draw windows of other people that a strategy sees as answered, with their proportions."""
    if len(patient.others) <= MAX_KNOWN:
        return patient.others
    rng = np.random.default_rng([seed, KNOWN_STREAM, patient.number])
    return np.sort(rng.choice(patient.others, MAX_KNOWN, replace=False))


def _make_pool(
    case: PatientCase,
    known: Rows,
    labels: Integers,
    predict: Predictor,
    strategy: StrategyEntry,
    seed: int,
) -> Pool:
    """Return what a strategy sees: known windows of others, then those of the patient."""
    problem = case.problem
    rows = np.concatenate((known, case.patient.pool))
    committee = None
    answers = _list_answers(case.patient, labels)
    if strategy.needs_committee and len(answers.rows):
        members = learn_committee(_Committee(case.learner), answers, seed)
        committee = np.stack([member(rows) for member in members])
    return Pool(
        case.features[rows],
        np.concatenate((problem.classes[known], labels)),
        problem.n_classes,
        problem.recording[rows],
        problem.onset[rows],
        problem.window_seconds,
        None if strategy.pick is pick_random else predict(rows),
        committee,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Committee:
    """An adaptive learner as a member of a committee."""

    learner: AdaptiveLearner

    def learn(self, answers: Answers, seed: int) -> Predictor:
        return self.learner.adapt(answers, seed)


def _list_answers(patient: Patient, labels: Integers) -> Answers:
    positions = np.flatnonzero(labels != UNLABELLED)
    return Answers(patient.pool[positions], labels[positions], np.ones(len(positions)))


def _no_answers() -> Answers:
    empty = np.array([], np.int64)
    return Answers(empty, empty, np.array([], np.float64))


def _draw_seed(seed: int, patient: Patient, n_answers: int) -> int:
    """Return the seed of the learner after some answers."""
    entropy = [seed, LEARNER_STREAM, patient.number, n_answers]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
