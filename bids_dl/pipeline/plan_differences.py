"""Differences between the plan of a store and a new one, in the words of the options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bids_dl.config.declaration import declared_options
from bids_dl.config.documents import STAGE_OPTIONS, request_from_document, request_to_options
from bids_dl.config.options import LabelOptions
from bids_dl.config.selecting.class_queries import query_option
from bids_dl.planning.identity import find_differences
from bids_dl.wording import join_names, one_line

MAX_LINES = 2  # of differences in a message
MAX_NAMES = 3  # of recordings or persons in one difference
MAX_VALUE_CHARS = 120  # of a value
NONE = "none"  # value of an option that is not given

SOURCE_PARTS = {
    "annotations": "files of --annotations",
    "recordings": "files of recordings",
    "failures": "recordings that cannot be converted",
    "datasets": "dataset_description.json",
    "events": "events and their annotations",
    "event_columns": "columns of events.tsv",
    "windows": "windows",
    "splits": "splits",
    "participants": "participants.tsv or participants.json",
}
"""Parts of the identity of a plan beside its request, in words."""

Document = Mapping[str, Any]


def describe_differences(stored: Document, planned: Document) -> list[str]:
    """Describe the differences between the identities of a stored and a new plan.

    Parameters
    ----------
    stored, planned
        `Plan.identity` as plain values.

    Returns
    -------
    list of str
        One line per option that differs, or per part of the sources if no option does.
    """
    new = json.loads(json.dumps(planned))  # with lists in place of tuples, as in the store
    old = dict(stored)
    try:
        lines = _option_differences(old["request"], new["request"])
    except (ValidationError, KeyError):  # a store of a later version, or a damaged plan
        lines = []
    lines = lines or _source_differences(old, new)
    return lines or find_differences(old, new)


def shorten(lines: list[str]) -> list[str]:
    """Return at most `MAX_LINES` lines; the last one counts the others.

    Examples
    --------
    >>> shorten(["--seed: a", "--window: b", "--stride: c"])
    ['--seed: a', 'and 2 more: --window, --stride']
    """
    if len(lines) <= MAX_LINES:
        return lines
    others = lines[MAX_LINES - 1 :]
    names = join_names([line.partition(":")[0] for line in others])
    return [*lines[: MAX_LINES - 1], f"and {len(others)} more: {names}"]


def _option_differences(stored: Document, planned: Document) -> list[str]:
    """Describe the differences of two requests by option."""
    old = request_to_options(request_from_document(stored))
    new = request_to_options(request_from_document(planned))
    lines = _label_differences(old.pop("hed", {}), new.pop("hed", {}))
    lines += _recipe_differences(stored["preprocess"], planned["preprocess"])
    for name, option in declared_options(*STAGE_OPTIONS.values(), LabelOptions).items():
        title = option.flags[0] if option.flags else name
        lines += _difference(title, old.get(name), new.get(name))
    return lines


def _label_differences(stored: Document, planned: Document) -> list[str]:
    """Describe the differences of labels: their names or, if these are equal, their options."""
    if list(stored) != list(planned):
        queries = [_as_options(label).get("hed") for label in (planned or stored).values()]
        flags = {query_option(query) for query in queries}
        title = flags.pop() if len(flags) == 1 else "--hed"
        return _difference(title, list(stored), list(planned))
    lines = []
    options = declared_options(LabelOptions)
    for label in stored:
        old, new = _as_options(stored[label]), _as_options(planned[label])
        for name in dict.fromkeys([*old, *new]):
            flag = options[name].flags[0] if name in options else query_option(new.get(name))
            lines += _difference(f"{flag} of {label}", old.get(name), new.get(name))
    return lines


def _as_options(label: Any) -> dict[str, Any]:
    return dict(label) if isinstance(label, Mapping) else {"hed": label}


def _recipe_differences(stored: Document, planned: Document) -> list[str]:
    """Describe the differences of recipes: their steps or, if these are equal, parameters."""
    old_steps, new_steps = _step_items(stored), _step_items(planned)
    old_names = [name for name, _ in old_steps]
    new_names = [name for name, _ in new_steps]
    if old_names != new_names:
        return _difference("steps of --recipe", old_names, new_names)
    lines = []
    for (name, old), (_, new) in zip(old_steps, new_steps, strict=True):
        for parameter in dict.fromkeys([*old, *new]):
            title = f"{name}.{parameter} of --recipe or --set"
            lines += _difference(title, old.get(parameter), new.get(parameter))
    lines += _difference("plug-ins of --recipe", stored.get("plugins"), planned.get("plugins"))
    return lines or _difference("--recipe", stored.get("name"), planned.get("name"))


def _step_items(recipe: Document) -> list[tuple[str, Document]]:
    """Return name and parameters of each step."""
    items = []
    for step in recipe["steps"]:
        [(name, parameters)] = step.items()
        items.append((name, parameters or {}))
    return items


def _difference(title: str, old: Any, new: Any) -> list[str]:
    """Return one line if two values differ, otherwise none."""
    if old == new:
        return []
    return [f"{title}: the store has {_format(old)}; requested {_format(new)}"]


def _format(value: Any) -> str:
    """Format the value of an option on one line."""
    if value is None or value in ("", [], {}):
        return NONE
    if isinstance(value, list):
        text = join_names(map(_format, value))
    elif isinstance(value, dict):
        text = join_names(f"{name}={_format(item)}" for name, item in value.items())
    else:
        text = str(value)
    return one_line(text, max_chars=MAX_VALUE_CHARS)


def _source_differences(stored: Document, planned: Document) -> list[str]:
    """Describe the parts of the sources that have changed."""
    lines = []
    for name, title in SOURCE_PARTS.items():
        old, new = stored.get(name), planned.get(name)
        if old == new:
            continue
        changed: list[str] = []
        if isinstance(old, dict) and isinstance(new, dict):
            keys = dict.fromkeys([*old, *new])
            changed = [key for key in keys if old.get(key) != new.get(key)]
        names = f" ({join_names(changed, limit=MAX_NAMES)})" if changed else ""
        lines.append(f"the sources have changed: {title}{names}")
    return lines
