"""Each operation on windows."""

from __future__ import annotations

import pytest
import torch

from bids_dl.training.augmentation.amplitude_scale import AmplitudeScale
from bids_dl.training.augmentation.channel_dropout import ChannelDropout
from bids_dl.training.augmentation.cutout import CutOut
from bids_dl.training.augmentation.frequency_mask import FrequencyMask
from bids_dl.training.augmentation.registry import OPERATIONS
from bids_dl.training.augmentation.time_mask import TimeMask
from bids_dl.training.augmentation.time_shift import TimeShift

SIGNALS = torch.randn(200, 5, 100, generator=torch.Generator().manual_seed(0)) + 20


def generator():
    return torch.Generator().manual_seed(3)


def test_a_time_mask_hides_the_same_samples_of_all_channels():
    is_masked = TimeMask(shares=(0.1, 0.1))(SIGNALS, generator()) != SIGNALS
    assert is_masked.sum(dim=2).eq(10).all()
    assert torch.equal(is_masked.all(dim=1), is_masked.any(dim=1))


@pytest.mark.parametrize("n_times", [99, 100])
def test_a_frequency_mask_changes_no_other_frequency_and_no_mean(n_times):
    signals = SIGNALS[..., :n_times]
    masked = torch.fft.rfft(FrequencyMask(shares=(0.1, 0.1))(signals, generator()))
    spectrum = torch.fft.rfft(signals)
    is_changed = (masked - spectrum).abs() > 1e-2
    assert is_changed.sum(dim=2).amax() <= 5
    assert masked.abs().le(1e-2)[is_changed].all()
    assert not is_changed[..., 0].any()


def test_a_shift_moves_all_channels_alike_and_keeps_all_samples():
    shifted = TimeShift(max_share=0.1)(SIGNALS, generator())
    shifts = set()
    for window, original in zip(shifted, SIGNALS, strict=True):
        found = [s for s in range(-10, 11) if torch.equal(window, original.roll(s, dims=1))]
        assert len(found) == 1
        shifts.update(found)
    assert shifts == set(range(-10, 11))


@pytest.mark.parametrize(("n_chans", "n_cut"), [(5, 3), (4, 2), (1, 1)])
def test_a_cutout_hides_an_interval_of_half_of_the_channels(n_chans, n_cut):
    signals = SIGNALS[:, :n_chans]
    is_cut = CutOut(shares=(0.2, 0.2))(signals, generator()) != signals
    assert set(is_cut.sum(dim=2).unique().tolist()) <= {0, 20}
    assert is_cut.any(dim=2).sum(dim=1).eq(n_cut).all()


@pytest.mark.parametrize(("n_chans", "counts"), [(5, {1, 2}), (2, {1}), (1, {0})])
def test_channel_dropout_keeps_a_channel(n_chans, counts):
    signals = SIGNALS[:, :n_chans]
    dropped = ChannelDropout(max_share=0.5)(signals, generator())
    is_dropped = (dropped != signals).any(dim=2)
    assert set(is_dropped.sum(dim=1).tolist()) == counts
    assert dropped[is_dropped].diff(dim=1).eq(0).all()


def test_a_window_is_scaled_by_one_factor_within_its_limits():
    factors = (AmplitudeScale(max_factor=2.0)(SIGNALS, generator()) / SIGNALS).flatten(1)
    assert factors.std(dim=1).max() < 1e-6
    assert 0.5 <= factors.min() < 0.6
    assert 1.8 < factors.max() <= 2.0 + 1e-6


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 2), (3, 2, 7)])
def test_operations_accept_the_smallest_windows(name, shape):
    signals = torch.randn(shape)
    assert OPERATIONS[name](signals, generator()).shape == shape
