"""Functions of `bids_dl`: everything the command line does, with the same options.

Each function imports what it needs when it is called, so that `import bids_dl` is fast.
"""

from bids_dl.api.annotation import export_annotations, simulate
from bids_dl.api.models import compare, list_models, predict, train, train_variants
from bids_dl.api.representations import embed, explain, pretrain, probe
from bids_dl.api.sidecar import make_sidecar
from bids_dl.api.stores import convert, events, export, info, list_recipes, report, verify

__all__ = [
    "compare",
    "convert",
    "embed",
    "events",
    "explain",
    "export",
    "export_annotations",
    "info",
    "list_models",
    "list_recipes",
    "make_sidecar",
    "predict",
    "pretrain",
    "probe",
    "report",
    "simulate",
    "train",
    "train_variants",
    "verify",
]
