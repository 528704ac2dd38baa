"""Read what a comparison needs of a run folder: settings, folds and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.datamodel import Person
from bids_dl.errors import ModelError
from bids_dl.input import parse_json, read_text

MAX_FILE_BYTES = 200_000_000  # thousands of people take tens of megabytes
MAX_NUMBER = 1e300  # whose mean over persons is finite
BAND_POWER = "band-power"
IDENTITY = ("dataset", "subject", "n_windows")
"""Fields of a person in metrics.json that are no metric."""

PERSONS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "dataset": {"type": "string"},
            "subject": {"type": "string"},
            "n_windows": {"type": "integer"},
        },
        "required": IDENTITY,
    },
}
RESULTS: Schema = {"type": "object"}
METRICS_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "target": {"type": "string"},
        "kind": {"enum": ["classes", "number", "shares", "labels"]},
        "outputs": {"type": "array", "items": {"type": "string"}},
        "same_person": {"type": "boolean"},
        "main": {"type": "string"},
        "windows": RESULTS,
        "votes": RESULTS,
        "person_means": RESULTS,
        "persons": PERSONS,
        "baselines": {"type": "object"},
        "normalize": {"type": "object", "properties": {"value": {"type": "string"}}},
    },
    "required": ["target", "kind", "outputs", "same_person", "main", "windows", "persons"],
}
BASELINE_SCHEMA: Schema = {
    "type": "object",
    "properties": {"windows": RESULTS, "votes": RESULTS, "persons": PERSONS},
    "required": ["windows", "persons"],
}
CONFIG_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "settings": {
            "type": "object",
            "properties": {"model": {"type": "string"}},
            "required": ["model"],
        },
        "store": {"type": "object"},
    },
    "required": ["settings", "store"],
}
FOLDS_SCHEMA: Schema = {"type": "array"}


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """Results of a run, or of the baseline of a run.

    Attributes
    ----------
    name
        Run folder as it was given.
    model
        Name of the model.
    settings
        Settings in config.json.
    store
        Store in config.json.
    n_folds
        Number of folds.
    normalize
        Normalization that the training has chosen; "" if it is not known.
    metrics
        Content of metrics.json.
    results
        ``windows``, ``votes``, ``person_means`` and ``persons`` of the model, or of the baseline.
    """

    name: str
    model: str
    settings: Mapping[str, Any]
    store: Mapping[str, Any]
    n_folds: int
    normalize: str
    metrics: Mapping[str, Any]
    results: Mapping[str, Any]

    @property
    def folds(self) -> str:
        """Kind and number of the folds, such as ``"loso (4)"``."""
        kind = self.settings.get("folds")
        if kind is None:
            return "splits of the store"
        is_number = str(kind).isdigit()
        return f"{kind} folds" if is_number else f"{kind} ({self.n_folds})"

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics that each person has."""
        names: dict[str, None] = {}
        for person in self.results["persons"]:
            names.update(dict.fromkeys(person))
        return [name for name in names if name not in IDENTITY]

    def values(self, metric: str) -> dict[Person, float]:
        """Return the value of each person for which a metric is defined."""
        values: dict[Person, float] = {}
        for person in self.results["persons"]:
            value = self.read_number(metric, person.get(metric))
            if value is not None:
                values[person["dataset"], person["subject"]] = value
        return values

    def read_number(self, title: str, value: Any) -> float | None:
        """Return a number of metrics.json as float, None for null.

        Raises
        ------
        ModelError
            The value is no number, or is not finite.
        """
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not abs(value) <= MAX_NUMBER:
            raise ModelError(
                f"{self.name}: metrics.json: {title} is {repr(value)[:40]}, expected a finite "
                "number or null; train again into a new folder"
            )
        return float(value)

    def n_windows(self) -> dict[Person, int]:
        """Return the number of tested windows of each person."""
        persons = self.results["persons"]
        return {(person["dataset"], person["subject"]): person["n_windows"] for person in persons}


def read_run(folder: str | Path) -> FinishedRun:
    """Read config.json, folds.json and metrics.json of a finished run.

    Raises
    ------
    ModelError
        The folder is no run folder, its training has not finished, or a file is damaged.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"{folder}: no such folder; name a run folder of `bids-dl train`")
    if not (path / "config.json").is_file():
        raise ModelError(
            f"{folder}: not a run folder, because it has no config.json; "
            "name a folder that `bids-dl train` wrote"
        )
    if not (path / "metrics.json").is_file():
        raise ModelError(
            f"{folder}: the training has not finished; the same `bids-dl train` resumes it"
        )
    config = _read(path / "config.json", CONFIG_SCHEMA, folder)
    if "pretext" in config:
        raise ModelError(
            f"{folder}: was pretrained without labels, so it has no metrics of a target; compare "
            "probes of its embeddings, or trainings that begin with it"
        )
    folds = _read(path / "folds.json", FOLDS_SCHEMA, folder)
    metrics = _read(path / "metrics.json", METRICS_SCHEMA, folder)
    if not metrics["persons"]:
        raise ModelError(f"{folder}: metrics.json has no tested person; train again")
    return FinishedRun(
        name=str(folder),
        model=config["settings"]["model"],
        settings=config["settings"],
        store=config["store"],
        n_folds=len(folds),
        normalize=metrics.get("normalize", {}).get("value", ""),
        metrics=metrics,
        results=metrics,
    )


def baseline_of(run: FinishedRun) -> FinishedRun | None:
    """Return the band-power baseline of a run as a run of its own, or None if it has none.

    Windows can be too short for the baseline; metrics.json then has the reason.

    Raises
    ------
    ModelError
        The baseline in metrics.json is damaged.
    """
    results = run.metrics.get("baselines", {}).get("band_power")
    is_absent = results is None or (isinstance(results, Mapping) and "reason" in results)
    if is_absent or run.model == BAND_POWER:
        return None
    problem = find_violation(results, BASELINE_SCHEMA, "baselines.band_power")
    if problem:
        raise ModelError(f"{run.name}: metrics.json: {problem}; train again into a new folder")
    return FinishedRun(
        name=f"{run.name}, baseline",
        model=BAND_POWER,
        settings=run.settings,
        store=run.store,
        n_folds=run.n_folds,
        normalize=results.get("normalize", ""),
        metrics=run.metrics,
        results=results,
    )


def _read(file: Path, schema: Schema, folder: str | Path) -> Any:
    """Read a JSON file of a run folder, and check it against its schema."""
    try:
        content = parse_json(read_text(file, max_bytes=MAX_FILE_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{folder}: {file.name} cannot be read ({reason})") from error
    problem = find_violation(content, schema)
    if problem:
        raise ModelError(
            f"{folder}: {file.name}: {problem}; it is damaged or of another version of bids_dl: "
            "train again into a new folder"
        )
    return content
