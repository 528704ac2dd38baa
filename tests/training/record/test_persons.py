from __future__ import annotations

from bids_dl.training.record.persons import list_persons


def test_the_worst_person_is_first_and_one_without_a_value_last():
    people = [("a", 0.9), ("b", None), ("c", 0.2), ("d", 0.2)]
    assert order("classes", "accuracy", people) == ["c", "d", "a", "b"]
    assert order("number", "mae", people) == ["a", "c", "d", "b"]


def test_the_baseline_of_a_person_is_found_by_dataset_and_subject():
    rows = [row("x", "1", 0.5), row("y", "1", 0.6)]
    baseline = {"persons": [row("y", "1", 0.9)]}
    metrics = {"main": "accuracy", "kind": "classes", "persons": rows}
    first, second = list_persons(metrics | {"baselines": {"band_power": baseline}})
    assert (first.dataset, first.band_power) == ("x", None)
    assert (second.dataset, second.band_power) == ("y", 0.9)


def order(kind: str, main: str, people) -> list[str]:
    rows = [row("x", subject, value) | {main: value} for subject, value in people]
    metrics = {"main": main, "kind": kind, "persons": rows, "baselines": {}}
    return [person.subject for person in list_persons(metrics)]


def row(dataset: str, subject: str, value: float | None) -> dict[str, object]:
    return {"dataset": dataset, "subject": subject, "n_windows": 3, "accuracy": value}
