"""Setup of a training in words: its target, its split and the settings that have an effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bids_dl.models.target import TargetSpec
from bids_dl.wording import count, join_names

MAX_TITLE_CHARS = 50  # of the classes in the title of a page; longer ones are in the list below
LABEL = "label"  # column of the queries, whose name says nothing about its classes
MAX_NAMED_OUTPUTS = 8
SAME_PEOPLE = {"session": "another session", "run": "another run", "recording": "another recording"}
"""Kinds of folds within persons, and the parts of a person that they test."""


def name_target(spec: TargetSpec) -> str:
    """Return the classes of the column ``label`` if they are short, else the name of the target.

    Examples
    --------
    >>> name_target(TargetSpec("label", "classes", ("label",), ("rest", "move")))
    'rest / move'
    >>> name_target(TargetSpec("age", "number", ("age",), ("age",)))
    'age'
    """
    classes = " / ".join(spec.outputs)
    if spec.name == LABEL and len(classes) <= MAX_TITLE_CHARS:
        return classes
    return spec.name


def describe_target(spec: TargetSpec) -> str:
    """Describe the column and the outputs of a target.

    Examples
    --------
    >>> describe_target(TargetSpec("label", "classes", ("label",), ("rest", "move")))
    'label, 2 classes: rest, move'
    >>> describe_target(TargetSpec("age", "number", ("age",), ("age",)))
    'age, a number in the unit of its column'
    """
    if spec.kind == "number":
        return f"{spec.name}, a number in the unit of its column"
    names = join_names(spec.outputs, limit=MAX_NAMED_OUTPUTS)
    return f"{spec.name}, {len(spec.outputs)} {spec.kind}: {names}"


def describe_split(settings: Mapping[str, Any], n_folds: int) -> str:
    """Describe which windows are tested.

    Examples
    --------
    >>> describe_split({"folds": "loso"}, 16)
    'each person tested by a model of all others (loso), 16 folds'
    >>> describe_split({"folds": "time", "gap": 10.0}, 1)
    'the last quarter of each recording, 10 s after the training windows (time), 1 fold'
    """
    kind = settings.get("folds")
    if settings.get("test") is not None:
        return f"all windows of another store, {settings['test']}"
    if kind is None:
        return "the test people of the store"
    if kind == "loso":
        text = "each person tested by a model of all others"
    elif kind == "time":
        gap = f"{settings['gap']:g} s after the training windows"
        text = f"the last quarter of each recording, {gap}"
    elif kind in SAME_PEOPLE:
        text = f"{SAME_PEOPLE[kind]} of the same people"
    else:
        return f"each person tested by a model of the other folds, {count(n_folds, 'fold')}"
    return f"{text} ({kind}), {count(n_folds, 'fold')}"


def is_class_its_own_recording(spec: TargetSpec, predictions: pd.DataFrame) -> bool:
    """Return if each recording has one class, although people have several.

    A model may then tell recordings apart instead of classes.

    Parameters
    ----------
    spec
        Target of the models.
    predictions
        One row per window: dataset, subject, recording and the true class.

    Examples
    --------
    >>> spec = TargetSpec("task", "classes", ("task",), ("rest", "arithmetic"))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": "01", "recording": ["a", "a", "b", "b"]})
    >>> is_class_its_own_recording(spec, table.assign(task=["rest"] * 2 + ["arithmetic"] * 2))
    True
    >>> is_class_its_own_recording(spec, table.assign(task=["rest", "arithmetic"] * 2))
    False
    """
    if spec.kind != "classes":
        return False
    column = spec.columns[0]
    by_recording = predictions.groupby(["dataset", "recording"])[column].nunique()
    by_person = predictions.groupby(["dataset", "subject"])[column].nunique()
    return bool(by_recording.max() == 1 and by_person.max() > 1)


def select_settings(settings: Mapping[str, Any], spec: TargetSpec) -> dict[str, Any]:
    """Select the settings that had an effect on the training.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> select_settings({"loss": "mse", "folds": "loso", "gap": 10.0, "monitor": "loss"}, spec)
    {'loss': 'mse', 'folds': 'loso'}
    """
    has_effect = {
        "loss": spec.kind == "number",
        "label_smoothing": spec.kind in {"classes", "shares"},
        "gap": settings.get("folds") == "time",
        "monitor": settings.get("patience") is not None,
        "min_lr": settings.get("schedule") == "cosine",
    }
    selected = {}
    for name, value in settings.items():
        is_empty = value is None or value in ({}, [], ())
        if has_effect.get(name, True) and not is_empty:
            selected[name] = value
    return selected
