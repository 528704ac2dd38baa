"""Export to NumPy's ``.npz``: every array of a store by its name, without pickle."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.store import Store
from bids_dl.store.format import SIGNALS

BYTES_AT_ONCE = 64_000_000  # of an array in memory
MAX_ITEM_BYTES = 8  # of a number
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal stores give equal files
ATTRIBUTES = "attributes.json"  # member with the attributes of the store, as UTF-8


def write_npz(store: Store, file: Path) -> None:
    """Write all arrays of a store to a file that `numpy.load` reads.

    Text becomes arrays of fixed length (``<U``), signals float32 in µV. The member
    ``attributes.json`` has the attributes of the store: rate, classes, recipe, licences, ...

    Parameters
    ----------
    store
        Store to read.
    file
        File to write.
    """
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name in store.arrays:
            metadata = store.metadata(name)
            if metadata["data_type"] == "string":
                texts = store.read(name).astype(str)
                _write_array(archive, name, texts.dtype, texts.shape, iter([texts]))
                continue
            dtype = np.float32 if name == SIGNALS else metadata["data_type"]
            _write_array(archive, name, dtype, tuple(metadata["shape"]), _parts(store, name))
        content = json.dumps(dict(store.attributes), ensure_ascii=False, indent=1)
        archive.writestr(zipfile.ZipInfo(ATTRIBUTES, EPOCH), content.encode())


def _parts(store: Store, name: str) -> Iterator[npt.NDArray[Any]]:
    """Yield an array of numbers in parts, along its first dimension."""
    n_rows, *row_shape = store.metadata(name)["shape"]
    step = max(1, BYTES_AT_ONCE // max(1, MAX_ITEM_BYTES * math.prod(row_shape)))
    for start in range(0, n_rows, step):
        yield store.read(name, slice(start, start + step))


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: npt.DTypeLike,
    shape: tuple[int, ...],
    parts: Iterator[npt.NDArray[Any]],
) -> None:
    """Write an array in parts along its first dimension."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    with archive.open(info, "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for part in parts:
            member.write(np.ascontiguousarray(part, dtype).tobytes())
