"""BIDS derivatives: the answers of experts and the detections of models as events.tsv with HED."""

from bids_dl.annotate.derivative.detections import write_detections
from bids_dl.annotate.derivative.export import Export, export_annotations

__all__ = ["Export", "export_annotations", "write_detections"]
