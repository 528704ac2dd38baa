"""Options by name, from the command line, a YAML file or Python, to the dataclasses of stages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bids_dl.config.access_parsing import check_options
from bids_dl.config.arguments import as_path, check_flags
from bids_dl.config.cache_stage import CacheConfig
from bids_dl.config.declaration import DeclaredOption, declared_options
from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.config.options import (
    Assignments,
    ConvertOptions,
    EventOptions,
    EventsOptions,
    FetchOptions,
    QueryOptions,
    RecipeOptions,
    RunOptions,
    SharingOptions,
    SourceOptions,
    SplitOptions,
    StoreOptions,
    VerifyOptions,
    WindowOptions,
)
from bids_dl.config.selecting.conditions import parse_where
from bids_dl.config.selecting.hed_sidecars import parse_hed_sidecars
from bids_dl.config.selecting.labels import columns_to_expand, parse_labels, parse_whole_label
from bids_dl.config.shell_options import CacheOptions
from bids_dl.config.stages import (
    EventsConfig,
    FetchConfig,
    PipelineConfig,
    PreprocessConfig,
    Request,
    SharingConfig,
    SourceConfig,
    SplitsConfig,
    StoreConfig,
    WindowsConfig,
)
from bids_dl.config.training_options import TrainOptions
from bids_dl.config.training_stage import TrainConfig
from bids_dl.config.validation import build, describe_input
from bids_dl.config.values import (
    as_texts,
    as_tuple,
    parse_age,
    parse_assignments,
    parse_content_id,
    parse_probabilities,
    parse_shares,
    parse_size,
    parse_split,
    parse_text,
)
from bids_dl.config.verify_stage import VerifyConfig
from bids_dl.config.yaml_files import load_json, load_yaml, read_yaml
from bids_dl.datamodel import ENTITY_PREFIXES
from bids_dl.errors import ConfigError

Options = Mapping[str, Any]
T = TypeVar("T")


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the options of a YAML or JSON file, whose keys are the names of the options.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, has a key twice, or is not a mapping.
    """
    title = f"--config {path}"
    try:
        load = load_json if Path(path).suffix == ".json" else load_yaml
        content = load(read_yaml(Path(path), title), title)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{title}: not YAML{line}") from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise ConfigError(f"--config {path}: expected option: value pairs, found {kind}")
    return {str(name): value for name, value in content.items()}


def merge_file(options: Options) -> dict[str, Any]:
    """Add the options of the file that `config` names. Options given directly override them.

    Raises
    ------
    ConfigError
        The file cannot be read, or an option is unknown.
    """
    return _merge_file(options, ConvertOptions, EventsOptions)


def merge_training_file(options: Options) -> dict[str, Any]:
    """Add the options of the file that `config` names to those of a training.

    A normalization of None in Python is ``"none"``, whereas other options that are None keep their
    defaults.

    Raises
    ------
    ConfigError
        The file cannot be read, or an option is unknown.
    """
    merged = _merge_file(options, TrainOptions)
    if "normalize" in options and options["normalize"] is None:
        merged["normalize"] = "none"
    return merged


def _merge_file(options: Options, *declarations: type) -> dict[str, Any]:
    direct = {name: value for name, value in options.items() if value is not None}
    file = direct.pop("config", None)
    merged = direct if file is None else read_file(as_path("config", file)) | direct
    check_options(merged, *declarations)
    return merged


def parse_request(options: Options) -> Request:
    """Build the request of a conversion: all that decides what a store holds.

    Parameters
    ----------
    options
        Options of `ConvertOptions` by name; see docs/cli.md.

    Raises
    ------
    ConfigError
        An option is unknown or has a wrong value.

    Examples
    --------
    >>> parse_request({"hed": "Eyes-closed", "window": 2}).windows.stride
    2.0
    """
    check_options(options, ConvertOptions)
    return Request(
        parse_events(options),
        parse_source(options),
        parse_windows(options),
        _build_stage(SplitsConfig, SplitOptions, options),
        _build_stage(PreprocessConfig, RecipeOptions, options),
        _build_stage(StoreConfig, StoreOptions, options),
        parse_sharing(options),
    )


def parse_events(options: Options) -> EventsConfig:
    """Build the search for events: one label per query.

    A column that stands for its values is one label until `bids_dl.selection.expand_columns`.
    """
    values = _stage_values(EventsConfig, EventOptions, options)
    values["aliases"] = _parse_aliases(values["aliases"])
    for name in QueryOptions.__annotations__:
        _check_queries(name, options.get(name))
    check_flags(whole=values["whole"] or False)
    if values["whole"]:
        return build(EventsConfig, labels=parse_whole_label(options), **values)
    values["unexpanded"] = columns_to_expand(options)
    return build(EventsConfig, labels=parse_labels(options), **values)


def parse_source(options: Options) -> SourceConfig:
    """Build the selection of recordings by their BIDS entities and by participants.tsv.

    Raises
    ------
    ConfigError
        A label is no text.
    """
    for name in ENTITY_PREFIXES:
        for value in as_tuple(options.get(name)):
            _check_entity(name, value)
    values = _stage_values(SourceConfig, SourceOptions, options)
    where = values.pop("where")
    entities = {name: as_texts(value) for name, value in values.items()}
    return build(SourceConfig, **entities, where=where)


def parse_windows(options: Options) -> WindowsConfig:
    """Build the settings of windows."""
    return _build_stage(WindowsConfig, WindowOptions, options)


def parse_sharing(options: Options) -> SharingConfig:
    """Build title, maker and licence of a store."""
    values = _stage_values(SharingConfig, SharingOptions, options)
    for name in ("title", "description", "license"):
        values[name] = parse_text(name, values[name], several_lines=name == "description")
    authors = [parse_text("author", author) for author in as_tuple(values["author"])]
    return build(SharingConfig, **values | {"author": tuple(dict.fromkeys(authors))})


def parse_pipeline(options: Options) -> PipelineConfig:
    """Build the settings of the execution, which change no byte of a store."""
    return _build_stage(PipelineConfig, RunOptions, options)


def parse_fetching(options: Options) -> FetchConfig:
    """Build the settings of the access to remote datasets, ignoring the options of other stages."""
    return _build_stage(FetchConfig, FetchOptions, options)


def parse_verification(options: Options) -> VerifyConfig:
    """Build the settings of a verification."""
    values = _stage_values(VerifyConfig, VerifyOptions, options)
    check_flags(strict=values["strict"] or False)
    return build(VerifyConfig, **values, fetching=parse_fetching(options))


def parse_cache(options: Options) -> CacheConfig:
    """Build the selection of cached files to remove."""
    return _build_stage(CacheConfig, CacheOptions, options)


def parse_training(options: Options) -> TrainConfig:
    """Build the settings of a training, ignoring the options of other stages."""
    values = _stage_values(TrainConfig, TrainOptions, options)
    values["target"] = as_texts(values["target"])
    return build(TrainConfig, **values)


def parse_explanation(options: Options) -> ExplainConfig:
    """Build the settings of an explanation, ignoring the options of other stages."""
    names = {field.name for field in fields(ExplainConfig)}
    return build(ExplainConfig, **{name: options.get(name) for name in names})


PARSERS: dict[str, Callable[[Any], Any]] = {
    "augment": lambda value: parse_probabilities(value, "--augment"),
    "content": parse_content_id,
    "hed_sidecar": parse_hed_sidecars,
    "memory": parse_size,
    "older_than": parse_age,
    "remove": as_texts,
    "split": parse_split,
    "train_fraction": parse_shares,
    "where": parse_where,
}
"""Parsers of the options whose texts pydantic does not convert."""


def _build_stage(stage: Callable[..., T], declaration: type, options: Options) -> T:
    """Build a stage from those options of a declaration that it has a field for."""
    return build(stage, **_stage_values(stage, declaration, options))


def _stage_values(stage: Any, declaration: type, options: Options) -> dict[str, Any]:
    names = {field.name for field in fields(stage)}
    declared = declared_options(declaration)
    return {
        name: _parse_value(option, options) for name, option in declared.items() if name in names
    }


def _parse_value(option: DeclaredOption, options: Options) -> Any:
    """Return the value of an option, by its name or that of its flag, or None."""
    value = options.get(option.name, options.get(option.key))
    if option.name in PARSERS:
        return PARSERS[option.name](value)
    if option.type == Assignments:
        return parse_assignments(value, option.flags[0])
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _check_entity(name: str, value: Any) -> None:
    """Refuse a label that is no text. Runs are compared as numbers, so they may be numbers."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) or (name == "run" and is_number):
        return
    reason = ", because numbers lose their leading zeros; quote it" if is_number else ""
    raise ConfigError(f"--{name} {describe_input(value)}: expected text{reason}")


def _check_queries(name: str, value: Any) -> None:
    """Refuse queries that are no text, or no mapping from labels to queries."""
    queries = value.values() if isinstance(value, Mapping) else as_tuple(value)
    for query in queries:
        if isinstance(query, str) or (isinstance(query, Mapping) and isinstance(value, Mapping)):
            continue
        raise ConfigError(f"--{name} {describe_input(query)}: expected a query, which is text")


def _parse_aliases(value: Any) -> dict[str, tuple[Any, ...]] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigError(f"aliases: expected NAME: [QUERY, ...], found {value!r}")
    return {str(name): as_tuple(queries) for name, queries in value.items()}
