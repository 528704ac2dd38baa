"""Settings of detections that are written as a BIDS derivative."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT


@dataclass(frozen=True, config=STRICT)
class DetectionConfig:
    """Detections of a model.

    Parameters
    ----------
    write_annotations
        Folder of the derivative; None writes none.
    threshold
        Least probability of a window that is part of a detection.
    join
        Longest gap in s between two windows of one detection. With 0, windows that touch or overlap
        are joined.
    min_length
        Least length of a detection in s.
    classes
        Classes file with the HED of the classes. None: ``code/classes.yaml`` in the folder, and
        without that file ``Label/<class>``.
    """

    write_annotations: str | None = None
    threshold: float = Field(default=0.5, gt=0, le=1)
    join: float = Field(default=0.0, ge=0)
    min_length: float = Field(default=0.0, ge=0)
    classes: str | None = None
