"""The record of a training: an HTML page, figures as PNG and tables as CSV."""

from __future__ import annotations

from bids_dl.training.record.contents import Record
from bids_dl.training.record.writing import write_record

__all__ = ["Record", "write_record"]
