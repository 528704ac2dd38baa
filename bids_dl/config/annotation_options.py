"""Options on annotations in derivatives: rows that are read, and detections that are written.

`bids_dl.config.options` imports this module, so that names of its panels are repeated here.
"""

import os
from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt

SELECTION = "Selection"
DETECTIONS = "Detections"
"""Panels of the help."""


class AnnotationOptions(TypedDict, total=False):
    """Rows of a derivative in place of events.tsv."""

    annotations: Annotated[
        str | os.PathLike[str],
        Opt(
            "Rows of this BIDS derivative (files with desc-) in place of events.tsv.",
            "[DESC=]FOLDER",
            SELECTION,
        ),
    ]


class DetectionOptions(TypedDict, total=False):
    """Detections of a model, written as a BIDS derivative."""

    write_annotations: Annotated[
        str | os.PathLike[str],
        Opt("Write detections into this BIDS derivative.", "FOLDER", DETECTIONS),
    ]
    threshold: Annotated[
        float, Opt("Least probability of a detected window.", "PROBABILITY", DETECTIONS)
    ]
    join: Annotated[
        float, Opt("Longest gap between windows of one detection.", "SECONDS", DETECTIONS)
    ]
    min_length: Annotated[float, Opt("Least length of a detection.", "SECONDS", DETECTIONS)]
    classes: Annotated[
        str | os.PathLike[str],
        Opt(
            "HED of the classes; default: code/classes.yaml, else labels.", "FILE.yaml", DETECTIONS
        ),
    ]
