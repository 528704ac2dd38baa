"""Compare runs with the first one: the same metric, and paired tests over common persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bids_dl.config.training_options import TargetKind
from bids_dl.errors import ConfigError, ModelError
from bids_dl.training.compare.finished_run import FinishedRun, baseline_of, read_run
from bids_dl.training.compare.paired_tests import (
    N_RESAMPLES,
    PairedTest,
    compare_paired,
    correct_by_holm,
    smallest_p,
)
from bids_dl.training.metrics.registry import METRICS
from bids_dl.wording import count, join_names, suggest

MIN_PERSONS = 6  # with fewer, no p of the permutation test is below 0.05

DEFINITIONS = {
    "windows": "metric over all tested windows, with its interval in metrics.json",
    "votes": "metric over all votes; the unit of a vote is that of the run",
    "person_mean": "mean over persons of the metric of each person's windows",
    "difference": (
        "mean over the persons that both runs tested of: run minus first run; interval: "
        f"{N_RESAMPLES} bootstrap samples of persons"
    ),
    "p_permutation": "two-sided paired permutation test over persons, exact for up to 14 persons",
    "p_wilcoxon": "two-sided Wilcoxon signed-rank test over persons",
    "p_holm": "p_permutation, corrected by Holm for the number of comparisons with the first run",
}
"""Meaning of the columns of a comparison."""


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """Value of a metric with its 95 % interval. None is undefined, or not computed."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """Row of a comparison.

    Attributes
    ----------
    run, model, folds, normalize
        Run folder, model, kind and number of folds, and normalization.
    n_windows, n_votes, n_persons
        Numbers of tested windows, votes and persons.
    windows, votes, person_mean
        The metric over windows, over votes, and as the mean over persons.
    test
        Paired test against the first run. None for the first run itself.
    p_holm
        ``test.p_permutation``, corrected by Holm over all rows.
    """

    run: str
    model: str
    folds: str
    normalize: str
    n_windows: int | None
    n_votes: int | None
    n_persons: int
    windows: ComparedValue
    votes: ComparedValue
    person_mean: ComparedValue
    test: PairedTest | None = None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs that predict the same target, compared with the first one.

    Attributes
    ----------
    metric
        Name of the compared metric.
    higher_is_better
        True if a higher value of the metric is better.
    target, kind
        Heading and kind of the target.
    rows
        The runs in the order they were given, then the band-power baseline of the first run.
    warnings
        Reasons for caution, one sentence each.
    """

    metric: str
    higher_is_better: bool
    target: str
    kind: TargetKind
    rows: tuple[ComparedRun, ...]
    warnings: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row per run, with one column per number."""
        rows = [{"target": self.target, "metric": self.metric, **_flat(row)} for row in self.rows]
        table = pd.DataFrame(rows)
        first = ["run", "model", "target"]
        return table[[*first, *(name for name in table if name not in first)]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON, with definitions."""
        return {**asdict(self), "definitions": DEFINITIONS}


def compare_runs(folders: Sequence[str | Path], *, metric: str | None = None) -> RunComparison:
    """Compare finished runs with the first one.

    The unit of all tests is the person, because windows of one person are not independent. The
    band-power baseline of the first run is compared like a run of its own.

    Parameters
    ----------
    folders
        Run folders; a single one is compared with its baseline.
    metric
        Metric of the runs; None takes the main one of their target.

    Raises
    ------
    ModelError
        A folder is no finished run, or the runs cannot be compared.
    ConfigError
        A folder is given twice, there is nothing to compare, or the metric is unknown.
    """
    _check_distinct(folders)
    runs = [read_run(folder) for folder in folders]
    first = runs[0]
    for run in runs[1:]:
        _check_comparable(first, run)
    baseline = baseline_of(first)
    if len(runs) == 1 and baseline is None:
        raise ConfigError(f"{first.name}: a single run without a baseline; name another run")
    name = metric or first.metrics["main"]
    _check_metric(name, runs)
    compared = runs if baseline is None else [*runs, baseline]
    tests = [_test(first, run, name) for run in compared[1:]]
    corrected = correct_by_holm([test.p_permutation for test in tests])
    rows = [_describe(first, name)]
    for run, test, p_holm in zip(compared[1:], tests, corrected, strict=True):
        rows.append(_describe(run, name, test=test, p_holm=p_holm))
    kind: TargetKind = first.metrics["kind"]
    return RunComparison(
        metric=name,
        higher_is_better=_is_higher_better(kind, name),
        target=first.metrics["target"],
        kind=kind,
        rows=tuple(rows),
        warnings=tuple(_find_warnings(runs, tests)),
    )


def _check_distinct(folders: Sequence[str | Path]) -> None:
    """Refuse a folder that is given twice."""
    resolved: set[Path] = set()
    for folder in folders:
        path = Path(folder).resolve()
        if path in resolved:
            raise ConfigError(f"{folder}: given twice; name each run once")
        resolved.add(path)


def _check_comparable(first: FinishedRun, run: FinishedRun) -> None:
    """Refuse a run that predicts something else than the first one."""
    for name, title in (("target", "target"), ("kind", "kind of target"), ("outputs", "outputs")):
        expected = first.metrics[name]
        found = run.metrics[name]
        is_same = found == expected
        if name == "outputs":  # their order does not matter
            is_same = sorted(found) == sorted(expected)
            expected = join_names(sorted(expected))
            found = join_names(sorted(found))
        if not is_same:
            raise ModelError(
                f"{run.name}: its {title} is {found}, but {expected} in {first.name}; "
                "only runs with the same target can be compared"
            )


def _check_metric(name: str, runs: Sequence[FinishedRun]) -> None:
    for run in runs:
        if name not in run.metric_names:
            raise ConfigError(
                f"--metric {name!r}: {run.name} has no such metric of each person; "
                f"{suggest(name, run.metric_names)}"
            )


def _test(first: FinishedRun, run: FinishedRun, metric: str) -> PairedTest:
    """Test a run against the first one, over the persons that both tested."""
    expected = first.values(metric)
    found = run.values(metric)
    common = [person for person in expected if person in found]
    if not common:
        raise ModelError(
            f"{run.name}: tested no person of {first.name} for whom {metric} is defined; "
            "compare runs that tested the same people"
        )
    return compare_paired(np.array([found[person] - expected[person] for person in common]))


def _describe(
    run: FinishedRun, metric: str, *, test: PairedTest | None = None, p_holm: float | None = None
) -> ComparedRun:
    votes: Mapping[str, Any] = run.results.get("votes", {})
    values = list(run.values(metric).values())
    person_mean = _estimate(run, "person_means", metric)
    if person_mean.value is None and values:
        person_mean = ComparedValue(float(np.mean(values)))
    return ComparedRun(
        run=run.name,
        model=run.model,
        folds=run.folds,
        normalize=run.normalize,
        n_windows=sum(run.n_windows().values()),
        n_votes=votes.get("n"),
        n_persons=len(run.results["persons"]),
        windows=_estimate(run, "windows", metric),
        votes=_estimate(run, "votes", metric),
        person_mean=person_mean,
        test=test,
        p_holm=p_holm,
    )


def _estimate(run: FinishedRun, unit: str, metric: str) -> ComparedValue:
    """Read the value and the limits of a metric of windows, votes or person means."""
    value = run.results.get(unit, {}).get(metric)
    fields = value if isinstance(value, Mapping) else {"value": value}
    numbers: list[float | None] = []
    for name in ("value", "low", "high"):
        numbers.append(run.read_number(f"{name} of {metric} of {unit}", fields.get(name)))
    return ComparedValue(*numbers)


def _find_warnings(runs: Sequence[FinishedRun], tests: Sequence[PairedTest]) -> list[str]:
    """Describe what limits a comparison, one sentence each."""
    first = runs[0]
    texts: list[str] = []
    for run in runs[1:]:
        if _content(run) != _content(first):
            texts.append(
                f"{run.name}: trained on another store than {first.name}; persons are matched by "
                "dataset and subject"
            )
        if run.metrics["same_person"] != first.metrics["same_person"]:
            same, other = (run, first) if run.metrics["same_person"] else (first, run)
            texts.append(
                f"{same.name}: tested persons that it was also trained on, but {other.name} tested "
                "other people; their numbers answer different questions"
            )
        texts += _compare_windows(first, run)
        units = [each.metrics.get("vote_by") for each in (run, first)]
        if units[0] != units[1]:
            texts.append(f"{run.name}: votes by {units[0]}, but by {units[1]} in {first.name}")
    n_persons = min(test.n_persons for test in tests)
    if n_persons < MIN_PERSONS:
        texts.append(
            f"{count(n_persons, 'common person', 'common people')}: "
            f"the smallest possible p of the permutation test is {smallest_p(n_persons):.3g}"
        )
    return texts


def _compare_windows(first: FinishedRun, run: FinishedRun) -> list[str]:
    """Describe persons of whom two runs tested different numbers of windows."""
    expected = first.n_windows()
    found = run.n_windows()
    common = [person for person in expected if person in found]
    differing = [person for person in common if expected[person] != found[person]]
    if not differing:
        return []
    names = join_names(f"sub-{subject}" for _, subject in differing)
    return [f"{run.name}: tested other numbers of windows than {first.name} of {names}"]


def _content(run: FinishedRun) -> Any:
    """Return what identifies the content of the store of a run."""
    for name in ("content", "manifest_sha256", "plan"):
        if run.store.get(name):
            return run.store[name]
    return run.store.get("url")


def _is_higher_better(kind: TargetKind, metric: str) -> bool:
    """Return if a higher value of a metric is better."""
    directions = {spec.name: spec.higher_is_better for spec in METRICS[kind]}
    return directions.get(metric, True)


def _flat(row: ComparedRun) -> dict[str, Any]:
    """Return a row with one name per number."""
    values: dict[str, Any] = {}
    for name, value in asdict(row).items():
        if name == "test":
            continue
        if not isinstance(value, dict):
            values[name] = value
            continue
        values[name] = value["value"]
        values[f"{name}_low"] = value["low"]
        values[f"{name}_high"] = value["high"]
    test = row.test
    values["common_persons"] = None if test is None else test.n_persons
    for name in ("difference", "low", "high", "p_permutation", "p_wilcoxon"):
        heading = f"difference_{name}" if name in ("low", "high") else name
        values[heading] = None if test is None else getattr(test, name)
    values["p_holm"] = values.pop("p_holm")
    return values
