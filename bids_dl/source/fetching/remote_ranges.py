"""Byte ranges of the samples that windows are cut from, in files whose layout is known.

A file in which only these ranges are filled gives the same samples as the whole file, for the
formats that `find_layout` knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bids_dl.datamodel import Header, Recording
from bids_dl.remote.caching.partial_file import Interval
from bids_dl.source.dataset import Dataset
from bids_dl.source.formats import brainvision, edf
from bids_dl.source.formats.inspect import EDF_EXTENSIONS, companion_files, signal_extension
from bids_dl.source.formats.mat5 import find_samples

FDT_SAMPLE_BYTES = 4  # float32
MIN_GAP_BYTES = 1_000_000  # a shorter gap between two ranges is fetched too


@dataclass(frozen=True, slots=True)
class SampleLayout:
    """Position of the samples in a file.

    Attributes
    ----------
    file
        Path relative to the dataset.
    n_bytes
        Size of the file.
    start
        First byte of the samples.
    record_bytes, record_samples
        Size of a record, and the samples of a channel that it holds. Records are contiguous.
    n_records
        Number of records.
    n_planes
        Number of copies of this structure that follow one another: 1, or the number of channels
        if all samples of one channel are contiguous.
    others
        Byte ranges that are read beside samples, such as a header.
    """

    file: str
    n_bytes: int
    start: int
    record_bytes: int
    record_samples: int
    n_records: int
    n_planes: int = 1
    others: tuple[Interval, ...] = ()

    @property
    def n_times(self) -> int:
        """Samples of a channel."""
        return self.record_samples * self.n_records

    @property
    def plane_bytes(self) -> int:
        """Bytes of the samples of one plane."""
        return self.record_bytes * self.n_records

    def ranges(self, spans: Iterable[tuple[int, int]]) -> list[Interval]:
        """Return the byte ranges to fetch for spans of samples.

        Parameters
        ----------
        spans
            (start, stop) in samples of the recording.

        Examples
        --------
        >>> header = ((0, 256),)
        >>> layout = SampleLayout("a.edf", 10_000_256, 256, 1000, 100, 10_000, others=header)
        >>> layout.ranges([(0, 150), (900_000, 900_001)])
        [(0, 2256), (9000256, 9001256)]
        """
        needed = list(self.others)
        for start, stop in spans:
            first = start // self.record_samples
            last = min(self.n_records, -(-stop // self.record_samples))
            for plane in range(self.n_planes):
                offset = self.start + plane * self.plane_bytes
                needed.append(
                    (offset + first * self.record_bytes, offset + last * self.record_bytes)
                )
        return join_ranges(needed, MIN_GAP_BYTES)


def join_ranges(ranges: Iterable[Interval], min_gap: int) -> list[Interval]:
    """Sort ranges, and join those with less than ``min_gap`` bytes between them.

    Examples
    --------
    >>> join_ranges([(20, 30), (0, 10), (5, 5)], 5)
    [(0, 10), (20, 30)]
    """
    joined: list[Interval] = []
    for start, stop in sorted(ranges):
        if stop <= start:
            continue
        if joined and start - joined[-1][1] < min_gap:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def find_layout(dataset: Dataset, recording: Recording, header: Header) -> SampleLayout | None:
    """Find the position of the samples of a recording whose header is available.

    Parameters
    ----------
    dataset
        Result of `fetch_header`.
    header
        Header of the recording.

    Returns
    -------
    SampleLayout or None
        None if a file in which only some samples are filled would not give the same samples:
        compressed files, other formats, and EDF+, whose annotations are in all records.
    """
    signal = str(recording.signal)
    extension = signal_extension(signal)
    layout = None
    if extension in EDF_EXTENSIONS:
        layout = _layout_of_edf(dataset, signal, header)
    elif extension == ".vhdr":
        layout = _layout_of_brainvision(dataset, recording)
    elif extension == ".set":
        layout = _layout_of_set(dataset, recording, header.n_times)
    return layout if layout is not None and layout.n_times == header.n_times else None


def _layout_of_edf(dataset: Dataset, signal: str, header: Header) -> SampleLayout | None:
    """Return the layout of a file without annotations whose size is that of its header."""
    path = dataset.path(signal)
    n_bytes = path.stat().st_size
    file_header = edf.read_edf_header(path)
    n_records = file_header.n_records
    stated_bytes = file_header.header_bytes + n_records * file_header.record_bytes
    if file_header.has_onsets or n_records < 1 or n_bytes != stated_bytes:
        return None
    record_samples = header.n_times // n_records
    if record_samples not in {item.n_samples for item in file_header.recorded}:
        return None
    return SampleLayout(
        signal,
        n_bytes,
        file_header.header_bytes,
        file_header.record_bytes,
        record_samples,
        n_records,
        others=((0, file_header.header_bytes),),
    )


def _layout_of_brainvision(dataset: Dataset, recording: Recording) -> SampleLayout | None:
    """Return the layout of binary samples whose number is that of the header."""
    header = brainvision.read_vhdr(dataset.path(str(recording.signal)))
    file = companion_files(dataset, recording)[header.data_file]
    n_bytes = dataset.path(file).stat().st_size
    frame_bytes = header.sample_bytes * header.n_chans
    if not frame_bytes or n_bytes % frame_bytes:
        return None
    n_times = n_bytes // frame_bytes
    if header.n_times not in {0, n_times}:
        return None
    if header.is_vectorized:
        return SampleLayout(
            file, n_bytes, 0, header.sample_bytes, 1, n_times, n_planes=header.n_chans
        )
    return SampleLayout(file, n_bytes, 0, frame_bytes, 1, n_times)


def _layout_of_set(dataset: Dataset, recording: Recording, n_times: int) -> SampleLayout | None:
    """Return the layout of the samples in a .set file, or of those in its .fdt file."""
    signal = str(recording.signal)
    path = dataset.path(signal)
    with path.open("rb") as opened:
        block = find_samples(opened)
    files = list(companion_files(dataset, recording).values())
    if block is not None and not files:
        n_bytes = path.stat().st_size
        frame_bytes = block.sample_bytes * block.n_chans
        others = tuple(block.other_ranges(n_bytes))
        return SampleLayout(
            signal, n_bytes, block.start, frame_bytes, 1, block.n_times, others=others
        )
    if block is None and len(files) == 1:
        n_bytes = dataset.path(files[0]).stat().st_size
        frame_bytes, rest = divmod(n_bytes, n_times)
        if not rest and not frame_bytes % FDT_SAMPLE_BYTES:
            return SampleLayout(files[0], n_bytes, 0, frame_bytes, 1, n_times)
    return None  # compressed, or not certain which of two files holds the samples
