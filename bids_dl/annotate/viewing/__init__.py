"""Pages of recordings as clinical readers expect them, computed from the samples."""

from bids_dl.annotate.viewing.encoding import encode_view
from bids_dl.annotate.viewing.montages import MONTAGES, list_montages
from bids_dl.annotate.viewing.signals import Channel, RecordingKey, SignalHeader, Signals
from bids_dl.annotate.viewing.source_matching import open_source_signals, pool_recordings
from bids_dl.annotate.viewing.source_signals import SourceRecording, SourceSignals
from bids_dl.annotate.viewing.store_signals import StoreSignals
from bids_dl.annotate.viewing.view import MISSING, View, ViewRequest, check_request, compute_view

__all__ = [
    "MISSING",
    "MONTAGES",
    "Channel",
    "RecordingKey",
    "SignalHeader",
    "Signals",
    "SourceRecording",
    "SourceSignals",
    "StoreSignals",
    "View",
    "ViewRequest",
    "check_request",
    "compute_view",
    "encode_view",
    "list_montages",
    "open_source_signals",
    "pool_recordings",
]
