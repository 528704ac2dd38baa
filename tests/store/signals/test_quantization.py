"""Quantization to int16: the choice of the resolution, its error, and stores of int16."""

from __future__ import annotations

import math
from pathlib import Path

import numcodecs.blosc
import numpy as np
import pytest
import xarray
from conversions import contents, convert
from hypothesis import given
from hypothesis import strategies as st

import bids_dl
from bids_dl.config.stages import StoreConfig
from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import Column
from bids_dl.store.signals.quantization import (
    MAX_INT16,
    MIN_INTEGERS_PER_STD,
    MagnitudeHistogram,
    Quantizer,
    choose_resolution,
    dequantize,
)


def histogram_of(signals: np.ndarray) -> MagnitudeHistogram:
    histogram = MagnitudeHistogram.empty()
    histogram.add(signals.astype(np.float32))
    return histogram


@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_no_sample_inside_the_range_changes_by_more_than_half_the_resolution(deviation, seed):
    noise = np.random.default_rng(seed).standard_normal((4, 3, 50))
    signals = (noise * deviation).astype(np.float32)
    resolution = choose_resolution(histogram_of(signals), [float(signals.std())])
    quantizer = Quantizer(resolution)
    restored = dequantize(quantizer(signals), resolution)
    error = np.abs(restored.astype(float) - signals).max()
    assert quantizer.clipped == 0
    assert error == pytest.approx(quantizer.largest_error, rel=1e-6)
    assert quantizer.largest_error <= resolution / 2
    assert quantizer.peak == np.abs(signals).max()
    assert deviation / 300 < resolution < deviation / 90


@given(st.integers(-20, 20), st.integers(-MAX_INT16, MAX_INT16))
def test_dequantized_integers_are_quantized_to_the_same_integers(exponent, integer):
    integers = np.array([[integer]], np.int16)
    values = dequantize(integers, 2.0**exponent)
    assert float(values[0, 0]) == integer * 2.0**exponent
    np.testing.assert_array_equal(Quantizer(2.0**exponent)(values), integers)


@given(st.integers(-10, 20))
def test_the_histogram_counts_the_samples_beyond_a_range(exponent):
    signals = (2.0 ** np.arange(-20, 36)).astype(np.float32)
    n_beyond = np.count_nonzero(signals >= 2.0 ** (exponent + 15))
    assert histogram_of(signals).count_clipped(exponent) == n_beyond


def test_a_few_artefacts_are_clipped_and_counted_but_do_not_change_the_resolution():
    signals = np.random.default_rng(0).normal(0, 10, (100, 10, 1000)).astype(np.float32)
    before = choose_resolution(histogram_of(signals), [10.0])
    limit = MAX_INT16 * before
    signals[3, 4, 5:10] = [1e6, -1e6, np.float32(limit), 2e6, 40000 * before]
    resolution = choose_resolution(histogram_of(signals), [10.0])
    quantizer = Quantizer(resolution)
    restored = dequantize(quantizer(signals), resolution)
    assert resolution == before
    assert (quantizer.clipped, quantizer.peak) == (4, 2e6)
    assert restored[3, 4, 5:10].tolist() == [limit, -limit, limit, limit, limit]
    assert quantizer.largest_error <= resolution / 2


def test_artefacts_in_many_samples_are_refused():
    signals = np.random.default_rng(0).normal(0, 10, (100, 1000)).astype(np.float32)
    signals[:, ::100] = 1e6
    message = (
        r"--dtype int16: the largest samples need a resolution of 32 uV, .* "
        r"deviation of 10 uV; use --dtype float32"
    )
    with pytest.raises(StoreError, match=message):
        choose_resolution(histogram_of(signals), [10.0])


def test_the_resolution_is_never_coarser_than_the_typical_channel_allows():
    signals = np.random.default_rng(0).normal(0, 1, (10, 1000)).astype(np.float32)
    for largest in (10, 100, 1000):
        signals[:, 0] = largest
        assert choose_resolution(histogram_of(signals), [1.0]) <= 1 / MIN_INTEGERS_PER_STD


def test_constant_samples_have_no_resolution():
    with pytest.raises(StoreError, match="all samples are constant"):
        choose_resolution(histogram_of(np.ones((3, 4))), [0.0, 0.0])


def write(path: Path, *, n_batches: int = 1) -> tuple[np.ndarray, float]:
    """Write a store of int16, and return the signals before quantization and the resolution."""
    resolution = 0.125
    signals = np.random.default_rng(0).normal(0, 20, (37, 3, 50)).astype(np.float32)
    integers = Quantizer(resolution)(signals)
    store = writer.StoreWriter.create(Location(str(path)), "a plan")
    writer.write_signals(
        store,
        integers.shape,
        iter(np.array_split(integers, n_batches)),
        StoreConfig(chunk_bytes=1500, shard_bytes=4500),
        resolution=resolution,
        on_progress=lambda _: None,
    )
    writer.write_column(store, Column("label", writer.text_array(["a"] * 37)))
    writer.finish(store, {"sfreq": 100.0, "classes": {"label": ["a"]}}, ["signals", "label"], {})
    return signals, resolution


def test_int16_is_read_as_microvolts_by_the_store_and_by_xarray(tmp_path):
    signals, resolution = write(tmp_path / "i.zarr")
    read = open_store(str(tmp_path / "i.zarr")).read("signals")
    assert read.dtype == np.float32
    assert np.abs(read - signals).max() <= resolution / 2
    decoded = xarray.open_zarr(tmp_path / "i.zarr")["signals"]
    assert np.count_nonzero(read == 0) > 5  # xarray must not take 0 for a missing sample
    np.testing.assert_array_equal(decoded.values, read)


def test_the_bytes_are_those_of_blosc_with_one_thread_whatever_the_batches(tmp_path):
    signals, resolution = write(tmp_path / "a.zarr")
    write(tmp_path / "b.zarr", n_batches=11)
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")
    metadata = open_store(str(tmp_path / "a.zarr")).metadata("signals")
    sharding = metadata["codecs"][0]["configuration"]
    integers = Quantizer(resolution)(signals)[: sharding["chunk_shape"][0]]
    numcodecs.blosc.set_nthreads(1)
    chunk = np.ascontiguousarray(integers)
    encoded = numcodecs.blosc.compress(chunk, b"lz4", 5, numcodecs.blosc.BITSHUFFLE)
    assert (tmp_path / "a.zarr/signals/c/0/0/0").read_bytes().startswith(encoded)
    assert [codec["name"] for codec in sharding["codecs"]] == ["bytes", "blosc", "crc32c"]


@pytest.fixture(scope="module")
def int16_store(eegbci, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("int16") / "eyes.zarr"
    convert(eegbci, path, dtype="int16")
    return path


def signal_bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in (store / "signals").rglob("*") if path.is_file())


def test_a_real_store_of_int16_is_a_third_as_large_and_states_its_error(int16_store, eyes_store):
    small = open_store(str(int16_store))
    large = open_store(str(eyes_store))
    rounding = small.attributes["rounding"]
    exact = large.read("signals")
    error = np.abs(small.read("signals").astype(float) - exact)
    assert error.max() == pytest.approx(rounding["largest_error"])
    assert rounding["largest_error"] <= rounding["step"] / 2
    assert rounding["clipped"] == 0
    assert rounding["peak"] == np.abs(exact).max()
    assert math.log2(rounding["step"]).is_integer()
    assert rounding["step"] < np.median(large.read("recording_std")) / 100
    assert signal_bytes(int16_store) < 0.36 * signal_bytes(eyes_store)
    card = (int16_store / "README.md").read_text()
    assert "int16 with a resolution of 0.125 microvolts" in card
    assert "Quantization changed no sample by more than 0.0625 microvolts" in card


def test_streams_of_int16_return_microvolts(int16_store):
    stored = open_store(str(int16_store)).read("signals")
    for batch in bids_dl.StreamingDataset(str(int16_store), batch_size=64):
        np.testing.assert_array_equal(batch.signals.numpy(), stored[batch.index.numpy()])
