"""Stream a store as PyTorch batches, read ahead in threads, in an order that can be resumed."""

from bids_dl.stream.batches import Batch, MontageBatch
from bids_dl.stream.dataset import StreamingDataset
from bids_dl.stream.normalize import training_statistics
from bids_dl.stream.prefetch import to_device
from bids_dl.stream.window_dataset import DatasetItem, WindowDataset

__all__ = [
    "Batch",
    "DatasetItem",
    "MontageBatch",
    "StreamingDataset",
    "WindowDataset",
    "to_device",
    "training_statistics",
]
