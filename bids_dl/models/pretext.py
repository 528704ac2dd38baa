"""Targets of pretraining, which are no property of a window and cannot be predicted."""

from __future__ import annotations

from pathlib import Path

from bids_dl.errors import ModelError
from bids_dl.models.target import TargetSpec

RELATIVE_POSITION = TargetSpec(
    "relative position", "classes", ("relative_position",), ("far", "near")
)
"""Target of relative positioning: two windows of a recording are far apart, or near."""


def is_pretext(spec: TargetSpec) -> bool:
    """Return True if a target is one of pretraining, so that the last layer has no meaning.

    Examples
    --------
    >>> is_pretext(RELATIVE_POSITION), is_pretext(TargetSpec("age", "number", ("age",), ("age",)))
    (True, False)
    """
    return spec == RELATIVE_POSITION


def refuse_pretext(spec: TargetSpec, run_dir: Path) -> None:
    """Refuse a run whose outputs mean nothing for a single window.

    Raises
    ------
    ModelError
        The run was pretrained.

    Examples
    --------
    >>> refuse_pretext(TargetSpec("age", "number", ("age",), ("age",)), Path("runs/age"))
    """
    if is_pretext(spec):
        raise ModelError(
            f"{run_dir} was pretrained without labels and predicts nothing of a window; use "
            f"bids-dl embed, or bids-dl train --init-from {run_dir}"
        )
