from __future__ import annotations

import pytest
import torch

from bids_dl.training.augmentation import Mixup

N = 50
ALL = torch.ones(N, dtype=torch.bool)


def mix_numbers(is_mixed, alpha=2.0):
    """Mix windows whose samples are all the number of the window, which is their target too."""
    numbers = torch.arange(N, dtype=torch.float32)
    signals = numbers.reshape(N, 1, 1).expand(N, 3, 8)
    generator = torch.Generator().manual_seed(0)
    mixed, target = Mixup(alpha)(signals, numbers, is_mixed, generator)
    return numbers, mixed, target


def test_the_target_is_mixed_with_the_same_partner_and_weight_as_the_window():
    numbers, mixed, target = mix_numbers(ALL)
    assert torch.equal(mixed, target.reshape(N, 1, 1).expand_as(mixed))
    assert (target != numbers).float().mean() > 0.9


def test_each_column_of_a_target_is_mixed_alike():
    columns = torch.eye(N)
    generator = torch.Generator().manual_seed(0)
    mixed, target = Mixup()(columns.unsqueeze(1), columns, ALL, generator)
    assert torch.equal(mixed[:, 0], target)
    assert (target > 0).sum(dim=1).max() == 2


def test_other_windows_are_bit_equal():
    is_mixed = torch.arange(N) % 2 == 0
    numbers, _, target = mix_numbers(is_mixed)
    assert torch.equal(target[~is_mixed], numbers[~is_mixed])


@pytest.mark.parametrize(("alpha", "is_central"), [(50.0, True), (0.02, False)])
def test_alpha_sets_how_even_the_weights_are(alpha, is_central):
    generator = torch.Generator().manual_seed(0)
    _, target = Mixup(alpha)(torch.zeros(N, 1, 1), torch.eye(N), ALL, generator)
    largest = target.amax(dim=1).median()
    assert bool(largest < 0.6) is is_central
