"""Bytes of a page, read back as a browser reads them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from array_signals import KEY, TEN_TWENTY, ArraySignals

from bids_dl.annotate.viewing import ViewRequest, compute_view, encode_view


def decode(content):
    """Return the header and minima and maxima, (n_traces, n_columns)."""
    length = int.from_bytes(content[:4], "little")
    header = json.loads(content[4 : 4 + length].decode())
    first = -(-(4 + length) // 8) * 8
    assert not any(content[4 + length : first])
    values = np.frombuffer(content, "<i2", offset=first)
    return header, values.reshape(2, header["n_traces"], header["n_columns"])


@pytest.mark.parametrize("width", [1, 7, 1000])
@pytest.mark.parametrize("filters", [{}, {"low": 1.0, "high": 30.0, "notch": 50.0}])
def test_a_page_is_read_back_equal(width, filters):
    rng = np.random.default_rng(0)
    signals = ArraySignals(
        100 * rng.standard_normal((19, 2000)), 200.0, names=TEN_TWENTY, bads=["C3"]
    )
    view = compute_view(signals, KEY, ViewRequest(8.0, 4.0, width, "banana", **filters))
    header, (minima, maxima) = decode(encode_view(view))
    np.testing.assert_array_equal(minima, view.minima)
    np.testing.assert_array_equal(maxima, view.maxima)
    assert header["names"] == list(view.names)
    assert header["groups"] == list(view.groups)
    assert header["bads"] == ["C3" in names for names in view.channels]
    assert header["channels"][0] == ["Fp1", "F7"]
    assert header["is_line"] is view.is_line is (width == 1000)
    for name in ("start", "duration", "resolution", "first_time", "column_seconds"):
        assert header[name] == getattr(view, name)
    assert [header[name] for name in ("low", "high", "notch")] == [
        filters.get(name) for name in ("low", "high", "notch")
    ]


def test_names_in_any_script_are_kept():
    signals = ArraySignals(np.zeros((2, 100)), 100.0, names=["Канал", "</script>\u2028"])
    view = compute_view(signals, KEY, ViewRequest(0.0, 1.0, 10))
    header, _ = decode(encode_view(view))
    assert header["names"] == ["Канал", "</script>\u2028"]
