from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_store
import torch
from small_store import SmallStore
from streams import SMALL, all_rows, check_signals

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.stream import Batch, StreamingDataset


def test_a_batch_has_signals_class_indices_and_rows_of_the_store(store):
    stream = StreamingDataset(store, batch_size=8)
    for batch in stream:
        assert isinstance(batch, Batch)
        dtypes = [tensor.dtype for tensor in batch]
        assert dtypes == [torch.float32, torch.int64, torch.int64]
        labels = stream.windows.loc[batch.index.numpy(), "label"].tolist()
        assert [stream.classes[i] for i in batch.target] == labels
    assert stream.classes == ("open", "closed")  # in the order of the queries, not alphabetical


def test_a_real_store_streams_every_window_once_and_unchanged(eyes_store):
    stream = bids_dl.StreamingDataset(str(eyes_store), batch_size=64)
    batches = list(stream)
    assert [len(batch.signals) for batch in batches] == [64, 64, 56, 56]
    assert sorted(all_rows(batches)) == list(range(240))
    check_signals(batches, bids_dl.open_store(str(eyes_store)).read("signals"))
    assert stream.classes == ("eyes_open", "eyes_closed")
    assert (stream.n_chans, stream.n_times, stream.sfreq) == (24, 256, 128.0)


@pytest.mark.parametrize(
    "options",
    [{}, {"batch_size": 7}, {"drop_last": True}, {"split": "train"}, {"rank": 1, "world_size": 3}],
)
def test_len_is_the_number_of_batches(store, options):
    stream = StreamingDataset(store, **{"batch_size": 16} | options)
    assert len(stream) == len(list(stream))


def test_with_fewer_windows_than_ranks_every_rank_makes_a_step(store):
    sizes = []
    for rank in range(3):
        stream = StreamingDataset(store, where={"row": [3, 5]}, rank=rank, world_size=3)
        sizes.append([len(batch.signals) for batch in stream])
    assert sizes == [[1], [1], [0]]


def test_the_order_depends_on_seed_and_epoch_and_not_on_threads(store):
    options = {"batch_size": 8, "pool_bytes": 2000}
    stream = StreamingDataset(store, seed=1, **options)
    rows = all_rows(stream)
    assert all_rows(stream) == rows
    assert all_rows(StreamingDataset(store, seed=1, threads=3, **options)) == rows
    stream.set_epoch(1)
    assert stream.epoch == 1
    assert all_rows(stream) != rows
    assert all_rows(StreamingDataset(store, seed=2, **options)) != rows
    stream.set_epoch(0)
    assert all_rows(stream) == rows


def test_without_shuffle_windows_come_in_the_order_of_the_store(store):
    stream = StreamingDataset(store, shuffle=False, split="test", batch_size=9)
    assert all_rows(stream) == stream.windows.index.tolist() == list(range(42, 70))


def test_windows_is_the_table_of_the_selected_windows(store):
    stream = StreamingDataset(store, split="train", where={"subject": ["000", "002"]})
    assert stream.windows["subject"].unique().tolist() == ["000", "002"]
    assert sorted(all_rows(stream)) == stream.windows.index.tolist()


def test_changing_a_batch_does_not_change_another(store):
    first, second, *_ = StreamingDataset(store, batch_size=8)
    first.signals.zero_()
    check_signals([second])


def test_a_numeric_target_is_float32_and_several_are_columns(store):
    batch = next(iter(StreamingDataset(store, target="onset")))
    np.testing.assert_array_equal(batch.target, batch.index.to(torch.float32) * 2)
    assert batch.target.dtype == torch.float32
    batch = next(iter(StreamingDataset(store, target=["votes", "onset"])))
    assert batch.target.shape == (35, 2)
    np.testing.assert_array_equal(batch.target[:, 1], batch.index.to(torch.float32) * 2)


def test_the_result_of_transform_is_delivered(store):
    stream = StreamingDataset(
        store, transform=lambda batch: {"x": batch.signals * 2, "rows": batch.index}, batch_size=8
    )
    for batch in stream:
        np.testing.assert_array_equal(batch["x"].numpy(), SMALL.signals[batch["rows"]] * 2)


def test_recordings_are_whole_and_in_the_order_of_the_store(tmp_path, store):
    other = SmallStore(n_subjects=1, per_recording=5, seed=1)  # recordings of the same names
    small_store.write(tmp_path / "other.zarr", other)
    stream = StreamingDataset([store, tmp_path / "other.zarr"], batch_size=4)
    recordings = list(stream.recordings())
    batches = [batch for _, batch in recordings]
    assert [len(batch.index) for batch in batches] == [7] * 10 + [5] * 2
    assert all_rows(batches) == list(range(80))
    check_signals(batches, np.concatenate([SMALL.signals, other.signals]))
    name, _ = recordings[3]
    assert name == "ds1/sub-001/eeg/sub-001_run-2"
    assert name == "/".join(stream.windows.loc[21, ["dataset", "recording"]])


def test_ranks_share_the_recordings_and_the_epoch_keeps_its_progress(store):
    streams = [
        StreamingDataset(store, batch_size=4, rank=rank, world_size=3, where={"row": (3, 40)})
        for rank in range(3)
    ]
    loop = iter(streams[0])
    rows = next(loop).index.tolist()
    names = [name for stream in streams for name, _ in stream.recordings()]
    assert len(names) == len(set(names)) == 6
    assert streams[0].state_dict()["progress"] == [[3, 4, 1]]
    assert rows + all_rows(loop) == all_rows(streams[0])


def test_two_loops_over_one_stream_do_not_disturb_each_other(store):
    stream = StreamingDataset(store, batch_size=4)
    for batch, other in zip(stream, stream, strict=True):
        assert batch.index.tolist() == other.index.tolist()
        check_signals([batch, other])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"rank": 2, "world_size": 2}, "0 <= rank < world_size; got 2 and 2"),
        ({"seed": -1}, "seed must be from 0"),
        ({"normalize": "subject"}, "normalize 'subject': use one of window, recording, training"),
    ],
)
def test_options_out_of_range_are_refused(store, options, message):
    with pytest.raises(ConfigError, match=message):
        StreamingDataset(store, **options)


def test_a_negative_epoch_is_refused(store):
    with pytest.raises(ConfigError, match="epoch must be at least 0, got -1"):
        StreamingDataset(store).set_epoch(-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": "32"}, "batch_size must be an integer, got str '32'"),
        (
            {"batch_size": None},
            r"batch_size must be an integer, .* DataLoader\(stream, batch_size=",
        ),
        ({"batch_size": 2.5}, "batch_size must be an integer, got float 2.5"),
        ({"normalize": True}, "normalize must be one of window, recording, training, .* got True"),
        ({"normalize": (1, 2, 3)}, "normalize must be one of"),
        ({"normalize": ("a", "b")}, "normalize must be one of"),
        ({"transform": 3}, "transform must be a function or None, got int 3"),
        ({"shuffle": "no"}, "shuffle must be True or False, got str 'no'"),
        ({"drop_last": 1}, "drop_last must be True or False, got int 1"),
        ({"drop_missing": None}, "drop_missing must be True or False, got None"),
        ({"seed": "0"}, "seed must be an integer, got str '0'"),
        ({"seed": None}, "seed must be an integer, got None"),
        ({"rank": "0", "world_size": 2}, "rank must be an integer, got str '0'"),
        ({"threads": 1.5}, "threads must be an integer, got float 1.5"),
        ({"cache": 3}, "cache must be a path or a URL, got int 3"),
        ({"cache_bytes": "50GB"}, "cache_bytes must be an integer, got str '50GB'"),
        ({"storage_options": "anon"}, "storage_options must be a mapping such as a dict"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused_by_name(store, options, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        StreamingDataset(store, **options)


@pytest.mark.parametrize("wrong", [3, None, b"a.zarr", {"a": 1}, [3]])
def test_what_is_no_store_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match=r"^store must be a path"):
        StreamingDataset(wrong)


def test_an_epoch_is_a_number(store):
    with pytest.raises(TypeError, match="epoch must be an integer, got str '1'"):
        StreamingDataset(store).set_epoch("1")


def test_a_path_is_streamed_and_cached_in_a_path(store, tmp_path):
    stream = StreamingDataset(Path(store), cache=tmp_path / "cache", batch_size=32)
    assert len(stream) == 3
    assert len(StreamingDataset([Path(store), store]).windows) == 140


def test_a_stream_is_described_without_its_storage_options(store):
    stream = StreamingDataset(store, split="train", batch_size=8, storage_options={"key": "hidden"})
    text = repr(stream)
    assert "42 windows, 3 channels, 20 samples (0.2 s at 100 Hz)" in text
    assert "target: open 21, closed 21" in text
    assert "batches: 6 of up to 8 windows" in text
    html = stream._repr_html_()
    assert html.startswith("<table><caption>StreamingDataset</caption>")
    assert "hidden" not in text + html
