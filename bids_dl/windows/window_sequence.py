"""Windows as columns: a plan may have millions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Block, Window

ITERATED_WINDOWS = 10_000  # that are objects at a time
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class WindowSequence(Sequence[Window]):
    """Windows as columns. An item is a `Window`.

    Attributes
    ----------
    recordings, labels
        Recording keys and labels that the codes are indices into.
    recording_codes, label_codes, blocks, starts, anchors
        (n_windows,) columns of int64.
    onsets
        (n_windows,) in s, float64.

    Examples
    --------
    >>> blocks = [Block("ds/sub-1", 0, "rest", 0.0, 4.0), Block("ds/sub-2", 1, "rest", 1.0, 3.0)]
    >>> onsets = np.array([0.0, 2.0, 1.0])
    >>> windows = WindowSequence.of_blocks(blocks, [0, 0, 1], onsets, np.array([0, 200, 100]))
    >>> len(windows), windows[-1].recording, [window.start for window in windows[:2]]
    (3, 'ds/sub-2', [0, 200])
    """

    recordings: tuple[str, ...]
    labels: tuple[str, ...]
    recording_codes: Int64
    label_codes: Int64
    blocks: Int64
    onsets: npt.NDArray[np.float64]
    starts: Int64
    anchors: Int64

    @classmethod
    def of_blocks(
        cls,
        blocks: Sequence[Block],
        positions: Sequence[int] | Int64,
        onsets: npt.NDArray[np.float64],
        starts: Int64,
        *,
        anchors: Int64 | None = None,
    ) -> WindowSequence:
        """Build windows of blocks.

        Parameters
        ----------
        blocks
            The blocks.
        positions
            Position in ``blocks`` of the block of each window.
        onsets
            Onset of each window in s.
        starts, anchors
            Samples of each window; without anchors, these are the starts.
        """
        recordings = {block.recording: None for block in blocks}  # an ordered set
        labels = {block.label: None for block in blocks}
        code_of = {key: code for code, key in enumerate(recordings)}
        label_code_of = {label: code for code, label in enumerate(labels)}
        rows = [(code_of[b.recording], label_code_of[b.label], b.index) for b in blocks]
        codes = np.array(rows, dtype=np.int64).reshape(-1, 3)[np.asarray(positions, dtype=np.intp)]
        return cls(
            recordings=tuple(recordings),
            labels=tuple(labels),
            recording_codes=codes[:, 0],
            label_codes=codes[:, 1],
            blocks=codes[:, 2],
            onsets=onsets,
            starts=starts,
            anchors=starts if anchors is None else anchors,
        )

    @classmethod
    def joined(cls, parts: Sequence[WindowSequence]) -> WindowSequence:
        """Join windows in order."""
        code_of: dict[str, int] = {}
        label_code_of: dict[str, int] = {}
        recording_codes = []
        label_codes = []
        for part in parts:
            codes = [code_of.setdefault(key, len(code_of)) for key in part.recordings]
            recording_codes.append(np.array(codes, dtype=np.int64)[part.recording_codes])
            codes = [label_code_of.setdefault(name, len(label_code_of)) for name in part.labels]
            label_codes.append(np.array(codes, dtype=np.int64)[part.label_codes])
        none = np.empty(0, dtype=np.int64)
        return cls(
            recordings=tuple(code_of),
            labels=tuple(label_code_of),
            recording_codes=np.concatenate([none, *recording_codes]),
            label_codes=np.concatenate([none, *label_codes]),
            blocks=np.concatenate([none, *(part.blocks for part in parts)]),
            onsets=np.concatenate([np.empty(0), *(part.onsets for part in parts)]),
            starts=np.concatenate([none, *(part.starts for part in parts)]),
            anchors=np.concatenate([none, *(part.anchors for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.onsets)

    @overload
    def __getitem__(self, index: int) -> Window: ...
    @overload
    def __getitem__(self, index: slice | npt.NDArray[Any]) -> WindowSequence: ...

    def __getitem__(self, index: int | slice | npt.NDArray[Any]) -> Window | WindowSequence:
        if isinstance(index, slice | np.ndarray):
            return WindowSequence(
                self.recordings, self.labels, *(column[index] for column in self._columns)
            )
        recording, label, block, onset, start, anchor = (c[index].item() for c in self._columns)
        return Window(self.recordings[recording], block, onset, start, anchor, self.labels[label])

    def __iter__(self) -> Iterator[Window]:
        for first in range(0, len(self), ITERATED_WINDOWS):
            columns = (c[first : first + ITERATED_WINDOWS].tolist() for c in self._columns)
            for recording, label, block, onset, start, anchor in zip(*columns, strict=True):
                key = self.recordings[recording]
                yield Window(key, block, onset, start, anchor, self.labels[label])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # its arrays can change

    @property
    def _columns(self) -> tuple[npt.NDArray[Any], ...]:
        return (
            self.recording_codes,
            self.label_codes,
            self.blocks,
            self.onsets,
            self.starts,
            self.anchors,
        )

    def without(self, numbers: Collection[int]) -> WindowSequence:
        """Return all windows except those with these numbers."""
        return self[np.delete(np.arange(len(self)), list(numbers))] if numbers else self

    def by_recording(self) -> dict[str, WindowSequence]:
        """Return the windows of each recording that has any, in order."""
        order = np.argsort(self.recording_codes, kind="stable")
        counts = np.bincount(self.recording_codes, minlength=len(self.recordings))
        parts = np.split(order, np.cumsum(counts)[:-1]) if len(self) else []
        pairs = zip(self.recordings, parts, strict=False)
        groups = [(key, part) for key, part in pairs if len(part)]
        groups.sort(key=lambda group: int(group[1][0]))
        return {key: self[_as_slice(part)] for key, part in groups}

    def counts(self) -> Counter[tuple[str, str]]:
        """Count the windows of each recording and label. Pairs without a window are absent."""
        pairs = self.recording_codes * max(1, len(self.labels)) + self.label_codes
        counts: Counter[tuple[str, str]] = Counter()
        for pair, number in zip(*np.unique(pairs, return_counts=True), strict=True):
            recording, label = divmod(int(pair), max(1, len(self.labels)))
            counts[self.recordings[recording], self.labels[label]] = int(number)
        return counts


def _as_slice(numbers: npt.NDArray[np.intp]) -> slice | npt.NDArray[np.intp]:
    """Return consecutive numbers as a slice, which selects without a copy."""
    first, last = int(numbers[0]), int(numbers[-1])
    return slice(first, last + 1) if last - first + 1 == len(numbers) else numbers
