"""Options by their public names, from the command line, a YAML file or Python, into configs."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from bids_dl.config.stages import (
    EventsConfig,
    LabelConfig,
    PipelineConfig,
    PreprocessConfig,
    Request,
    SourceConfig,
    SplitsConfig,
    StoreConfig,
    TrainConfig,
    WindowsConfig,
)
from bids_dl.errors import ConfigError

Options = Mapping[str, Any]
T = TypeVar("T")

OF_SOURCE = ("subject", "session", "task", "run")
OF_LABEL = ("until", "trim", "within", "min_duration")
OF_SELECTION = (*OF_LABEL, "exclude", "during", "around")  # what a label may have of its own
OF_EVENTS = ("aliases", "overlap", "hed_version", "hed_schema_dir", "hed_strict")
OF_WINDOWS = ("window", "stride", "tmin", "tmax")
OF_PIPELINE = ("jobs", "memory", "scheduler", "staging", "overwrite", "storage_option")
OF_TRAINING = (
    *(
        "model",
        "target",
        "folds",
        "epochs",
        "patience",
        "batch_size",
        "optimizer",
        "lr",
        "weight_decay",
    ),
    *("normalize", "drop_missing", "class_weights", "seed", "device", "precision"),
)
NAMES = (
    "hed",
    *OF_SOURCE,
    *OF_SELECTION,
    *OF_EVENTS,
    *OF_WINDOWS,
    "recipe",
    "set",
    "split",
    "seed",
    "dtype",
    *OF_PIPELINE,
)
OPTION_OF = {
    "size": "window",
    "changes": "set",
    "storage_options": "storage_option",
}  # fields of configs that have another name
SIZE = re.compile(r"(\d+\.?\d*)\s*(?:([kmgt])?(i)?b)?", re.IGNORECASE)
NAMED = re.compile(r"([^=]*)=(.*)", re.DOTALL)


def read_file(path: str) -> dict[str, Any]:
    """Options of a YAML file; its keys are the option names with underscores."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(
            f"--config {path}: cannot be read ({getattr(problem, 'strerror', None) or 'not UTF-8 text'})"
        ) from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        raise ConfigError(
            f"--config {path}: not YAML{f', line {mark.line + 1}' if mark else ''}"
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"--config {path}: wanted option: value pairs, found {type(content).__name__}"
        )
    return {str(name): value for name, value in content.items()}


def request(options: Options) -> Request:
    """What a store shall hold; see docs/cli.md for the options."""
    check_names(options, NAMES)
    return Request(
        events_config(options),
        source_config(options),
        windows_config(options),
        _build(SplitsConfig, split=_split(options.get("split")), seed=options.get("seed")),
        _build(PreprocessConfig, recipe=options.get("recipe"), changes=changes(options.get("set"))),
        _build(StoreConfig, dtype=options.get("dtype")),
    )


def events_config(options: Options) -> EventsConfig:
    """One class for each query, each with its own or the common end, trim, ... of its blocks."""
    queries = _queries(options.get("hed"))
    for option in (*OF_LABEL, "during"):
        _check_labels(option, options.get(option), queries)
    _check_labels("exclude", options.get("exclude"), queries, once=False)
    _check_labels("around", _first(options.get("around")), queries)
    labels = tuple(_label(name, query, options) for name, query in queries.items())
    given = {name: options.get(name) for name in OF_EVENTS}
    return _build(
        EventsConfig, labels=labels, **given | {"aliases": _aliases(options.get("aliases"))}
    )


def source_config(options: Options) -> SourceConfig:
    for name in ("subject", "session", "task"):
        value = options.get(name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, int | float):
                raise ConfigError(
                    f"{name} {item}: YAML reads this as a number and drops leading zeros; quote it: {name}: '...'"
                )
    return _build(SourceConfig, **{name: _texts(options.get(name)) for name in OF_SOURCE})


def windows_config(options: Options) -> WindowsConfig:
    renamed = {"size" if name == "window" else name: options.get(name) for name in OF_WINDOWS}
    return _build(WindowsConfig, **renamed)


def pipeline_config(options: Options) -> PipelineConfig:
    given = {name: options.get(name) for name in OF_PIPELINE if name != "storage_option"}
    given["memory"] = _bytes(given["memory"])
    return _build(
        PipelineConfig, **given, storage_options=storage_options(options.get("storage_option"))
    )


def train_config(options: Options) -> TrainConfig:
    """How to train; options of other stages are passed over; ``model_option`` holds those of the model."""
    given = {name: options.get(name) for name in OF_TRAINING}
    config = _build(
        TrainConfig,
        **given
        | {
            "normalize": None,
            "model_options": changes(options.get("model_option"), "--model-option"),
        },
    )
    return config if given["normalize"] is None else _scaled(config, given["normalize"])


def _scaled(config: TrainConfig, normalize: str) -> TrainConfig:
    """``none`` is a choice of its own, not "not given"."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    try:
        return TrainConfig(**values | {"normalize": None if normalize == "none" else normalize})
    except ValidationError as problem:
        raise ConfigError(explain(problem)) from None


def storage_options(given: Any) -> dict[str, Any] | None:
    """``key=value`` pairs for fsspec; values are read as YAML, so that ``anon=true`` is a truth value."""
    return changes(given, "--storage-option")


def changes(given: Any, option: str = "--set") -> dict[str, Any] | None:
    """``step.parameter=value`` pairs, or such a mapping."""
    if given is None or isinstance(given, Mapping):
        return dict(given) if given else None
    found = {}
    for text in _texts(given) or ():
        match = NAMED.fullmatch(text)
        if not match or not match[1]:
            raise ConfigError(f"{option} {text}: wanted KEY=VALUE")
        found[match[1]] = _value(match[2])
    return found


def _value(text: str) -> Any:
    """A value as YAML has it, or the text where it is none (a password may begin with any character)."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def check_names(options: Options, known: Iterable[str]) -> None:
    for name in options:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
            raise ConfigError(f"unknown option {name!r}{hint}")


def slug(query: str) -> str:
    """The label of a query that was given none."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", query)


def _queries(given: Any) -> dict[str, Any]:
    """Query by label, in the order given."""
    if not given:
        raise ConfigError(
            'no query given; ask for events with --hed QUERY or --hed NAME=QUERY, such as --hed "Eyes-closed"'
        )
    if isinstance(given, Mapping):
        return {str(label): query for label, query in given.items()}
    found: dict[str, Any] = {}
    for text in _texts(given) or ():
        match = NAMED.fullmatch(text)
        label, query = (match[1].strip(), match[2]) if match else (slug(text), text)
        if match and not label:
            raise ConfigError(
                f"--hed {text}: a label stands before the =, such as eyes_closed=Eyes-closed"
            )
        if label in found:
            raise ConfigError(
                f"--hed {text}: two queries have the label {label!r}; name them apart with NAME=QUERY"
            )
        found[label] = query
    return found


def _label(name: str, given: Any, options: Options) -> LabelConfig:
    own = dict(given) if isinstance(given, Mapping) else {"hed": given}
    if not isinstance(own.get("hed", ""), str):
        raise ConfigError(
            f"hed: {name}: {own['hed']!r} is no query; write one as text, or all, any, none with lists of queries"
        )
    check_names(own, ("hed", "all", "any", "none", *OF_SELECTION))
    combined = {word: own[word] for word in ("all", "any", "none") if word in own}
    if "hed" in own and combined:
        raise ConfigError(f"hed: {name}: give either `hed` or `all`, `any`, `none`")
    values = {
        option: own.get(option, _for_label(name, options.get(option)))
        for option in (*OF_LABEL, "during")
    }
    return _build(
        LabelConfig,
        label=name,
        query=combined or own.get("hed"),
        until=_until(values["until"]),
        trim=_pair(values["trim"], "trim", twice=True),
        within=_pair(values["within"], "within", twice=False),
        min_duration=values["min_duration"],
        during=values["during"],
        exclude=(*_excluded(name, options.get("exclude")), *_listed(own.get("exclude"))),
        around=_around(own.get("around", _around_of(name, options.get("around")))),
    )


def _listed(given: Any) -> tuple[Any, ...]:
    """One query or a list of them."""
    return () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)


def _excluded(label: str, given: Any) -> tuple[Any, ...]:
    """The queries that hold for a label: its own and those for all."""
    if isinstance(given, Mapping):
        return _listed(given.get(label))
    found = []
    for query in _listed(given):
        match = NAMED.fullmatch(query) if isinstance(query, str) else None
        if match is None or match[1] == label:
            found.append(match[2] if match else query)
    return tuple(found)


def _first(given: Any) -> Any:
    """What may name the label of QUERY SECONDS."""
    return (
        given[0]
        if isinstance(given, list | tuple) and given and isinstance(given[0], str)
        else given
    )


def _around_of(label: str, given: Any) -> Any:
    """QUERY SECONDS for a label, from [LABEL=]QUERY SECONDS or a mapping of labels."""
    if isinstance(given, Mapping):
        return given.get(label)
    match = NAMED.fullmatch(first) if isinstance(first := _first(given), str) else None
    if match is None:
        return given
    return (match[2], *given[1:]) if match[1] == label else None


def _around(given: Any) -> tuple[Any, float] | None:
    if given is None:
        return None
    seconds = _number(given[1]) if isinstance(given, list | tuple) and len(given) == 2 else None
    if seconds is None:
        raise ConfigError(f"--around {given}: wanted QUERY SECONDS, such as --around Asleep 1800")
    return given[0], seconds


def _aliases(given: Any) -> dict[str, tuple[Any, ...]] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise ConfigError(f"aliases: wanted NAME: [QUERY, ...], found {given!r}")
    return {str(name): _listed(queries) for name, queries in given.items()}


def _check_labels(option: str, given: Any, labels: Iterable[str], *, once: bool = True) -> None:
    """Refuse a value for a label that no query has, and, if ``once``, two values for the same."""
    given = [given] if isinstance(given, str) else given
    texts = (
        given
        if isinstance(given, list | tuple) and all(isinstance(item, str) for item in given)
        else []
    )
    named = [match[1] if (match := NAMED.fullmatch(text)) else "" for text in texts] + (
        list(given) if isinstance(given, Mapping) else []
    )
    for name in named:
        if name and name not in labels:
            close = difflib.get_close_matches(name, list(labels), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the labels are {', '.join(labels)}"
            raise ConfigError(
                f"--{option.replace('_', '-')}: no query has the label {name!r}; {hint}"
            )
        if once and named.count(name) > 1:
            raise ConfigError(
                f"--{option.replace('_', '-')}: given twice for {name or 'all labels'}; give it once"
            )


def _for_label(label: str, given: Any) -> Any:
    """The value of an option for a label: LABEL=VALUE, else a VALUE for all."""
    given = [given] if isinstance(given, str) else given
    if isinstance(given, Mapping):
        return given.get(label)
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        return given
    common = None
    for text in given:
        match = NAMED.fullmatch(text)
        if match and match[1] == label:
            return match[2]
        common = text if not match else common
    return common


def _until(value: Any) -> Any:
    number = _number(value)
    return value if number is None else number


def _pair(value: Any, option: str, *, twice: bool) -> tuple[float, float] | None:
    if value is None:
        return None
    parts = (
        value.split(",")
        if isinstance(value, str)
        else list(value)
        if isinstance(value, list | tuple)
        else [value]
    )
    numbers = [_number(part) for part in parts]
    if twice and len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2 or None in numbers:
        raise ConfigError(
            f"--{option} {value}: wanted {'SECONDS or ' if twice else ''}FROM,TO in seconds, such as 3,5"
        )
    return numbers[0], numbers[1]  # type: ignore[return-value]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        numbers = [_number(part) for part in value.split(",")]
        return value if None in numbers else tuple(numbers)
    return (
        tuple(value)
        if isinstance(value, list)
        else (value,)
        if isinstance(value, int | float)
        else value
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _bytes(value: Any) -> Any:
    """4GB, 500 MB, 1.5 GiB or a number of bytes."""
    if not isinstance(value, str):
        return value
    match = SIZE.fullmatch(value.strip())
    if not match:
        raise ConfigError(f"--memory {value}: wanted a size, such as 4GB")
    factor = (1024 if match[3] else 1000) ** " KMGT".index((match[2] or " ").upper())
    return round(float(match[1]) * factor)


def _texts(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)


def _build(config: Callable[..., T], **values: Any) -> T:
    """A config of the values that were given; what pydantic finds wrong in one line."""
    try:
        return config(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as problem:
        raise ConfigError(explain(problem)) from None


def explain(problem: ValidationError) -> str:
    """The first thing that pydantic found wrong, with its value."""
    first = problem.errors(include_url=False)[0]
    if first["type"] == "value_error" or not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    return f"{OPTION_OF.get(name, name).replace('_', '-')} {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
