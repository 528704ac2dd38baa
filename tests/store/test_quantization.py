from __future__ import annotations

import math

import numcodecs.blosc
import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

import bids_dl
from bids_dl.config.stages import StoreConfig
from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.quantization import (
    COARSEST,
    LARGEST,
    MagnitudeHistogram,
    Quantizer,
    choose_resolution,
    decode,
)

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


def magnitudes(signals: np.ndarray) -> MagnitudeHistogram:
    found = MagnitudeHistogram.none()
    found.add(signals.astype(np.float32))
    return found


@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_no_sample_inside_the_range_is_changed_by_more_than_half_a_step(deviation, seed):
    signals = (np.random.default_rng(seed).standard_normal((4, 3, 50)) * deviation).astype(
        np.float32
    )
    step = choose_resolution(magnitudes(signals), [float(signals.std())])
    coder = Quantizer(step)
    back = decode(coder(signals), step)
    assert coder.clipped == 0
    assert np.abs(back.astype(float) - signals).max() == pytest.approx(
        coder.largest_error, rel=1e-6
    )
    assert coder.largest_error <= step / 2
    assert coder.peak == np.abs(signals).max()
    assert deviation / 300 < step < deviation / 90


@given(st.integers(-20, 20), st.integers(-LARGEST, LARGEST))
def test_a_step_is_a_power_of_two_so_that_what_is_decoded_is_coded_the_same_again(exponent, code):
    codes = np.array([[code]], np.int16)
    values = decode(codes, 2.0**exponent)
    assert float(values[0, 0]) == code * 2.0**exponent
    np.testing.assert_array_equal(Quantizer(2.0**exponent)(values), codes)


@given(st.integers(-10, 20))
def test_magnitudes_count_the_samples_beyond_a_range(exponent):
    signals = (2.0 ** np.arange(-20, 36)).astype(np.float32)
    assert magnitudes(signals).clipped(exponent) == np.count_nonzero(
        signals >= 2.0 ** (exponent + 15)
    )


def test_a_few_artefacts_are_clipped_and_counted_but_do_not_coarsen_the_step():
    signals = np.random.default_rng(0).normal(0, 10, (100, 10, 1000)).astype(np.float32)
    quiet = choose_resolution(magnitudes(signals), [10.0])
    signals[3, 4, 5:10] = 1e6, -1e6, np.float32(LARGEST * quiet), 2e6, 40000 * quiet
    step = choose_resolution(magnitudes(signals), [10.0])
    coder = Quantizer(step)
    back = decode(coder(signals), step)
    assert step == quiet
    assert (coder.clipped, coder.peak) == (4, 2e6)
    assert back[3, 4, 5:10].tolist() == [
        LARGEST * step,
        -LARGEST * step,
        LARGEST * step,
        LARGEST * step,
        LARGEST * step,
    ]
    assert coder.largest_error <= step / 2


def test_artefacts_in_many_samples_are_refused_rather_than_clipped_or_rounded_away():
    signals = np.random.default_rng(0).normal(0, 10, (100, 1000)).astype(np.float32)
    signals[:, ::100] = 1e6
    with pytest.raises(
        StoreError,
        match=r"--dtype int16: steps of 32 uV would be needed .* 10 uV; take --dtype float32",
    ):
        choose_resolution(magnitudes(signals), [10.0])


def test_a_step_is_never_coarser_than_the_typical_channel_allows():
    signals = np.random.default_rng(0).normal(0, 1, (10, 1000)).astype(np.float32)
    for largest in (10, 100, 1000):
        signals[:, 0] = largest
        assert choose_resolution(magnitudes(signals), [1.0]) <= 1 / COARSEST


def test_constant_samples_have_no_step():
    with pytest.raises(StoreError, match="all samples are constant"):
        choose_resolution(magnitudes(np.ones((3, 4))), [0.0, 0.0])


def write(path, *, pieces: int = 1) -> tuple[np.ndarray, float]:
    signals, step = np.random.default_rng(0).normal(0, 20, (37, 3, 50)).astype(np.float32), 0.125
    codes = Quantizer(step)(signals)
    draft = writer.begin(Location(str(path)), "a plan")
    config = StoreConfig(chunk_bytes=1500, shard_bytes=4500)
    writer.write_signals(
        draft,
        codes.shape,
        iter(np.array_split(codes, pieces)),
        config,
        step=step,
        say=lambda _: None,
    )
    writer.write_column(draft, writer.Column("label", writer.text(["a"] * 37)))
    writer.finish(draft, {"sfreq": 100.0, "classes": {"label": ["a"]}}, ["signals", "label"], {})
    return signals, step


def test_whole_numbers_are_read_as_microvolts_by_the_store_and_by_xarray(tmp_path):
    signals, step = write(tmp_path / "i.zarr")
    read = open_store(str(tmp_path / "i.zarr")).read("signals")
    assert read.dtype == np.float32
    assert np.abs(read - signals).max() <= step / 2
    decoded = xarray.open_zarr(tmp_path / "i.zarr")["signals"]
    assert np.count_nonzero(read == 0) > 5  # 0 is a sample, not a missing one
    np.testing.assert_array_equal(decoded.values, read)


def test_the_bytes_are_those_of_blosc_with_one_thread_however_the_windows_came(tmp_path):
    signals, step = write(tmp_path / "a.zarr")
    write(tmp_path / "b.zarr", pieces=11)
    a, b = (
        sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        for name in ("a.zarr", "b.zarr")
    )
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]
    inner = open_store(str(tmp_path / "a.zarr")).metadata("signals")["codecs"][0]["configuration"]
    first = np.ascontiguousarray(Quantizer(step)(signals)[: inner["chunk_shape"][0]])
    numcodecs.blosc.set_nthreads(1)
    encoded = numcodecs.blosc.compress(first, b"lz4", 5, numcodecs.blosc.BITSHUFFLE)
    assert (tmp_path / "a.zarr/signals/c/0/0/0").read_bytes().startswith(encoded)
    assert [codec["name"] for codec in inner["codecs"]] == ["bytes", "blosc", "crc32c"]


@pytest.fixture(scope="module")
def whole_numbers(eegbci, tmp_path_factory):
    path = tmp_path_factory.mktemp("codes") / "eyes.zarr"
    bids_dl.convert(str(eegbci), str(path), hed=QUERIES, window=2, stride=2, jobs=2, dtype="int16")
    return path


def test_a_real_store_of_whole_numbers_is_a_third_as_large_and_says_what_it_lost(
    whole_numbers, eyes_store
):
    small, large = open_store(str(whole_numbers)), open_store(str(eyes_store))
    said, exact = small.attributes["rounding"], large.read("signals")
    apart = np.abs(small.read("signals").astype(float) - exact)
    assert apart.max() == pytest.approx(said["largest_error"])
    assert said["largest_error"] <= said["step"] / 2
    assert said["clipped"] == 0
    assert said["peak"] == np.abs(exact).max()
    assert math.log2(said["step"]).is_integer()
    assert said["step"] < np.median(large.read("recording_std")) / 100
    sizes = [
        sum(path.stat().st_size for path in (url / "signals").rglob("*") if path.is_file())
        for url in (whole_numbers, eyes_store)
    ]
    assert sizes[0] < 0.36 * sizes[1]
    assert "int16 in steps of 0.125 microvolts" in (whole_numbers / "README.md").read_text()


def test_streams_of_whole_numbers_give_microvolts(whole_numbers):
    stored = open_store(str(whole_numbers)).read("signals")
    stream = bids_dl.StreamingDataset(str(whole_numbers), batch_size=64)
    for batch in stream:
        np.testing.assert_array_equal(batch.signals.numpy(), stored[batch.index.numpy()])
