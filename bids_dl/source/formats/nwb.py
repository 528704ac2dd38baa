"""NWB files: description of the ElectricalSeries of a recording.

The format is Neurodata Without Borders 2, https://nwb-schema.readthedocs.io. The times of an NWB
file count from its reference time; those of a recording count from its first sample, as in BIDS.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.errors import RecordingError
from bids_dl.source.channels.channel_names import number_repeats
from bids_dl.source.gaps import Gap
from bids_dl.wording import join_names, one_line

if TYPE_CHECKING:
    from pynwb import NWBFile
    from pynwb.ecephys import ElectricalSeries

Array = npt.NDArray[np.float64]
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
NAME_COLUMNS = ("channel_name", "label", "name", "electrode_name", "channel")  # of electrodes
TIMES_AT_ONCE = 1 << 20  # timestamps in memory
MAX_STEP = 1.5  # usual intervals between two timestamps of one segment
CLOCK_ERROR = 1e-9  # relative; a larger difference is not that of floating-point numbers
RATE_DIGITS = 6  # of a rate in Hz that is computed from timestamps
MAX_REASON_CHARS = 200  # of an error of pynwb in a message
LENGTH_DIGITS = 9  # of a gap in s


@dataclass(frozen=True, slots=True)
class Segment:
    """Evenly spaced timestamps of an NWB file."""

    start: float  # s, of the first sample
    stop: float  # s, of the last sample
    n_times: int


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
                f"only the ElectricalSeries {series.name} is read, not {join_names(others)}"
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


def find_segments(times: Iterable[Array], interval: float, name: str) -> list[Segment]:
    """Find the segments of evenly spaced timestamps.

    Parameters
    ----------
    times
        Timestamps in s, in order, in pieces of any length.
    interval
        Usual interval of two timestamps in s.
    name
        Name of the file in messages.

    Raises
    ------
    RecordingError
        Stage "header": a timestamp is missing or before the previous one.

    Examples
    --------
    >>> find_segments([np.array([0.0, 0.1, 5.2]), np.array([5.3])], 0.1, "x.nwb")
    [Segment(start=0.0, stop=0.1, n_times=2), Segment(start=5.2, stop=5.3, n_times=2)]
    """
    segments: list[Segment] = []
    for piece in times:
        previous = segments[-1].stop if segments else piece[0] - interval
        steps = np.diff(piece, prepend=previous)
        if not (np.isfinite(piece).all() and (steps >= 0).all()):
            n_before = sum(segment.n_times for segment in segments)
            number = n_before + int(np.flatnonzero(~(steps >= 0))[0])
            raise RecordingError(
                "header",
                f"{name}: the timestamp of sample {number} is not after the one before; "
                "repair the timestamps",
            )
        starts = np.flatnonzero(steps > interval * MAX_STEP)
        edges = [0, *starts.tolist(), len(piece)]
        for first, last in pairwise(edges):
            is_new = not segments or first in starts
            if is_new and last > first:
                segments.append(Segment(float(piece[first]), float(piece[last - 1]), last - first))
            elif last > first:
                n_times = segments[-1].n_times + last - first
                segments[-1] = Segment(segments[-1].start, float(piece[last - 1]), n_times)
    return segments


def rate_of_segments(segments: Sequence[Segment], jitter: float) -> float:
    """Compute the sampling rate in Hz of segments: the roundest one that their times allow.

    Parameters
    ----------
    segments
        Segments, one with two samples at least.
    jitter
        Largest deviation of a timestamp in s, such as that of its rounding.

    Examples
    --------
    >>> rate_of_segments([Segment(start=0.0, stop=3.9062495, n_times=1001)], jitter=1e-6)
    256.0
    """
    duration = sum(segment.stop - segment.start for segment in segments)
    n_steps = sum(segment.n_times - 1 for segment in segments)
    sfreq = n_steps / duration
    for digits in range(RATE_DIGITS):
        rounded = round(sfreq, digits)
        if rounded and abs(n_steps / rounded - duration) <= max(jitter, duration * CLOCK_ERROR):
            return rounded
    return round(sfreq, RATE_DIGITS)


def gaps_between(segments: Sequence[Segment], sfreq: float) -> tuple[Gap, ...]:
    """Return the gaps between segments, with their onsets on the clock of the file.

    Examples
    --------
    >>> gaps_between([Segment(0.0, 0.1, 2), Segment(5.2, 5.3, 2)], sfreq=10.0)
    (Gap(onset=0.2, length=5.0, half_sample=0.05),)
    """
    gaps = []
    n_times = 0
    for previous, segment in pairwise(segments):
        n_times += previous.n_times
        length = segment.start - previous.stop - 1 / sfreq
        gaps.append(Gap(n_times / sfreq, round(length, LENGTH_DIGITS), 0.5 / sfreq))
    return tuple(gaps)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[NWBFile]:
    """Open an NWB file for reading with pynwb."""
    from pynwb import NWBHDF5IO

    with path.open("rb") as file:
        head = file.read(len(HDF5_SIGNATURE))
    if head != HDF5_SIGNATURE:
        raise RecordingError("header", f"{name} is not an NWB file: it begins with {head!r}")
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            nwb_file = stack.enter_context(NWBHDF5IO(path, "r", load_namespaces=True)).read()
        except Exception as error:  # noqa: BLE001  (pynwb raises anything at damaged files)
            reason = one_line(error, max_chars=MAX_REASON_CHARS).replace(str(path), name)
            raise RecordingError(
                "header",
                f"{name} cannot be read as NWB and may be damaged "
                f"({type(error).__name__}: {reason})",
            ) from None
        yield nwb_file


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
            f"{name} has {len(candidates)} ElectricalSeries ({names}), "
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
    head = np.diff(np.asarray(times[:TIMES_AT_ONCE], float))
    interval = float(np.nanmedian(head))
    if not interval > 0:
        raise RecordingError("header", f"{name}: the timestamps of {series.name} do not increase")
    pieces = (
        np.asarray(times[i : i + TIMES_AT_ONCE], float) for i in range(0, n_times, TIMES_AT_ONCE)
    )
    segments = find_segments(pieces, interval, name)
    jitter = np.abs(head[head <= interval * MAX_STEP] - interval).max()
    sfreq = rate_of_segments(segments, float(jitter))
    return sfreq, gaps_between(segments, sfreq), float(times[0])


def _channel_names(series: ElectricalSeries, n_chans: int) -> tuple[str, ...]:
    """Return the names of the channels from the table of electrodes, else their ids."""
    region = series.electrodes
    rows = [int(row) for row in region.data[:]] if region is not None else []
    if len(rows) != n_chans:
        return tuple(map(str, range(n_chans)))
    table = region.table
    for column in NAME_COLUMNS:
        if column in table.colnames:
            names = [str(table[column][row]).strip() for row in rows]
            if all(names):
                return tuple(number_repeats(names))
    return tuple(str(table.id[row]) for row in rows)


def _factors(series: ElectricalSeries, n_chans: int) -> tuple[float, ...]:
    """Return the size in V of one stored unit of each channel."""
    conversion = float(series.conversion or 1.0)
    if series.channel_conversion is None:
        return (conversion,) * n_chans
    return tuple(conversion * float(factor) for factor in series.channel_conversion[:])
