"""NWB files: the ElectricalSeries of a recording, read lazily as MNE's raw.

The format is Neurodata Without Borders 2, https://nwb-schema.readthedocs.io. The times of an NWB
file count from its reference time; those of a recording count from its first sample, as in BIDS.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import numpy.typing as npt

from bids_dl.errors import RecordingError
from bids_dl.source.gaps import Gap
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from pynwb import NWBFile
    from pynwb.ecephys import ElectricalSeries

Array = npt.NDArray[np.float64]
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
NAME_COLUMNS = ("channel_name", "label", "name", "electrode_name", "channel")  # of electrodes
TIMES_AT_ONCE = 1 << 20  # timestamps in memory
JITTER_SAMPLES = 0.5  # a timestamp that is further off belongs to another segment
RATE_DIGITS = 6  # of a rate in Hz that is computed from timestamps


@dataclass(frozen=True, slots=True)
class NwbSignal:
    """Description of the ElectricalSeries of an NWB file.

    Attributes
    ----------
    data_path
        Path of the samples inside the file: (n_times, n_chans), or (n_times,) for one channel.
    ch_names
        Names of the channels.
    sfreq
        Sampling rate in Hz.
    n_times
        Number of samples.
    factors
        (n_chans,) V of one stored unit.
    offset
        V to add to each sample.
    gaps
        Points at which the timestamps leave out time.
    notes
        Remarks for the user, one line each.
    """

    data_path: str
    ch_names: tuple[str, ...]
    sfreq: float
    n_times: int
    factors: tuple[float, ...]
    offset: float
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


class RawNwb(mne.io.BaseRaw):
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
        """Read the samples ``start`` to ``stop``, both inclusive of MNE's segment."""
        import h5py

        signal: NwbSignal = self._raw_extras[fi]["signal"]
        with h5py.File(self.filenames[fi], "r") as file:
            stored = np.asarray(file[signal.data_path][start:stop], float)
        samples = stored.reshape(stop - start, -1).T * np.array(signal.factors)[:, np.newaxis]
        samples += signal.offset
        data[:] = samples[idx] * cals if mult is None else mult @ samples


def inspect_nwb(path: Path, name: str) -> NwbSignal:
    """Describe the ElectricalSeries of an NWB file.

    Parameters
    ----------
    path
        The file.
    name
        Name of the file in messages.

    Raises
    ------
    RecordingError
        Stage "header": the file is not NWB, does not have exactly one ElectricalSeries to read,
        or its times are not those of evenly spaced samples with gaps.
    """
    with _opened(path, name) as nwb_file:
        series, others = _choose_series(nwb_file, name)
        n_times = int(series.data.shape[0])
        if not n_times:
            raise RecordingError("header", f"{name}: {series.name} has no samples")
        n_chans = int(series.data.shape[1]) if len(series.data.shape) > 1 else 1
        sfreq, gaps, start = _read_times(series, n_times, name)
        notes = []
        if others:
            notes.append(
                f"not read, beside the ElectricalSeries {series.name}: {join_names(others)}"
            )
        if start:
            notes.append(
                f"{series.name} begins {start:g} s after the reference time of the file; onsets "
                "of events.tsv count from its first sample"
            )
        return NwbSignal(
            data_path=series.data.name,
            ch_names=_channel_names(series, n_chans),
            sfreq=sfreq,
            n_times=n_times,
            factors=_factors(series, n_chans),
            offset=float(series.offset or 0.0),
            gaps=gaps,
            notes=tuple(notes),
        )


def find_time_gaps(
    chunks: Iterator[Array] | Sequence[Array], sfreq: float, name: str
) -> tuple[Gap, ...]:
    """Find the gaps in the timestamps of samples.

    Parameters
    ----------
    chunks
        Timestamps in s, in order, in pieces of any length.
    sfreq
        Sampling rate in Hz.
    name
        Name of the file in messages.

    Returns
    -------
    tuple of Gap
        Gaps with their onset on the clock of the file, which counts samples only.

    Raises
    ------
    RecordingError
        Stage "header": a timestamp is missing or not after the one before.

    Examples
    --------
    >>> find_time_gaps([np.array([0.0, 0.1, 5.2, 5.3])], sfreq=10.0, name="x.nwb")
    (Gap(onset=0.2, length=5.0),)
    """
    gaps = []
    n_read = 0
    origin = None  # expected time of sample 0, without the gaps so far
    for times in chunks:
        if not np.isfinite(times).all():
            raise RecordingError("header", f"{name}: a timestamp is not a number")
        place = 0
        while place < len(times):
            numbers = np.arange(n_read + place, n_read + len(times))
            if origin is None:
                origin = float(times[0])
            late = times[place:] - origin - numbers / sfreq
            jumps = np.flatnonzero(np.abs(late) > JITTER_SAMPLES / sfreq)
            if not jumps.size:
                break
            jump = int(jumps[0])
            if late[jump] < 0:
                raise RecordingError(
                    "header",
                    f"{name}: the timestamp of sample {n_read + place + jump} is "
                    f"{times[place + jump]:g} s, {-late[jump]:g} s before its place at "
                    f"{sfreq:g} Hz; repair the timestamps",
                )
            place += jump
            gaps.append(Gap((n_read + place) / sfreq, round(float(late[jump]), 9)))
            origin += float(late[jump])
        n_read += len(times)
    return tuple(gaps)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[NWBFile]:
    """Open an NWB file for reading with pynwb."""
    from pynwb import NWBHDF5IO

    with path.open("rb") as file:
        head = file.read(len(HDF5_SIGNATURE))
    if head != HDF5_SIGNATURE:
        raise RecordingError("header", f"{name} is not an NWB file: it begins with {head!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NWBHDF5IO(path, "r", load_namespaces=True) as reader:
            yield reader.read()


def _choose_series(nwb_file: NWBFile, name: str) -> tuple[ElectricalSeries, list[str]]:
    """Return the ElectricalSeries to read, and the names of all other series of the file.

    An acquired series takes precedence over one that was computed from it.
    """
    from pynwb import TimeSeries
    from pynwb.ecephys import ElectricalSeries

    acquired: list[Any] = []
    computed: list[Any] = []
    others: list[str] = []
    for item in nwb_file.objects.values():
        if isinstance(item, ElectricalSeries):
            is_acquired = item.get_ancestor("ProcessingModule") is None
            (acquired if is_acquired else computed).append(item)
        elif isinstance(item, TimeSeries):
            others.append(item.name)
    candidates = acquired or computed
    if len(candidates) != 1:
        names = join_names(sorted(item.name for item in candidates)) or "none"
        raise RecordingError(
            "header",
            f"{name} has {count(len(candidates), 'ElectricalSeries', 'ElectricalSeries')} ({names}), "
            "expected one; keep one in each file",
        )
    unused = [item.name for item in computed if item is not candidates[0]]
    return candidates[0], sorted([*unused, *others])


def _read_times(
    series: ElectricalSeries, n_times: int, name: str
) -> tuple[float, tuple[Gap, ...], float]:
    """Read the rate in Hz, the gaps and the time of the first sample in s."""
    if series.rate:
        return float(series.rate), (), float(series.starting_time or 0.0)
    times = series.timestamps
    if times is None or len(times) != n_times or n_times < 2:
        n_stamps = 0 if times is None else len(times)
        raise RecordingError(
            "header",
            f"{name}: {series.name} has {n_times} samples, {n_stamps} timestamps and no rate; "
            "the sampling rate is unknown",
        )
    sfreq = _rate_of_timestamps(times)
    if not (math.isfinite(sfreq) and sfreq > 0):
        raise RecordingError("header", f"{name}: the timestamps of {series.name} do not increase")
    chunks = (
        np.asarray(times[i : i + TIMES_AT_ONCE], float) for i in range(0, n_times, TIMES_AT_ONCE)
    )
    return sfreq, find_time_gaps(chunks, sfreq, name), float(times[0])


def _rate_of_timestamps(times: Sequence[float]) -> float:
    """Compute the sampling rate in Hz from the longest segment at the beginning of timestamps.

    The median interval finds the segments; the mean over one of them is precise, although each
    timestamp is rounded.
    """
    head = np.asarray(times[:TIMES_AT_ONCE], float)
    intervals = np.diff(head)
    interval = float(np.median(intervals))
    if not interval > 0:
        return math.nan
    cuts = np.flatnonzero(np.abs(intervals - interval) > interval * JITTER_SAMPLES)
    edges = np.concatenate(([-1], cuts, [len(intervals)]))
    longest = int(np.argmax(np.diff(edges)))
    first, last = edges[longest] + 1, edges[longest + 1]
    if last == first:
        return 1 / interval
    return round(float((last - first) / (head[last] - head[first])), RATE_DIGITS)


def _channel_names(series: ElectricalSeries, n_chans: int) -> tuple[str, ...]:
    """Return the names of the channels from the table of electrodes, else their ids."""
    region = series.electrodes
    rows = [int(row) for row in region.data[:]] if region is not None else []
    if len(rows) != n_chans:
        return tuple(str(i) for i in range(n_chans))
    table = region.table
    for column in NAME_COLUMNS:
        if column in table.colnames:
            names = [str(table[column][row]).strip() for row in rows]
            if all(names):
                return tuple(names)
    return tuple(str(table.id[row]) for row in rows)


def _factors(series: ElectricalSeries, n_chans: int) -> tuple[float, ...]:
    """Return the size in V of one stored unit of each channel."""
    conversion = float(series.conversion or 1.0)
    if series.channel_conversion is None:
        return (conversion,) * n_chans
    return tuple(conversion * float(factor) for factor in series.channel_conversion[:])
