from __future__ import annotations

import torch

from bids_dl.training.augmentation.operation import draw_intervals, fill_with_mean


def generator():
    return torch.Generator().manual_seed(0)


def test_intervals_have_their_length_and_reach_every_position():
    is_inside = draw_intervals(2000, 50, (0.1, 0.2), generator())
    sizes = is_inside.sum(dim=1)
    assert set(sizes.tolist()) == {5, 6, 7, 8, 9, 10}
    n_edges = is_inside.int().diff(dim=1).abs().sum(dim=1)
    assert n_edges.max() == 2  # no interval has a gap
    assert is_inside.any(dim=0).all()


def test_an_interval_has_at_least_one_position_and_at_most_all():
    assert draw_intervals(5, 3, (0.0, 0.0), generator()).sum(dim=1).eq(1).all()
    assert draw_intervals(5, 3, (1.0, 1.0), generator()).all()


def test_only_the_given_samples_become_the_mean_of_their_channel():
    signals = torch.randn(2, 3, 10) + 50
    is_filled = draw_intervals(2, 10, (0.3, 0.3), generator()).unsqueeze(1)
    filled = fill_with_mean(signals, is_filled)
    assert torch.equal(filled.masked_select(~is_filled), signals.masked_select(~is_filled))
    mean = signals.mean(dim=2, keepdim=True).expand_as(signals)
    assert torch.equal(filled.masked_select(is_filled), mean.masked_select(is_filled))
