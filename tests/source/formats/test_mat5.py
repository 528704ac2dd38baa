"""Position of the samples in a .set file."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import scipy.io

from bids_dl.source.formats.mat5 import find_samples

SAMPLES = np.arange(12.0).reshape(3, 4)
SINGLE, DOUBLE, INT8, INT32, UINT32, MATRIX = 7, 9, 1, 5, 6, 14
STRUCT_CLASS, DOUBLE_CLASS, SINGLE_CLASS = 2, 6, 7


def saved(content: dict, **options: bool) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, content, **options)
    return file.getvalue()


def samples_at(content: bytes, order: str = "<") -> np.ndarray | None:
    """Return the samples that a file has where they are found."""
    block = find_samples(io.BytesIO(content))
    if block is None:
        return None
    kind = f"{order}f{block.sample_bytes}"
    values = np.frombuffer(content[block.start : block.stop], kind)
    return values.reshape(block.n_chans, block.n_times, order="F")


def element(order: str, kind: int, content: bytes) -> bytes:
    padding = bytes(-len(content) % 8)
    return struct.pack(f"{order}II", kind, len(content)) + content + padding


def array(order: str, name: str, values: np.ndarray) -> bytes:
    """Write an array of MATLAB."""
    is_single = values.dtype == np.float32
    kind = SINGLE if is_single else DOUBLE
    number = SINGLE_CLASS if is_single else DOUBLE_CLASS
    body = element(order, UINT32, struct.pack(f"{order}II", number, 0))
    body += element(order, INT32, struct.pack(f"{order}{values.ndim}i", *values.shape))
    body += element(order, INT8, name.encode())
    body += element(order, kind, values.astype(values.dtype.newbyteorder(order)).tobytes("F"))
    return element(order, MATRIX, body)


def mat_file(order: str, *matrices: bytes) -> bytes:
    mark = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + mark + b"".join(matrices)


def struct_file(order: str, fields: dict[str, np.ndarray]) -> bytes:
    body = element(order, UINT32, struct.pack(f"{order}II", STRUCT_CLASS, 0))
    body += element(order, INT32, struct.pack(f"{order}2i", 1, 1))
    body += element(order, INT8, b"EEG")
    body += struct.pack(f"{order}I", INT32 | 4 << 16) + struct.pack(f"{order}i", 32)
    body += element(order, INT8, b"".join(name.encode().ljust(32, b"\0") for name in fields))
    body += b"".join(array(order, "", values) for values in fields.values())
    return mat_file(order, element(order, MATRIX, body))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("as_struct", [True, False])
def test_samples_that_scipy_wrote_are_found(dtype, as_struct):
    fields = {"setname": "x", "data": SAMPLES.astype(dtype), "times": np.arange(4.0)}
    content = saved({"EEG": fields} if as_struct else fields)
    np.testing.assert_array_equal(samples_at(content), SAMPLES)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_samples_of_both_byte_orders_are_found(order, dtype):
    fields = {"srate": np.ones((1, 1)), "data": SAMPLES.astype(dtype)}
    content = struct_file(order, fields)
    np.testing.assert_array_equal(samples_at(content, order), SAMPLES)
    read = scipy.io.loadmat(io.BytesIO(content))["EEG"]["data"][0, 0]
    np.testing.assert_array_equal(read, SAMPLES)


@pytest.mark.parametrize(
    "content",
    [
        saved({"EEG": {"data": SAMPLES}}, do_compression=True),
        saved({"EEG": {"data": "x.fdt"}}),
        saved({"EEG": {"data": SAMPLES.astype("i2")}}),
        saved({"EEG": {"data": SAMPLES + 1j}}),
        saved({"EEG": {"data": np.zeros((2, 3, 4))}}),
        saved({"EEG": {"data": np.zeros((0, 4))}}),
        saved({"EEG": {"times": SAMPLES}}),
        saved({"EEG": np.array([(SAMPLES,), (SAMPLES,)], dtype=[("data", object)])}),
        saved({"ALLEEG": {"data": SAMPLES}}),
        b"\x89HDF\r\n\x1a\n".ljust(1000),
        b"",
    ],
    ids=[
        *("compressed", "name of a .fdt", "integers", "complex", "epochs"),
        *("empty", "no data"),
        *("two datasets", "another name", "version 7.3", "no content"),
    ],
)
def test_other_files_have_no_known_position(content):
    assert find_samples(io.BytesIO(content)) is None


def test_a_file_that_is_cut_off_or_damaged_never_raises():
    content = saved({"EEG": {"setname": "x", "data": SAMPLES, "times": np.arange(4.0)}})
    whole = find_samples(io.BytesIO(content))
    for size in range(len(content)):
        block = find_samples(io.BytesIO(content[:size]))
        if block is not None:
            assert replace(block, unread=whole.unread) == whole
            assert size >= block.stop
    generator = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(content)
        damaged[generator.integers(128, len(content))] = generator.integers(256)
        block = find_samples(io.BytesIO(bytes(damaged)))
        assert block is None or block.stop <= len(content)


def test_times_and_activations_are_found_and_nothing_else():
    fields = {
        "times": np.arange(4, dtype="i2"),
        "data": SAMPLES,
        "chanlocs": np.array([("Cz",)], dtype=[("labels", object)]),
        "icaact": SAMPLES * 2,
        "event": np.arange(3.0),
    }
    for content in (saved({"EEG": fields}), saved(fields)):
        block = find_samples(io.BytesIO(content))
        arrays = [content[start:stop] for start, stop in block.unread]
        assert arrays == [fields["times"].tobytes(), (SAMPLES * 2).tobytes("F")]
        empty = bytearray(len(content))
        for start, stop in block.other_ranges(len(content)):
            empty[start:stop] = content[start:stop]
        read = scipy.io.loadmat(io.BytesIO(empty), squeeze_me=True)
        read = read["EEG"][()] if "EEG" in read else read
        assert list(read["event"]) == [0, 1, 2]
        assert not read["data"].any()


@pytest.mark.parametrize("times", ["text", np.zeros((0, 0)), np.array([1, "x"], dtype=object)])
def test_times_that_are_no_numbers_are_read(times):
    content = saved({"EEG": {"times": times, "data": SAMPLES}})
    assert find_samples(io.BytesIO(content)).unread == ()


def test_no_sample_is_read():
    class Counting(io.BytesIO):
        n_bytes = 0

        def read(self, size=-1):
            content = super().read(size)
            self.n_bytes += len(content)
            return content

    file = Counting(saved({"EEG": {"data": np.ones((8, 100_000)), "srate": 1.0}}))
    assert find_samples(file).n_times == 100_000
    assert file.n_bytes < 2000
