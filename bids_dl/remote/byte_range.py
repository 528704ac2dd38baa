"""One byte range of one object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range of one object.

    Parameters
    ----------
    name
        The object, relative to the store.
    start
        First byte; negative counts from the object's end.
    size
        Bytes.
    """

    name: str
    start: int
    size: int

    @property
    def end(self) -> int | None:
        """First byte after the range, None where that is the object's end."""
        return self.start + self.size or None if self.start < 0 else self.start + self.size
