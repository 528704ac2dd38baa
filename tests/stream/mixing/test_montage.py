"""Stores of several montages in one stream."""

from __future__ import annotations

import pickle
import warnings
from itertools import islice

import fsspec
import montage_stores
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from montage_stores import MontageStore
from scipy.signal import resample_poly
from streams import all_rows, batch_rows
from torch.utils.data import DataLoader

from bids_dl.errors import ConfigError, NoMatchError, StoreError, TargetError
from bids_dl.stream import MontageBatch, StreamingDataset, WindowDataset, to_device

N_WINDOWS = 98  # of the three stores
FIRST_ROWS = (0, 40, 73)


def make_stream(stores, **options) -> StreamingDataset:
    defaults = {"montage": "any", "sfreq": 128, "batch_size": 8, "pool_bytes": 300_000}
    return StreamingDataset(stores, **defaults | options)


def expected_signals(contents) -> list[np.ndarray]:
    """Return the signals of each window at 128 Hz, (n_chans, 64)."""
    windows = []
    for content in contents:
        signals = content.signals
        if content.sfreq != 128:
            ratio = round(content.sfreq) // 128
            signals = resample_poly(signals, 1, ratio, axis=2, padtype="edge")
        windows += list(signals)
    return windows


def check_windows(batches, expected) -> None:
    """Check that batches have the windows of their rows, padded with 0."""
    for batch in batches:
        for window, mask, row in zip(batch.signals, batch.mask, batch.index.tolist(), strict=True):
            n_chans = len(expected[row])
            assert mask.tolist() == [True] * n_chans + [False] * (len(mask) - n_chans)
            np.testing.assert_allclose(window[:n_chans], expected[row], rtol=1e-5, atol=2e-4)
            assert not window[n_chans:].any()


def test_windows_of_every_montage_come_once_with_their_signals_and_positions(stores, contents):
    stream = make_stream(stores)
    assert (stream.n_chans, stream.n_times, stream.sfreq) == (129, 64, 128.0)
    batches = list(stream)
    assert sorted(all_rows(batches)) == list(range(N_WINDOWS))
    check_windows(batches, expected_signals(contents))
    for batch in batches:
        assert isinstance(batch, MontageBatch)
        dtypes = [tensor.dtype for tensor in batch]
        assert dtypes == [torch.float32, torch.int64, torch.int64, torch.float32, torch.bool]
        assert batch.positions.shape == (len(batch.index), 129, 3)
        assert not batch.positions[~batch.mask].any()
        number = np.searchsorted(FIRST_ROWS, batch.index.numpy(), side="right") - 1
        for positions, store in zip(batch.positions, number, strict=True):
            expected = contents[store].positions
            np.testing.assert_allclose(positions[: len(expected)], expected, rtol=1e-6)
        labels = stream.windows.loc[batch.index.numpy(), "label"].tolist()
        assert [stream.classes[i] for i in batch.target] == labels


def test_signals_equal_those_of_a_dataset_of_each_store_exactly(stores):
    datasets = [WindowDataset(store) for store in (stores[0], stores[2])]
    windows = [item.signals for dataset in datasets for item in dataset]
    check = make_stream([stores[0], stores[2]], sfreq=None)
    for batch in check:
        for window, row in zip(batch.signals, batch.index, strict=True):
            assert torch.equal(window[: len(windows[row])], windows[row])


def test_a_batch_mixes_stores_and_keeps_the_order_of_the_plan(stores):
    first = next(iter(make_stream(stores, batch_size=32, pool_bytes=10**8)))
    assert len(set(np.searchsorted(FIRST_ROWS, first.index.numpy(), side="right"))) == 3
    ordered = make_stream(stores, shuffle=False)
    assert all_rows(ordered) == list(range(N_WINDOWS))


def test_a_permutation_of_the_channels_permutes_signals_and_positions(tmp_path, contents):
    order = np.random.default_rng(0).permutation(24)
    plain = montage_stores.write(tmp_path / "plain.zarr", contents[1])
    permuted = montage_stores.write(tmp_path / "permuted.zarr", contents[1], order=order)
    batches = [list(make_stream(path, normalize="recording")) for path in (plain, permuted)]
    for batch, other in zip(*batches, strict=True):
        assert torch.equal(batch.index, other.index)
        assert torch.equal(batch.positions[:, order], other.positions)
        np.testing.assert_allclose(batch.signals[:, order], other.signals, atol=1e-5)
    stream = make_stream([plain, permuted])
    assert stream.channels == ()
    assert stream.channels_of(1) == tuple(f"C{i}" for i in order)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from([3, 8]), st.integers(0, 6)),
        min_size=1,
        max_size=3,
    )
)
def test_a_resumed_mixture_loses_and_repeats_no_window(stores, phases):
    state = None
    rows = []
    for world_size, batch_size, steps in [*phases, (2, 5, 100)]:
        states = []
        for rank in range(world_size):
            stream = make_stream(
                stores, rank=rank, world_size=world_size, batch_size=batch_size, seed=4
            )
            if state is not None:
                stream.load_state_dict(state)
            rows += all_rows(islice(stream, steps))
            states.append(stream.state_dict())
        assert all(other == states[0] for other in states)
        state = states[0]
    assert sorted(rows) == list(range(N_WINDOWS))


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_loader_delivers_the_batches_of_the_plain_loop(stores, contents, n_workers):
    loader = DataLoader(make_stream(stores), batch_size=None, num_workers=n_workers)
    batches = list(loader)
    assert batch_rows(batches) == batch_rows(make_stream(stores))
    assert all(isinstance(batch, MontageBatch) for batch in batches)
    check_windows(batches, expected_signals(contents))


def test_a_loader_that_batches_batches_is_refused(stores):
    with pytest.raises(ConfigError, match=r"use DataLoader\(stream, batch_size=None\)"):
        next(iter(DataLoader(make_stream(stores))))


def test_a_pickled_stream_and_one_with_more_threads_give_the_same(stores, contents):
    expected = batch_rows(make_stream(stores))
    for stream in (pickle.loads(pickle.dumps(make_stream(stores))), make_stream(stores, threads=3)):
        batches = list(stream)
        assert batch_rows(batches) == expected
        check_windows(batches, expected_signals(contents))


def test_batches_that_are_kept_do_not_change(stores):
    stream = make_stream(stores, normalize="window")
    kept = []
    for epoch in range(3):
        stream.set_epoch(epoch)
        kept += [(batch, batch.signals.clone()) for i, batch in enumerate(stream) if i % 3 == 0]
    assert all(torch.equal(batch.signals, signals) for batch, signals in kept)


def test_integers_of_other_resolutions_are_delivered_in_microvolts(tmp_path, contents):
    resolutions = (0.125, 0.125, None)
    paths = [
        montage_stores.write(tmp_path / f"{i}.zarr", content, resolution=resolution)
        for i, (content, resolution) in enumerate(zip(contents, resolutions, strict=True))
    ]
    check_windows(make_stream(paths), expected_signals(contents))


def test_stores_in_a_bucket_are_mixed_with_local_ones(stores, contents, s3, options):
    fsspec.filesystem("s3", **s3).put(stores[1], "s3://bucket/24.zarr", recursive=True)
    paths = [stores[0], "s3://bucket/24.zarr", stores[2]]
    batches = list(make_stream(paths, storage_options=options))
    assert sorted(all_rows(batches)) == list(range(N_WINDOWS))
    check_windows(batches, expected_signals(contents))


def test_windows_are_normalized_after_resampling(stores):
    for batch in make_stream(stores, normalize="window"):
        signals = batch.signals[batch.mask]
        np.testing.assert_allclose(signals.mean(dim=1), 0, atol=1e-4)
        np.testing.assert_allclose(signals.std(dim=1, correction=0), 1, rtol=1e-3)
        assert not batch.signals[~batch.mask].any()


@pytest.mark.parametrize("normalize", ["recording", "training"])
def test_statistics_are_those_of_the_store_of_a_window(stores, normalize):
    alone = [StreamingDataset(store, sfreq=128, normalize=normalize) for store in stores]
    expected = {}
    for first_row, stream in zip(FIRST_ROWS, alone, strict=True):
        for batch in stream:
            rows = first_row + batch.index
            expected.update(zip(rows.tolist(), batch.signals.numpy(), strict=True))
    check_windows(make_stream(stores, normalize=normalize), expected)


def test_channels_without_a_position_are_left_out_with_a_warning_that_counts_them(tmp_path):
    content = MontageStore(8, n_unknown=3)
    path = montage_stores.write(tmp_path / "some.zarr", content)
    with pytest.warns(UserWarning, match=r"some.zarr: 3 channels of 8 without a position left out"):
        stream = make_stream([path])
    assert stream.channels == stream.channels_of(0) == ("C3", "C4", "C5", "C6", "C7")
    assert stream.n_chans == 5
    check_windows(stream, list(content.signals[:, 3:]))


@pytest.mark.parametrize("without", [(), ("channel_position",)])
def test_a_store_without_positions_is_refused_with_the_way_out(tmp_path, stores, without):
    content = MontageStore(4, n_unknown=4)
    path = montage_stores.write(tmp_path / "none.zarr", content, without=without)
    with pytest.raises(StoreError, match=r"none.zarr: no channel has a position, .* recipe"):
        make_stream([stores[0], path])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"montage": "all"}, "montage must be 'any' or None, got 'all'"),
        ({"montage": np.array(["any", "any"])}, "montage must be 'any' or None, got array"),
        ({"normalize": (np.zeros(64), np.ones(64))}, "normalize is a pair for the channels of one"),
        ({"normalize": "subject"}, "normalize 'subject': use one of window"),
    ],
)
def test_wrong_options_are_refused(stores, options, message):
    with pytest.raises(ConfigError, match=message):
        make_stream(stores, **options)


def test_a_store_without_training_windows_is_named(tmp_path, stores):
    path = montage_stores.write(tmp_path / "test.zarr", MontageStore(4), without=["split"])
    with pytest.raises(NoMatchError, match=r"test.zarr: normalize=\"training\" needs windows"):
        make_stream([stores[0], path], normalize="training")


def test_recordings_and_targets_work_with_any_montage(stores):
    stream = make_stream(stores, target="age")
    recordings = list(stream.recordings())
    assert all_rows(batch for _, batch in recordings) == list(range(N_WINDOWS))
    assert recordings[0][0] == "ds64/sub-00"
    assert recordings[-1][1].signals.shape == (1, 129, 64)
    assert recordings[0][1].target.tolist() == [20.0] * 6


def test_a_target_that_a_store_lacks_is_missing_in_its_windows(tmp_path, stores):
    path = montage_stores.write(tmp_path / "ageless.zarr", MontageStore(4), without=["age"])
    with pytest.raises(TargetError, match="30 of 70 windows have no 'age'; drop_missing=True"):
        make_stream([stores[0], path], target="age")
    stream = make_stream([stores[0], path], target="age", drop_missing=True)
    assert sorted(all_rows(stream)) == list(range(40))


def test_transform_and_to_device_get_all_fields(stores):
    def double(batch):
        return batch._replace(signals=2 * batch.signals)

    moved = list(to_device(make_stream(stores, transform=double), "cpu"))
    for batch, plain in zip(moved, make_stream(stores), strict=True):
        assert isinstance(batch, MontageBatch)
        assert torch.equal(batch.signals, 2 * plain.signals)
        assert torch.equal(batch.mask, plain.mask)


def test_no_warning_and_a_description_for_stores_with_all_positions(stores):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = repr(make_stream(stores))
    assert "98 windows, 129 channels, 64 samples (0.5 s at 128 Hz)" in text
    assert "any, 64, 24, 129 channels" in text
