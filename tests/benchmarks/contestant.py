"""bids_dl as a contestant in a comparison of loaders.

The comparison provides the interface (`common`), the windows and the clock.
"""

from __future__ import annotations

import itertools

import numpy as np
from common import Again, Contestant


class BidsDl(Contestant):
    """A float32 store without compression; the CRC32C of every chunk is checked."""

    name = "bids_dl"
    note = "float32, CRC32C checked, StreamingDataset"
    workers = (0,)

    def write(self, path, data):
        from bids_dl.remote.location import Location
        from bids_dl.store import writer
        from bids_dl.store.format import Column

        pieces = (np.ascontiguousarray(data.x[i : i + 1000]) for i in range(0, len(data), 1000))
        columns = [
            Column(
                "channel",
                writer.text_array([f"E{i}" for i in range(data.x.shape[1])]),
                ("channel",),
            )
        ]
        columns += [Column(name, values) for name, values in data.columns().items() if name != "t0"]
        columns.append(
            Column("recording", writer.text_array([f"sub-{i:03}" for i in data.subject]))
        )
        draft = writer.StoreWriter.create(Location(path), "benchmark")
        self.signals(draft, data, pieces)
        writer.write_columns(draft, columns)
        writer.finish(
            draft,
            {"sfreq": data.sfreq, "classes": {}},
            ["signals", *(column.name for column in columns)],
            {},
        )

    def signals(self, draft, data, pieces):
        from bids_dl.config.stages import StoreConfig
        from bids_dl.store import writer

        writer.write_signals(draft, data.x.shape, pieces, StoreConfig(), on_progress=lambda _: None)

    def iterate(self, path, batch_size, _num_workers):
        from bids_dl import StreamingDataset

        stream = StreamingDataset(path, target="y", batch_size=batch_size)
        subject = stream.windows["subject"].to_numpy()
        return Again(self.epoch, stream, subject, itertools.count())

    def loop(self, stream):
        return iter(stream)

    def epoch(self, stream, subject, epochs):
        import torch

        stream.set_epoch(next(epochs))
        for signals, target, index in self.loop(stream):
            yield {
                "x": signals,
                "y": target,
                "subject": torch.from_numpy(subject[index.numpy()]),
                "trial": index,
            }


class BidsDlDataLoader(BidsDl):
    """The same store through PyTorch's loader."""

    name = "bids_dl_dataloader"
    note = "the same through DataLoader(stream, batch_size=None, num_workers=0)"
    store = "bids_dl"

    def loop(self, stream):
        from torch.utils.data import DataLoader

        return iter(DataLoader(stream, batch_size=None, num_workers=0))


class BidsDlInt16(BidsDl):
    """The same windows as int16, compressed by LZ4 over bit planes."""

    name = "bids_dl_int16"
    note = "int16 of 0.125 uV, LZ4 of bit planes, CRC32C checked"
    resolution = 0.125  # uV
    tolerance = 0.0626

    def signals(self, draft, data, pieces):
        from bids_dl.config.stages import StoreConfig
        from bids_dl.store import writer
        from bids_dl.store.quantization import Quantizer

        quantizer = Quantizer(self.resolution)
        writer.write_signals(
            draft,
            data.x.shape,
            map(quantizer, pieces),
            StoreConfig(),
            resolution=self.resolution,
            on_progress=lambda _: None,
        )


class BidsDlInt16DataLoader(BidsDlDataLoader):
    """The int16 store through PyTorch's loader."""

    name = "bids_dl_int16_dataloader"
    note = "int16 through DataLoader(stream, batch_size=None, num_workers=0)"
    store = "bids_dl_int16"
    tolerance = BidsDlInt16.tolerance


CONTESTANTS = [BidsDl(), BidsDlDataLoader(), BidsDlInt16(), BidsDlInt16DataLoader()]
