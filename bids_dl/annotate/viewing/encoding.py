"""Encode pages for the browser: a header as JSON, then integers."""

from __future__ import annotations

import json

import numpy as np

from bids_dl.annotate.viewing.view import View

ALIGNMENT = 8  # bytes, so that typed arrays of a browser need no copy
FIELDS = (
    *("start", "duration", "names", "groups", "kinds", "bads", "channels", "resolution"),
    *("offsets", "is_line", "first_time", "column_seconds", "low", "high", "notch"),
)
"""Fields of `View` that the header has under the same names."""


def encode_view(view: View) -> bytes:
    """Encode a page.

    The bytes are the length of the header (uint32), the header (JSON in UTF-8), zeros up to a
    multiple of 8 bytes, and minima and maxima (int16) trace by trace. All are little-endian.

    Parameters
    ----------
    view
        A page.

    Examples
    --------
    >>> view = compute_view(signals, key, ViewRequest(0.0, 10.0, 1000))  # doctest: +SKIP
    >>> encode_view(view)[4:33]  # doctest: +SKIP
    b'{"start":0.0,"duration":10.0,'
    """
    n_traces, n_columns = view.minima.shape
    fields = {name: getattr(view, name) for name in FIELDS}
    fields |= {"n_traces": n_traces, "n_columns": n_columns}
    header = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    padding = bytes(-(4 + len(header)) % ALIGNMENT)
    samples = [np.ascontiguousarray(array, "<i2").tobytes() for array in (view.minima, view.maxima)]
    return b"".join([len(header).to_bytes(4, "little"), header, padding, *samples])
