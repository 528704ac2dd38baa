"""Samples of a Zarr copy as MNE's raw, read lazily by the seconds needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import mne
import numpy as np
import numpy.typing as npt

from bids_dl.errors import RecordingError
from bids_dl.remote.location import Location
from bids_dl.source.formats.zarr_copy import CopySignal
from bids_dl.wording import one_line

Array = npt.NDArray[np.float64]
SAMPLES_AT_ONCE = 1 << 24  # of all channels, as int16: 32 MB, 300 s of 223 channels at 250 Hz
COLUMNS_AT_ONCE = 1 << 13  # of which all channels are in memory as float64


class RawZarrCopy(mne.io.BaseRaw):  # type: ignore[misc]  # mne has no types
    """Samples of a Zarr copy in the units that it states, read from the server when needed."""

    def __init__(self, path: Path, signal: CopySignal) -> None:
        info = mne.create_info(list(signal.ch_names), signal.sfreq, "eeg", verbose="error")
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
        signal: CopySignal = self._raw_extras[fi]["signal"]
        array = _open_array(signal)
        step = _samples_of_a_read(array)
        first = start
        while first < stop:
            last = min(stop, first - first % step + step)  # at a border of a shard or a chunk
            stored = _read_samples(array, first, last, signal)
            _convert(stored, signal, data[:, first - start : last - start], idx, cals, mult)
            first = last


def _open_array(signal: CopySignal) -> Any:
    """Open the array of a copy, without a request."""
    import zarr

    from bids_dl.source.formats.zarr_objects import CopyObjects

    version = quote(signal.copy.updated_utc)
    store = CopyObjects(Location(signal.url), version, signal.documents)
    return zarr.open_array(store, path=f"{signal.copy.group}/0", mode="r", zarr_format=3)


def _samples_of_a_read(array: Any) -> int:
    """Return the number of samples to read at once: whole shards, or whole chunks if too long."""
    n_chans = array.shape[0]
    allowed = max(1, SAMPLES_AT_ONCE // n_chans)
    shard = (array.shards or array.chunks)[1]
    unit = shard if shard <= allowed else array.chunks[1]
    return int(max(1, allowed // unit) * unit)


def _read_samples(array: Any, first: int, last: int, signal: CopySignal) -> npt.NDArray[np.int16]:
    """Read samples of all channels as they are stored."""
    try:
        return np.asarray(array[:, first:last])
    except Exception as error:  # noqa: BLE001  (codecs raise anything at damaged chunks)
        raise RecordingError(
            "source",
            f"samples {first} to {last} of the copy of {signal.copy.path} cannot be read "
            f"({type(error).__name__}: {one_line(error)}); it may have been replaced meanwhile",
            transient=True,
        ) from None


def _convert(
    stored: npt.NDArray[np.int16],
    signal: CopySignal,
    target: Array,
    idx: slice | npt.NDArray[np.intp],
    cals: Array,
    mult: Array | None,
) -> None:
    """Write samples in the units of their channels, times ``cals`` or ``mult``, into a target."""
    scales = np.array(signal.scales)[:, np.newaxis]
    offsets = np.array(signal.offsets)[:, np.newaxis]
    for first in range(0, stored.shape[1], COLUMNS_AT_ONCE):
        part = stored[:, first : first + COLUMNS_AT_ONCE]
        columns = slice(first, first + part.shape[1])
        if mult is None:
            target[:, columns] = (part[idx] * scales[idx] + offsets[idx]) * cals
        else:
            target[:, columns] = mult @ (part * scales + offsets)
