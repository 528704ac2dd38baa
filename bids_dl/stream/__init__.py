"""Store -> PyTorch batches: read ahead in threads, in an order that can be resumed."""

from bids_dl.stream.dataset import Batch, StreamingDataset
from bids_dl.stream.device import to_device
from bids_dl.stream.scale import training_statistics

__all__ = ["Batch", "StreamingDataset", "to_device", "training_statistics"]
