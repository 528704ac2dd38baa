from __future__ import annotations

import contextlib

import torch

from bids_dl.training.loop import reproducible


def test_the_same_seed_gives_the_same_numbers_inside():
    numbers = []
    for _ in range(2):
        with reproducible(1, torch.device("cpu")):
            assert torch.are_deterministic_algorithms_enabled()
            numbers.append(torch.rand(3))
    assert torch.equal(*numbers)


def test_the_generator_and_the_algorithms_are_restored_even_if_training_fails():
    state = torch.get_rng_state()
    with contextlib.suppress(ZeroDivisionError), reproducible(1, torch.device("cpu")):
        torch.rand(1)
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
