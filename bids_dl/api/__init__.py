"""Functions of `bids_dl`: everything the command line does, with the same options.

Each function imports what it needs when it is called, so that `import bids_dl` is fast.
"""

from bids_dl.api.annotation import export_annotations, label, simulate
from bids_dl.api.catalogues import catalogue, read_catalogue
from bids_dl.api.exports import export
from bids_dl.api.finding import find
from bids_dl.api.models import compare, list_models, predict, train, train_variants
from bids_dl.api.representations import embed, explain, pretrain, probe
from bids_dl.api.sharing import pull, push
from bids_dl.api.sidecar import make_sidecar
from bids_dl.api.stores import convert, events, info, list_recipes, report, verify

__all__ = [
    "catalogue",
    "compare",
    "convert",
    "embed",
    "events",
    "explain",
    "export",
    "export_annotations",
    "find",
    "info",
    "label",
    "list_models",
    "list_recipes",
    "make_sidecar",
    "predict",
    "pretrain",
    "probe",
    "pull",
    "push",
    "read_catalogue",
    "report",
    "simulate",
    "train",
    "train_variants",
    "verify",
]
