"""Persons of a record: the main metric of each person, beside band power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.training.record.metric_names import is_error


@dataclass(frozen=True, slots=True)
class PersonScore:
    """Value of the main metric over the windows of a person. None stands for undefined."""

    dataset: str
    subject: str
    n_windows: int
    value: float | None
    band_power: float | None


def list_persons(metrics: Mapping[str, Any]) -> list[PersonScore]:
    """List the persons, the worst first and those without a value last."""
    main = metrics["main"]
    baseline: dict[tuple[str, str], float | None] = {}
    for row in metrics["baselines"].get("band_power", {}).get("persons", ()):
        baseline[row["dataset"], row["subject"]] = row.get(main)
    persons = []
    for row in metrics["persons"]:
        key = (row["dataset"], row["subject"])
        persons.append(PersonScore(*key, row["n_windows"], row.get(main), baseline.get(key)))
    sign = -1.0 if is_error(metrics["kind"], main) else 1.0

    def rank(person: PersonScore) -> tuple[bool, float, str, str]:
        value = person.value
        missing = value is None
        return missing, sign * (value or 0.0), person.dataset, person.subject

    return sorted(persons, key=rank)
