"""Simulate active learning with the column of a store as the expert."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bids_dl.annotate.learning.features import measure_windows
from bids_dl.annotate.learning.network import NetworkLearner, choose_networks, make_training
from bids_dl.annotate.simulation.curves import summarize_curves
from bids_dl.annotate.simulation.files import choose_folder, write_simulation
from bids_dl.annotate.simulation.new_patient import divide_patients, run_patients
from bids_dl.annotate.simulation.patient_curves import average_seeds, summarize_patients
from bids_dl.annotate.simulation.problem import Problem, hold_out
from bids_dl.annotate.simulation.rounds import CurveRow, run_repetition
from bids_dl.annotate.simulation.scoring import Scoring, choose_scoring
from bids_dl.annotate.strategies.registry import find_strategy
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.models.target_columns import TargetValues, keep_known_classes, read_target
from bids_dl.store import Store, open_store
from bids_dl.training.folds import find_people
from bids_dl.training.folds.people import describe_people, number_groups

Progress = Callable[[str, int, int], None]
"""Function of a stage, the number that is done, and the number of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Results of a simulation, as in its folder.

    Attributes
    ----------
    folder
        Folder of the files.
    curves
        One row per learner, strategy, seed and number of answers, and per patient if one is left
        out at a time: content of ``curves.csv``.
    summary
        One row per learner and strategy, and per number of answers about a new patient: content of
        ``summary.csv``.
    description
        Content of ``simulation.json``: settings, metric, classes, people and warnings.
    """

    folder: Path
    curves: pd.DataFrame
    summary: pd.DataFrame
    description: dict[str, Any]


def simulate_store(
    store_url: str,
    config: SimulateConfig,
    *,
    output: Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    on_progress: Progress = lambda *_: None,
) -> Simulation:
    """Compare strategies by the classes that a store already has.

    In each repetition, people are held out, and all strategies begin with the same random windows.
    A learner is trained after each batch of answers and tested on the held-out people. Differences
    are paired by repetition. Their intervals, of Student's t distribution, hold for the draw of
    people and windows of this store, not for other data.

    With ``leave_one_patient_out``, a learner knows all classes of the other people, and adapts by
    answers about the new patient, as `bids_dl.annotate.simulation.new_patient` describes.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    config
        Target, strategies, learner and numbers.
    output
        New or empty folder. None takes ``simulations/<store>-<target>-<seed>``.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_progress
        Called with the progress of each stage.

    Raises
    ------
    StoreError
        There is no finished store.
    ConfigError, ModelError
        A strategy, model or option is wrong, or the folder is in use.
    TargetError
        The target is no class, or no split of the people has all classes on both sides.

    Examples
    --------
    >>> config = SimulateConfig(strategy=("mixture",), seeds=2, budget=30)
    >>> result = simulate_store("eyes.zarr", config, output=Path("simulation"))
    >>> result.summary["strategy"].tolist()
    ['random', 'mixture']
    """
    for name in config.strategy:
        find_strategy(name)
    store = open_store(store_url, storage_options=storage_options)
    stem = store.location.name.removesuffix(".zarr")
    local = store.location.folder if store.location.is_local else None
    folder = choose_folder(output, f"{stem}-{config.target}-{config.seed}", local)
    problem = prepare_problem(store, config, on_progress)
    if config.leave_one_patient_out:
        curves, warnings = run_patients(problem, on_progress)
        summary = summarize_patients(curves)
        drawn = average_seeds(curves)
    else:
        warnings = _check_budget(problem)
        curves = drawn = _run_repetitions(problem, on_progress)
        summary = summarize_curves(curves)
    description = describe_simulation(problem, store, warnings)
    write_simulation(folder, curves, summary, description, drawn=drawn)
    return Simulation(folder, curves, summary, description)


def prepare_problem(store: Store, config: SimulateConfig, on_progress: Progress) -> Problem:
    """Read classes and people, and measure the windows.

    Parameters
    ----------
    store
        The store.
    config
        Settings.
    on_progress
        Called with the progress of the measures.

    Raises
    ------
    TargetError
        The target is no class, or windows have none or have NaN or infinite samples, or there
        are too few people.
    ConfigError, ModelError
        The model does not exist or does not accept the windows.
    """
    target = _read_classes(store, config)
    rows = np.flatnonzero(~target.is_missing).astype(np.int64)
    table = store.table.iloc[rows]
    classes = target.values[rows]
    is_split_test = None
    if config.test == "split":
        is_split_test = table["split"].to_numpy() == "test"
    networks = _choose_networks(store, config, target)
    people = find_people(table)
    problem = Problem(
        rows,
        classes,
        target.spec.outputs,
        people.codes,
        tuple(describe_people([name], with_dataset=True) for name in people.names),
        number_groups(table, ("dataset", "recording")),
        table["onset"].to_numpy(float),
        store.shape[2] / store.sfreq,
        is_split_test,
        np.empty((len(rows), store.shape[1], 0), np.float32),
        choose_scoring(config.metric, classes, target.spec.n_outputs),
        networks,
        config,
    )
    if config.leave_one_patient_out:  # refuse impossible splits before windows are read
        divide_patients(problem)
    else:
        hold_out(problem, config.seed)
    measures = measure_windows(store, lambda *numbers: on_progress("windows measured", *numbers))
    n_wrong = int((~np.isfinite(measures[rows]).all(axis=(1, 2))).sum())
    if n_wrong:
        raise TargetError(
            f"{store.location.name}: {n_wrong} of {len(rows)} windows with a class have NaN or "
            "infinite samples; convert the store again without them"
        )
    return replace(problem, measures=measures[rows])


def describe_simulation(problem: Problem, store: Store, warnings: list[str]) -> dict[str, Any]:
    """Return the content of simulation.json."""
    config = problem.config
    counts = np.bincount(problem.classes, minlength=problem.n_classes).tolist()
    people = {"n": int(problem.people.max()) + 1}
    interval = "95 %, Student's t distribution of paired differences over "
    if config.leave_one_patient_out:
        people["left_out_in_turn"] = len(divide_patients(problem)[0])
        interval += "patients, each the mean over seeds"
    else:
        tested = hold_out(problem, config.seed)[1]
        people["held_out"] = len(np.unique(problem.people[tested]))
        interval += "seeds"
    scoring = problem.scoring
    return {
        "store": store.location.name,
        "settings": asdict(config),
        "learners": list(problem.learner_names),
        "metric": {
            "name": scoring.name,
            "title": _title(scoring, problem.class_names),
            "rarest_class": problem.class_names[scoring.rarest],
        },
        "classes": dict(zip(problem.class_names, counts, strict=True)),
        "people": people,
        "interval": interval,
        "warnings": warnings,
    }


def _title(scoring: Scoring, class_names: tuple[str, ...]) -> str:
    """Return the metric as people read it."""
    if scoring.name == "average_precision":
        return f"average precision of {class_names[scoring.rarest]}"
    return "balanced accuracy"


def _read_classes(store: Store, config: SimulateConfig) -> TargetValues:
    """Read the classes of all windows, without classes that no window has."""
    name = store.location.name
    target = read_target(
        store.table,
        [config.target],
        kind="classes",
        classes=store.attributes.get("classes"),
        source=name,
    )
    n_missing = int(target.is_missing.sum())
    if n_missing and not config.drop_missing:
        raise TargetError(
            f"{name}: {n_missing} of {len(store)} windows have no {config.target!r}; "
            "--drop-missing leaves them out"
        )
    return keep_known_classes(target, ~target.is_missing)


def _choose_networks(
    store: Store, config: SimulateConfig, target: TargetValues
) -> Mapping[str, NetworkLearner]:
    """Return the networks by name, none for logistic regression."""
    if config.model is None:
        return {}
    training = make_training(
        config.model,
        config.model_options,
        epochs=config.epochs,
        device=config.device,
        target=config.target,
    )
    return choose_networks(store, training, target)


def _check_budget(problem: Problem) -> list[str]:
    """Return a warning if a budget is more than the windows that can be asked.

    Raises
    ------
    ConfigError
        The budget is no more than the first batch.
    """
    config = problem.config
    if config.budget <= config.batch:
        raise ConfigError(
            f"--budget {config.budget}: expected more than --batch {config.batch}, which is asked "
            "at random"
        )
    n_pool = len(hold_out(problem, config.seed)[0])
    if config.budget <= n_pool:
        return []
    return [f"the budget of {config.budget} is more than the {n_pool} windows that can be asked"]


def _run_repetitions(problem: Problem, on_progress: Progress) -> pd.DataFrame:
    """Return the table of curves of all repetitions."""
    rows: list[CurveRow] = []
    for number, repetition in enumerate(_iterate_repetitions(problem)):
        rows += repetition
        on_progress("seeds", number + 1, problem.config.seeds)
    return pd.DataFrame(rows)


def _iterate_repetitions(problem: Problem) -> Iterator[list[CurveRow]]:
    """Yield the rows of each repetition in the order of the seeds."""
    config = problem.config
    seeds = range(config.seed, config.seed + config.seeds)
    if config.jobs == 1:
        for seed in seeds:
            yield run_repetition(problem, seed)
        return
    from sklearn.utils.parallel import Parallel, delayed

    parallel = Parallel(n_jobs=config.jobs, return_as="generator")
    yield from parallel(delayed(run_repetition)(problem, seed) for seed in seeds)
