"""Parsing of queries and of the options that a label may have for itself.

Such an option has three forms: one value for all labels; texts ``LABEL=VALUE``; and a mapping from
labels to values. In a file, a label may also hold its own options beside its query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bids_dl.config.options import LabelOptions
from bids_dl.config.selecting.class_queries import (
    QUERY_OPTIONS,
    EachValue,
    parse_class_queries,
    split_label,
    unexpanded_columns,
)
from bids_dl.config.stages import WHOLE_LABEL, WHOLE_QUERY, LabelConfig
from bids_dl.config.validation import build, check_names
from bids_dl.config.values import as_texts, as_tuple, parse_number, parse_pair
from bids_dl.errors import ConfigError
from bids_dl.wording import closest

COMBINATIONS = ("all", "any", "none")  # of queries, within the query of a label
LABEL_OPTIONS = tuple(LabelOptions.__annotations__)
SIMPLE_OPTIONS = tuple(name for name in LABEL_OPTIONS if name not in {"exclude", "around"})
"""Options with one value per label; `exclude` may have several, `around` has two parts."""


def parse_labels(options: Mapping[str, Any]) -> tuple[LabelConfig, ...]:
    """Build one label per query, each with its own or the common end, trim, ... of its blocks.

    Parameters
    ----------
    options
        Options by name; those that are not of labels are ignored.

    Raises
    ------
    ConfigError
        There is no query, a label occurs twice, or an option names a label without a query.

    Examples
    --------
    >>> [label] = parse_labels({"hed": "eyes=Eyes-closed", "trim": 2})
    >>> label.label, label.query, label.trim
    ('eyes', 'Eyes-closed', (2.0, 2.0))
    """
    queries = parse_class_queries(options)
    if not unexpanded_columns(options):  # whose values are labels too
        _check_label_names(options, queries)
    return tuple(_build_label(label, query, options) for label, query in queries.items())


def parse_whole_label(options: Mapping[str, Any]) -> tuple[LabelConfig, ...]:
    """Build the only label of whole recordings, with the options that limit its blocks.

    Parameters
    ----------
    options
        Options by name; those that are not of labels are ignored.

    Raises
    ------
    ConfigError
        A query is given too, or an option names another label.

    Examples
    --------
    >>> [label] = parse_whole_label({"whole": True, "trim": 5})
    >>> label.label, label.trim
    ('recording', (5.0, 5.0))
    """
    for name in QUERY_OPTIONS:
        if options.get(name):
            raise ConfigError(
                f"--whole takes whole recordings and --{name} selects parts of them; give one of "
                f"the two, or leave out parts of whole recordings with --exclude QUERY"
            )
    _check_label_names(options, [WHOLE_LABEL])
    return (_build_label(WHOLE_LABEL, WHOLE_QUERY, options),)


def columns_to_expand(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of labels if a column stands for its values, which are not known yet.

    Returns
    -------
    dict
        The options that `expand_labels` needs, as plain values. Empty if every label is known.

    Examples
    --------
    >>> columns_to_expand({"event": "trial_type", "task": "x"}), columns_to_expand({"hed": "Red"})
    ({'event': ['trial_type']}, {})
    """
    if not unexpanded_columns(options):
        return {}
    kept = {}
    for name in (*QUERY_OPTIONS, *LABEL_OPTIONS):
        if options.get(name) is not None:
            kept[name] = options[name]
    kept["event"] = as_texts(options["event"])
    plain: dict[str, Any] = json.loads(json.dumps(kept))
    return plain


def expand_labels(
    options: Mapping[str, Any], classes: Mapping[str, Mapping[str, str]]
) -> tuple[LabelConfig, ...]:
    """Build one label per query, and one per value of each column that stands alone.

    Parameters
    ----------
    options
        Result of `columns_to_expand`.
    classes
        Column -> label -> query of the rows with one value.

    Raises
    ------
    ConfigError
        A label occurs twice, or an option names a label without a query.

    Examples
    --------
    >>> classes = {"trial_type": {"go": "trial_type==go", "stop": "trial_type==stop"}}
    >>> options = {"event": ["trial_type"], "until": "go=2"}
    >>> [(label.label, label.until) for label in expand_labels(options, classes)]
    [('go', 2.0), ('stop', None)]
    """
    queries: dict[str, Any] = {}
    for label, query in parse_class_queries(options).items():
        found = classes[query.column] if isinstance(query, EachValue) else {label: query}
        for name, text in found.items():
            if name in queries:
                raise ConfigError(
                    f"--event {label}: two queries have the label {name!r}; "
                    f"give the values of the column as --event LABEL={text}"
                )
            queries[name] = text
    _check_label_names(options, queries)
    return tuple(_build_label(label, query, options) for label, query in queries.items())


def _build_label(label: str, query: Any, options: Mapping[str, Any]) -> LabelConfig:
    if isinstance(query, EachValue):
        query = query.query
    own_options = dict(query) if isinstance(query, Mapping) else {"hed": query}
    if "event" in own_options and "hed" not in own_options:
        own_options["hed"] = own_options.pop("event")
    if not isinstance(own_options.get("hed", ""), str):
        raise ConfigError(
            f"hed: {label}: {own_options['hed']!r} is not a query; write one as text, "
            "or all, any, none with lists of queries"
        )
    check_names(own_options, ("hed", *COMBINATIONS, *LABEL_OPTIONS))
    combined = {word: own_options[word] for word in COMBINATIONS if word in own_options}
    if "hed" in own_options and combined:
        raise ConfigError(f"hed: {label}: give either `hed` or `all`, `any`, `none`")
    values = {}
    for name in SIMPLE_OPTIONS:
        if name in own_options:
            value = own_options[name]
        else:
            value = _value_of_label(label, options.get(name))
        values[name] = PARSERS[name](value) if name in PARSERS else value
    excluded = _excluded_queries(label, options.get("exclude"))
    around = own_options.get("around", _around_of_label(label, options.get("around")))
    return build(
        LabelConfig,
        label=label,
        query=combined or own_options.get("hed"),
        exclude=(*excluded, *as_tuple(own_options.get("exclude"))),
        around=_parse_around(around),
        **values,
    )


def _parse_until(value: Any) -> Any:
    """Return a number of seconds, or the value itself: ``next`` or a query."""
    number = parse_number(value)
    return value if number is None else number


PARSERS: dict[str, Callable[[Any], Any]] = {
    "until": _parse_until,
    "trim": lambda value: parse_pair(value, "trim", may_be_single=True),
    "within": lambda value: parse_pair(value, "within", may_be_single=False),
}
"""Parsers of the simple options whose texts pydantic does not convert."""


def _value_of_label(label: str, value: Any) -> Any:
    """Return the value of an option for a label: its LABEL=VALUE, else the VALUE for all."""
    if isinstance(value, Mapping):
        return value.get(label)
    texts = [value] if isinstance(value, str) else value
    if not _are_texts(texts):
        return value
    common = None
    for text in texts:
        name, text_value = split_label(text)
        if name == label:
            return text_value
        if name is None:
            common = text
    return common


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _excluded_queries(label: str, value: Any) -> tuple[Any, ...]:
    """Return the excluded queries of a label: its own and those for all."""
    if isinstance(value, Mapping):
        return as_tuple(value.get(label))
    queries = []
    for query in as_tuple(value):
        name, text = split_label(query) if isinstance(query, str) else (None, query)
        if name is None or name == label:
            queries.append(text)
    return tuple(queries)


def _labelled_part(value: Any) -> Any:
    """Return the part of ``[LABEL=]QUERY SECONDS`` that may name a label."""
    is_pair = isinstance(value, list | tuple) and value and isinstance(value[0], str)
    return value[0] if is_pair else value


def _around_of_label(label: str, value: Any) -> Any:
    """Return (query, seconds) for a label, or None if the value is for another label."""
    if isinstance(value, Mapping):
        return value.get(label)
    first = _labelled_part(value)
    name, query = split_label(first) if isinstance(first, str) else (None, first)
    if name is None:
        return value
    return (query, *value[1:]) if name == label else None


def _parse_around(value: Any) -> tuple[Any, float] | None:
    if value is None:
        return None
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    seconds = parse_number(value[1]) if is_pair else None
    if seconds is None:
        raise ConfigError(f"--around {value}: expected QUERY SECONDS, such as --around Asleep 1800")
    return value[0], seconds


def _check_label_names(options: Mapping[str, Any], labels: Iterable[str]) -> None:
    for name in SIMPLE_OPTIONS:
        _check_labels(name, options.get(name), labels)
    _check_labels("exclude", options.get("exclude"), labels, once=False)
    _check_labels("around", _labelled_part(options.get("around")), labels)


def _check_labels(option: str, value: Any, labels: Iterable[str], *, once: bool = True) -> None:
    """Refuse a value for a label without a query and, if ``once``, two values for one label."""
    flag = f"--{option.replace('_', '-')}"
    names = _named_labels(value)
    for name in names:
        if name and name not in labels:
            match = closest(name, labels)
            hint = f"did you mean {match!r}?" if match else f"the labels are {', '.join(labels)}"
            raise ConfigError(f"{flag}: no query has the label {name!r}; {hint}")
        if once and names.count(name) > 1:
            raise ConfigError(f"{flag}: given twice for {name or 'all labels'}; give it once")


def _named_labels(value: Any) -> list[str]:
    """Return the label of each value, which is "" if the value is for all labels."""
    if isinstance(value, Mapping):
        return list(value)
    texts = [value] if isinstance(value, str) else value
    if not _are_texts(texts):
        return []
    return [split_label(text)[0] or "" for text in texts]
