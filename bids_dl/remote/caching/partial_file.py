"""A file of full size in which only some byte ranges are filled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Interval = tuple[int, int]  # (start, stop) in bytes


@dataclass(frozen=True, slots=True)
class PartialFile:
    """A file of full size in which only some byte ranges are filled.

    Attributes
    ----------
    path
        Path on this machine.
    ranges
        The filled ranges, (start, stop) in bytes, sorted.
    """

    path: Path
    ranges: tuple[Interval, ...]

    @property
    def n_bytes(self) -> int:
        """Number of filled bytes."""
        return sum(stop - start for start, stop in self.ranges)

    def next_filled(self, start: int, stop: int) -> int:
        """Return the first filled byte between ``start`` and ``stop``, else ``stop``."""
        for first, last in self.ranges:
            if last > start:
                return min(stop, max(start, first))
        return stop

    def read(self, start: int, stop: int) -> bytes:
        """Read the bytes from ``start`` that are filled, b"" if the first one is not."""
        for first, last in self.ranges:
            if first <= start < last and self.path.is_file():
                with self.path.open("rb") as file:
                    file.seek(start)
                    return file.read(min(stop, last) - start)
        return b""
