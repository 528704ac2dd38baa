"""Defaults of the stages, field by field."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


def default_values(stage: Any) -> dict[str, Any]:
    """Return the default of each field of a stage, or None for a field that is required.

    Examples
    --------
    >>> from bids_dl.config.stages import WindowsConfig
    >>> default_values(WindowsConfig)
    {'window': None, 'stride': None, 'tmin': None, 'tmax': None}
    """
    defaults = {}
    for field in fields(stage):
        info = field.default if isinstance(field.default, FieldInfo) else None
        if info is not None and info.default_factory is not None:
            default = info.get_default(call_default_factory=True)
        else:
            default = field.default if info is None else info.default
        defaults[field.name] = None if default in (MISSING, PydanticUndefined) else default
    return defaults
