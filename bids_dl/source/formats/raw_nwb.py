"""Samples of an NWB file as MNE's raw, read lazily."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import numpy.typing as npt

from bids_dl.source.formats.nwb import NwbSignal

Array = npt.NDArray[np.float64]
VALUES_AT_ONCE = 1 << 20  # samples of all channels in memory, beside the result


class RawNwb(mne.io.BaseRaw):  # type: ignore[misc]  # mne has no types
    """Samples of an ElectricalSeries in V, read from the file when they are needed."""

    def __init__(self, path: Path, signal: NwbSignal) -> None:
        info = mne.create_info(list(signal.ch_names), signal.sfreq, "seeg", verbose="error")
        super().__init__(
            info,
            filenames=[path],
            last_samps=[signal.n_times - 1],
            raw_extras=[{"signal": signal}],
            verbose="error",
        )

    def _read_segment_file(
        self,
        data: Array,
        idx: slice | npt.NDArray[np.intp],
        fi: int,
        start: int,
        stop: int,
        cals: Array,
        mult: Array | None,
    ) -> None:
        """Read the samples from ``start`` to before ``stop`` into ``data``."""
        import h5py

        signal: NwbSignal = self._raw_extras[fi]["signal"]
        factors = np.array(signal.factors)[:, np.newaxis]
        n_at_once = max(1, VALUES_AT_ONCE // len(factors))
        with h5py.File(self.filenames[fi], "r") as file:
            for first in range(start, stop, n_at_once):
                last = min(first + n_at_once, stop)
                stored = np.asarray(file[signal.data_path][first:last], float)
                samples = stored.reshape(last - first, -1).T * factors + signal.offset
                part = samples[idx] * cals if mult is None else mult @ samples
                data[:, first - start : last - start] = part
