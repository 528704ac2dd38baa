"""Byte ranges of objects on disk."""

from __future__ import annotations

import os
from io import FileIO

import numpy as np

from bids_dl.input import open_regular
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.location import Location


def read_local(location: Location, byte_range: ByteRange) -> Bytes | Exception:
    """Read a range of an object on disk, or return the exception it fails with."""
    content = np.empty(byte_range.size, np.uint8)
    try:
        with open_regular(location.path(byte_range.name)) as file:
            start = byte_range.start
            if start < 0:
                start = max(0, file.seek(0, os.SEEK_END) + start)
            file.seek(start)
            _fill(file, content)
    except (OSError, EOFError) as error:
        return error
    return content


def _fill(file: FileIO, content: Bytes) -> None:
    """Fill an array with the next bytes of a file.

    Raises
    ------
    EOFError
        The file ends before.
    """
    while len(content):
        count = file.readinto(content.data)
        if not count:
            raise EOFError("ends early")
        content = content[count:]
