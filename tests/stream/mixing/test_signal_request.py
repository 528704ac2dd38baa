"""Stores that do not fit are refused with the numbers and a way out."""

from __future__ import annotations

import montage_stores
import pytest
from montage_stores import MontageStore

from bids_dl.errors import StoreError
from bids_dl.stream import StreamingDataset, WindowDataset


def test_other_channels_name_the_montage_as_the_way_out(stores):
    for dataset in (StreamingDataset, WindowDataset):
        with pytest.raises(StoreError, match=r'same channels, or stream them with montage="any"'):
            dataset([stores[0], stores[2]])


def test_other_rates_name_sfreq_as_the_way_out(stores):
    with pytest.raises(
        StoreError, match=r"256 Hz and 128 Hz; convert them at the same rate, or .* sfreq="
    ):
        StreamingDataset(stores, montage="any")


def test_windows_of_another_length_are_refused_with_the_numbers(tmp_path, stores):
    path = montage_stores.write(tmp_path / "long.zarr", MontageStore(4, sfreq=131.0))
    with pytest.raises(
        StoreError,
        match=r"windows of 66 samples \(0.503817 s at 131 Hz\) and 64 samples \(0.5 s at 128 Hz\)",
    ):
        StreamingDataset([stores[0], path], montage="any", sfreq=128)
