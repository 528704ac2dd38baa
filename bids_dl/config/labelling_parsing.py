"""Options of the page for experts by name, to their dataclass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.arguments import (
    as_optional_path,
    as_path,
    as_paths,
    check_flags,
    check_texts,
)
from bids_dl.config.labelling_stage import LabellingConfig
from bids_dl.config.parsing import parse_fetching
from bids_dl.config.validation import build
from bids_dl.errors import ConfigError

FLAGS = ("show_opinion", "no_browser", "export")
TEXTS = ("strategy", "annotator", "model", "host")
PATHS = ("classes", "run_dir")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of an annotator in the log
HOST = re.compile(r"[A-Za-z0-9.-]{1,255}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9]{1,32})?")


def parse_labelling(options: Mapping[str, Any]) -> LabellingConfig:
    """Build the settings of the page for experts, ignoring other options.

    Raises
    ------
    ConfigError
        A value is out of range, or an option is given that has no effect.

    Examples
    --------
    >>> parse_labelling({"labels": "labels", "batch": 10}).batch
    10
    """
    names = {field.name for field in fields(LabellingConfig)} - {"fetching"}
    values = {name: options.get(name) for name in names}
    if values["labels"] is None:
        raise ConfigError("option --labels FOLDER is required")
    check_flags(**{name: values[name] or False for name in FLAGS})
    check_texts(**{name: values[name] for name in TEXTS})
    values["labels"] = as_path("labels", values["labels"])
    for name in PATHS:
        values[name] = as_optional_path(name, values[name])
    sources = values["sources"]
    values["sources"] = None if sources is None else tuple(as_paths("sources", sources))
    config = build(LabellingConfig, **values, fetching=parse_fetching(options))
    _check_names(config)
    if config.model is not None and config.run_dir is not None:
        raise ConfigError(
            "--model trains a network on the windows, and --run-dir takes the features of one "
            "that is trained; give one of them"
        )
    return config


def _check_names(config: LabellingConfig) -> None:
    """Refuse names that the log or an address cannot have."""
    if config.annotator is not None and not NAME.fullmatch(config.annotator):
        raise ConfigError(
            f"--annotator {config.annotator!r}: expected a pseudonym of up to 64 letters, digits, "
            "_ and -"
        )
    if not HOST.fullmatch(config.host):
        raise ConfigError(
            f"--host {config.host!r}: expected a name or an address, such as 127.0.0.1"
        )
