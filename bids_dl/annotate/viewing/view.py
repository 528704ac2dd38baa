"""Pages: montage, decimation, zero-phase filters and envelope of an excerpt of a recording.

Everything is computed from the samples when a page is asked for. The order is that of the modules:
a montage or a filter of an envelope is not the envelope of the montage or the filtered signal.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.viewing.decimation import REACH, interpolate
from bids_dl.annotate.viewing.envelope import ColumnRange, Envelope, PageGrid
from bids_dl.annotate.viewing.filters import PageFilter, choose_filters, filter_runs
from bids_dl.annotate.viewing.montages import make_montage
from bids_dl.annotate.viewing.signals import RecordingKey, Samples, SignalHeader, Signals
from bids_dl.annotate.viewing.trace_reader import TraceReader
from bids_dl.errors import RecordingError

MIN_SECONDS, MAX_SECONDS = 0.05, 120.0  # of a page
MAX_WIDTH = 4096  # columns of pixels: the widest canvas that all browsers draw
RATE_OVER_HIGH = 8.0  # rate at which a page is filtered, over the high filter
RATE_OVER_REMOVED = 16.0  # rate of what low filter and notch remove, over their frequencies
MIN_RATE = 200.0  # Hz, of decimated signal, which bounds the length of the decimation filter
MAX_RATE_OVER_HIGH = 32.0  # at which lines between samples look as smooth as the signal
SAMPLES_PER_COLUMN = 2.0  # up to that rate: peaks between two samples are then not cut off
MIN_DECIMATED = 50  # samples of a recording that remain when it is decimated
MIN_FACTOR = 4  # of decimation, below which it saves nothing
MAX_VALUES = 12_000_000  # filtered at a time: 100 MB, and a few times that while it is filtered
MISSING = -32768
MAX_INT16 = 32767
MIN_RESOLUTION, MAX_RESOLUTION = 0.001, 0.5  # µV of one unit; values beyond 16 mV are clipped

Integers = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """A page to compute.

    Attributes
    ----------
    start, duration
        Start in s on the clock of the recording, and length in s.
    width
        Columns of device pixels.
    montage
        One of `bids_dl.annotate.viewing.montages.MONTAGES`.
    low, high, notch
        Filters in Hz, None for none.
    """

    start: float
    duration: float
    width: int
    montage: str = "recorded"
    low: float | None = None
    high: float | None = None
    notch: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A page as it is drawn.

    Attributes
    ----------
    start, duration
        Start and length in s.
    names, groups, kinds, bads
        Name, group, MNE's type and bad flag of each trace.
    channels
        Names of the recorded channels that each trace is of, without those of an average.
    minima, maxima
        int16 (n_traces, n_columns), times ``resolution`` µV. `MISSING` where no sample exists.
    resolution
        µV of one unit.
    offsets
        µV that were subtracted from each trace: its median column without a low filter, else 0.
    is_line
        True if there are fewer samples than columns. Minima and maxima are then the samples.
    first_time, column_seconds
        Time in s of the first column or sample, and from one to the next.
    low, high, notch
        Filters in Hz as applied, None for none.
    """

    start: float
    duration: float
    names: tuple[str, ...]
    groups: tuple[str, ...]
    kinds: tuple[str, ...]
    bads: tuple[bool, ...]
    channels: tuple[tuple[str, ...], ...]
    minima: Integers
    maxima: Integers
    resolution: float
    offsets: tuple[float, ...]
    is_line: bool
    first_time: float
    column_seconds: float
    low: float | None
    high: float | None
    notch: float | None


def compute_view(signals: Signals, key: RecordingKey, request: ViewRequest) -> View:
    """Compute a page from the samples of a recording.

    Filters start anew at boundaries and gaps. With filters, signal beyond the page is read too:
    2 s, or two periods of the slowest filter if that is more, at most 30 s. Without a low filter
    the median column of each trace is subtracted, because offsets of electrodes would push traces
    off the page.

    Parameters
    ----------
    signals
        Samples of the recordings.
    key
        Dataset and BIDS path of the recording.
    request
        The page.

    Raises
    ------
    ValueError
        A number is out of its bounds, or the recording does not allow the montage or a filter.
    RecordingError
        The recording is missing, damaged, another one than that of the pool, or has no channel in
        volts.

    Examples
    --------
    >>> from bids_dl import demo, source
    >>> from bids_dl.annotate.viewing.source_signals import SourceRecording, SourceSignals
    >>> from bids_dl.config.stages import SourceConfig
    >>> dataset = source.open_dataset(str(demo.sample_folder()))
    >>> recording = source.find_recordings(dataset, SourceConfig())[0]
    >>> key = (recording.dataset, recording.path)
    >>> request = ViewRequest(start=0.0, duration=10.0, width=1000, low=1.0, high=70.0)
    >>> with SourceSignals({key: SourceRecording(dataset, recording)}) as signals:
    ...     view = compute_view(signals, key, request)
    >>> view.names[:3], view.minima.shape, view.is_line
    (('Fp1', 'Fp2', 'F7'), (24, 1000), False)
    """
    header = signals.header(key)
    if not header.channels:
        raise RecordingError("channels", f"{'/'.join(key)}: no channel is in volts")
    check_request(request, header)
    montage = make_montage(header.channels, request.montage)
    page_filter = choose_filters(
        header.sfreq, low=request.low, high=request.high, notch=request.notch
    )
    reader = TraceReader(signals, key, header, montage)
    if page_filter.is_off:
        grid, columns = _compute_unfiltered(reader, request)
    elif page_filter.high is None and _removed_factor(page_filter, header) >= MIN_FACTOR:
        grid, columns = _compute_subtracted(reader, request, page_filter)
    else:
        grid, columns = _compute_filtered(reader, request, page_filter)
    return _make_view(reader, request, page_filter, grid, columns)


def check_request(request: ViewRequest, header: SignalHeader) -> None:
    """Check the numbers of a page.

    Raises
    ------
    ValueError
        The start is outside of the recording, or length or width are out of their bounds.

    Examples
    --------
    >>> check_request(ViewRequest(70.0, 10.0, 800), SignalHeader(160.0, 61.0, ()))
    Traceback (most recent call last):
    ...
    ValueError: start of 70 s; it must be from 0 to below 61 s
    """
    if not 0 <= request.start < header.seconds:
        raise ValueError(
            f"start of {request.start:g} s; it must be from 0 to below {header.seconds:g} s"
        )
    if not MIN_SECONDS <= request.duration <= MAX_SECONDS:
        raise ValueError(
            f"duration of {request.duration:g} s; "
            f"it must be from {MIN_SECONDS:g} to {MAX_SECONDS:g} s"
        )
    if not (1 <= request.width <= MAX_WIDTH and request.width == int(request.width)):
        raise ValueError(f"width of {request.width}; it must be a number from 1 to {MAX_WIDTH}")


def _grid(reader: TraceReader, request: ViewRequest, factor: int = 1) -> PageGrid:
    """Return the columns of a page at the rate of the recording divided by a factor."""
    rate = reader.header.sfreq / factor
    n_times = -(-reader.header.n_times // factor)
    return PageGrid(request.start, request.duration, int(request.width), rate, n_times)


def _compute_unfiltered(reader: TraceReader, request: ViewRequest) -> tuple[PageGrid, ColumnRange]:
    grid = _grid(reader, request)
    envelope = Envelope(grid, reader.n_traces)
    for start, traces in reader.blocks(*grid.span):
        envelope.add(start, traces)
    return grid, envelope.finish()


def _compute_filtered(
    reader: TraceReader, request: ViewRequest, page_filter: PageFilter
) -> tuple[PageGrid, ColumnRange]:
    """Filter the decimated traces, and compute the envelope of what remains."""
    factor = _filtered_factor(page_filter, request, reader.header)
    grid = _grid(reader, request, factor)
    envelope = Envelope(grid, reader.n_traces)
    first, last = grid.span
    n_rows = max(MAX_VALUES // reader.n_traces, 1)
    for start in range(first, last, n_rows):
        stop = min(start + n_rows, last)
        span = (start * factor, (stop - 1) * factor + 1)
        for _, row, traces in _filter_segments(reader, page_filter, span, factor, removed=False):
            skipped = max(start - row, 0)
            envelope.add(row + skipped, traces[:, skipped : max(stop - row, 0)])
    return grid, envelope.finish()


def _compute_subtracted(
    reader: TraceReader, request: ViewRequest, page_filter: PageFilter
) -> tuple[PageGrid, ColumnRange]:
    """Subtract what low filter and notch remove, which is slow, from traces at the full rate."""
    factor = _removed_factor(page_filter, reader.header)
    grid = _grid(reader, request)
    envelope = Envelope(grid, reader.n_traces)
    segments = list(_filter_segments(reader, page_filter, grid.span, factor, removed=True))
    if any(_has_gaps(removed) for _, _, removed in segments):
        return _compute_filtered(reader, request, page_filter)  # each run by itself
    for (start, stop), row, removed in segments:
        for first, traces in reader.blocks(max(start, grid.span[0]), min(stop, grid.span[1])):
            span = (first, first + traces.shape[1])
            envelope.add(first, traces - interpolate(removed, row, factor, span))
    return grid, envelope.finish()


def _filter_segments(
    reader: TraceReader,
    page_filter: PageFilter,
    span: tuple[int, int],
    factor: int,
    *,
    removed: bool,
) -> Iterator[tuple[tuple[int, int], int, Samples]]:
    """Filter the decimated traces of each segment that a span of samples is in.

    Yields
    ------
    segment : tuple of int
        Samples of the recording that were filtered together, with the margins.
    first : int
        Number of the first decimated sample.
    traces : ndarray
        Filtered traces, or what the filters remove, (n_traces, n_decimated).
    """
    margin = math.ceil(page_filter.margin * reader.header.sfreq) + REACH * factor
    start, stop = (span[0] - margin) // factor * factor, span[1] + margin
    rate = reader.header.sfreq / factor
    for segment in reader.segments(start, stop):
        if segment[0] >= span[1] or segment[1] <= span[0]:
            continue
        has_edge = segment != (start, stop)  # of the recording or at a boundary
        n_mirrored = margin if has_edge else REACH * factor
        first, traces = reader.read_segment(*segment, factor=factor, n_mirrored=n_mirrored)
        filtered = filter_runs(traces, page_filter, rate, removed=removed)
        if not removed:  # what is mirrored is needed to interpolate only
            first_row, stop_row = (-(-sample // factor) for sample in segment)
            filtered = filtered[:, first_row - first : stop_row - first]
            first = first_row
        yield segment, first, filtered


def _filtered_factor(page_filter: PageFilter, request: ViewRequest, header: SignalHeader) -> int:
    """Return the factor by which a page is decimated before the filters, 1 for no decimation."""
    if page_filter.high is None:
        return 1
    frequency = max(page_filter.high, page_filter.notch or 0.0)
    rate = SAMPLES_PER_COLUMN * request.width / request.duration
    rate = min(max(rate, RATE_OVER_HIGH * frequency), MAX_RATE_OVER_HIGH * frequency)
    factor = min(int(page_filter.sfreq / max(rate, MIN_RATE)), header.n_times // MIN_DECIMATED)
    return factor if factor >= 2 else 1


def _removed_factor(page_filter: PageFilter, header: SignalHeader) -> int:
    """Return the factor by which the part is decimated that low filter and notch remove."""
    frequency = max(page_filter.low or 0.0, page_filter.notch or 0.0)
    factor = int(page_filter.sfreq / max(RATE_OVER_REMOVED * frequency, MIN_RATE))
    return min(factor, header.n_times // MIN_DECIMATED)


def _has_gaps(traces: Samples) -> bool:
    """Return whether a trace misses some samples and has others."""
    is_missing = np.isnan(traces)
    return bool((is_missing.any(axis=1) & ~is_missing.all(axis=1)).any())


def _make_view(
    reader: TraceReader,
    request: ViewRequest,
    page_filter: PageFilter,
    grid: PageGrid,
    columns: ColumnRange,
) -> View:
    """Subtract offsets and quantize."""
    offsets = np.zeros(reader.n_traces)
    if page_filter.low is None:
        offsets = _median_columns(columns)
    minima = columns.minima - offsets[:, None]
    maxima = columns.maxima - offsets[:, None]
    largest = max(_largest(minima), _largest(maxima))
    resolution = min(max(largest / MAX_INT16, MIN_RESOLUTION), MAX_RESOLUTION)
    traces = reader.montage.traces
    return View(
        start=float(request.start),
        duration=float(request.duration),
        names=tuple(trace.name for trace in traces),
        groups=tuple(trace.group for trace in traces),
        kinds=tuple(trace.kind for trace in traces),
        bads=tuple(trace.is_bad for trace in traces),
        channels=tuple(trace.channels for trace in traces),
        minima=_quantize(minima, resolution),
        maxima=_quantize(maxima, resolution),
        resolution=resolution,
        offsets=tuple(offsets.tolist()),
        is_line=grid.is_line,
        first_time=grid.first_time,
        column_seconds=grid.column_seconds,
        low=page_filter.low,
        high=page_filter.high,
        notch=page_filter.notch,
    )


def _median_columns(columns: ColumnRange) -> npt.NDArray[np.float64]:
    """Return the median over columns of their middles, 0 for a trace without samples."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        medians = np.nanmedian((columns.minima + columns.maxima) / 2, axis=1)
    return np.nan_to_num(medians)


def _largest(values: Samples) -> float:
    """Return the largest absolute value, 0 if there is none."""
    return float(np.max(np.abs(values), initial=0.0, where=~np.isnan(values)))


def _quantize(values: Samples, resolution: float) -> Integers:
    """Return int16 of a resolution, and `MISSING` for NaN."""
    units = np.clip(np.rint(values / resolution), -MAX_INT16, MAX_INT16)
    return np.where(np.isnan(units), MISSING, units).astype(np.int16)
