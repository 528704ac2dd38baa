"""bids_dl as a contestant of a race of loaders.

The race provides the interface (module `common`), the windows and the clock.
"""

from __future__ import annotations

import itertools

import numpy as np
from common import Again, Contestant

BLOCK_WINDOWS = 1000  # written at once


class BidsDl(Contestant):
    """A store in float32 without compression, with a CRC32C verified on every chunk."""

    name = "bids_dl"
    note = "float32, CRC32C checked, StreamingDataset"
    workers = (0,)

    def write(self, path, data):
        """Write the windows of the race as a store."""
        from bids_dl.remote.location import Location
        from bids_dl.store import writer
        from bids_dl.store.format import Column, make_column

        starts = range(0, len(data), BLOCK_WINDOWS)
        blocks = (np.ascontiguousarray(data.x[i : i + BLOCK_WINDOWS]) for i in starts)
        channels = [f"E{i}" for i in range(data.x.shape[1])]
        subjects = [f"{i:03}" for i in data.subject]
        columns = [
            make_column("channel", writer.text_array(channels)),
            make_column("recording", writer.text_array([f"sub-{name}" for name in subjects])),
            make_column("subject", writer.text_array(subjects)),
            make_column("label", writer.text_array(["window"] * len(data))),
        ]
        for name, values in data.columns().items():
            if name not in ("t0", "subject"):
                columns.append(Column(name, values))
        store = writer.StoreWriter.create(Location(path), "benchmark")
        self.write_signals(store, data, blocks)
        writer.write_columns(store, columns)
        names = ["signals", *(column.name for column in columns)]
        writer.finish(store, {"sfreq": data.sfreq, "classes": {"label": ["window"]}}, names, {})

    def write_signals(self, store, data, blocks):
        """Write blocks of windows (n_windows, n_chans, n_times)."""
        from bids_dl.config.stages import StoreConfig
        from bids_dl.store import writer

        writer.write_signals(store, data.x.shape, blocks, StoreConfig(), on_progress=lambda _: None)

    def iterate(self, path, batch_size, _num_workers):
        """Return an iterable of epochs."""
        from bids_dl import StreamingDataset

        stream = StreamingDataset(path, target="y", batch_size=batch_size)
        subject = stream.windows["subject"].to_numpy().astype(np.int64)
        return Again(self.iterate_epoch, stream, subject, itertools.count())

    def batches(self, stream):
        """Iterate over the batches of an epoch."""
        return iter(stream)

    def iterate_epoch(self, stream, subject, epochs):
        """Yield the batches of the next epoch as the race expects them."""
        import torch

        stream.set_epoch(next(epochs))
        for signals, target, index in self.batches(stream):
            yield {
                "x": signals,
                "y": target,
                "subject": torch.from_numpy(subject[index.numpy()]),
                "trial": index,
            }


class BidsDlDataLoader(BidsDl):
    """The same store through PyTorch's DataLoader."""

    name = "bids_dl_dataloader"
    note = "the same through DataLoader(stream, batch_size=None, num_workers=0)"
    store = "bids_dl"

    def batches(self, stream):
        """Iterate over the batches of an epoch."""
        from torch.utils.data import DataLoader

        return iter(DataLoader(stream, batch_size=None, num_workers=0))


class BidsDlInt16(BidsDl):
    """The same windows as int16, as bit planes compressed by LZ4."""

    name = "bids_dl_int16"
    note = "int16 of 0.125 uV, LZ4 of bit planes, CRC32C checked"
    resolution = 0.125  # µV
    tolerance = 0.0626  # µV

    def write_signals(self, store, data, blocks):
        """Quantize and write blocks of windows (n_windows, n_chans, n_times)."""
        from bids_dl.config.stages import StoreConfig
        from bids_dl.store import writer
        from bids_dl.store.signals.quantization import Quantizer

        writer.write_signals(
            store,
            data.x.shape,
            map(Quantizer(self.resolution), blocks),
            StoreConfig(),
            resolution=self.resolution,
            on_progress=lambda _: None,
        )


class BidsDlInt16DataLoader(BidsDlDataLoader):
    """The int16 store through PyTorch's DataLoader."""

    name = "bids_dl_int16_dataloader"
    note = "int16 through DataLoader(stream, batch_size=None, num_workers=0)"
    store = "bids_dl_int16"
    tolerance = BidsDlInt16.tolerance


CONTESTANTS = [BidsDl(), BidsDlDataLoader(), BidsDlInt16(), BidsDlInt16DataLoader()]
