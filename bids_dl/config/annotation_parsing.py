"""Options of detections by name, to their dataclass."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.config.arguments import as_optional_path
from bids_dl.config.validation import build
from bids_dl.errors import ConfigError

PATHS = ("write_annotations", "classes")


def parse_detections(options: Mapping[str, Any]) -> DetectionConfig | None:
    """Build the settings of detections, ignoring other options.

    Returns
    -------
    DetectionConfig or None
        None if no detections are requested.

    Raises
    ------
    ConfigError
        A value is out of range, or an option of detections is given without their folder.

    Examples
    --------
    >>> parse_detections({"write_annotations": "found", "threshold": 0.9}).threshold
    0.9
    """
    names = [field.name for field in fields(DetectionConfig)]
    values = {name: options.get(name) for name in names}
    for name in PATHS:
        path = as_optional_path(name, values[name])
        values[name] = None if path is None else os.fspath(path)
    given = [name for name in names if values[name] is not None]
    if values["write_annotations"] is None:
        if given:
            flag = given[0].replace("_", "-")
            raise ConfigError(
                f"--{flag} is about detections; name their folder with --write-annotations"
            )
        return None
    return build(DetectionConfig, **values)
