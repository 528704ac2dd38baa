from __future__ import annotations

import numpy as np
import pytest
import torch

from bids_dl.explanation.contents import Axes
from bids_dl.explanation.saliency import (
    ShareCollector,
    frequency_attributions,
    gradient_power,
)

AXES = Axes(
    channels=("C3", "C4"),
    positions=np.full((2, 3), np.nan),
    sfreq=128.0,
    n_times=128,
    frequencies=np.fft.rfftfreq(128, 1 / 128)[1:],
    bands={"theta": (4.0, 8.0), "alpha": (8.0, 13.0)},
)


def collect(gradients, persons):
    collector = ShareCollector(AXES, len(gradients), persons)
    power = gradient_power(gradients)
    half = len(persons) // 2
    for part in (slice(0, half), slice(half, None)):
        collector.add(gradients[:, part].abs(), power[:, part], persons[part])
    return collector.finish()


def test_shares_sum_to_one_for_each_person():
    persons = np.array([4, 4, 4, 7, 9, 9])
    shares = collect(torch.randn(3, 6, 2, 128), persons)
    assert shares.persons.tolist() == [4, 7, 9]
    assert shares.by_channel.sum(axis=-1) == pytest.approx(np.ones((3, 3)), abs=1e-5)
    assert shares.by_time.sum(axis=-1) == pytest.approx(np.ones(3), abs=1e-5)
    assert shares.by_frequency.sum(axis=-1) == pytest.approx(np.ones(3), abs=1e-5)
    assert (shares.by_band.sum(axis=(2, 3)) < 1).all()


def test_a_rhythm_at_one_channel_has_all_of_its_band():
    rhythm = torch.sin(2 * torch.pi * 10 * torch.arange(128) / 128)
    gradients = torch.zeros(1, 2, 2, 128)
    gradients[:, :, 1] = rhythm
    shares = collect(gradients, np.array([0, 1]))
    assert shares.by_band[:, 0, 1, 1] == pytest.approx([1, 1], abs=1e-5)
    assert shares.by_frequency[0, 9] == pytest.approx(1, abs=1e-5)
    assert shares.by_channel[:, 0] == pytest.approx(np.array([[0, 1], [0, 1]]), abs=1e-5)


def test_an_output_without_gradient_has_shares_of_zero():
    shares = collect(torch.zeros(1, 2, 2, 128), np.array([0, 0]))
    assert shares.by_channel.sum() == shares.by_frequency.sum() == 0


@pytest.mark.parametrize("n_times", [128, 127])
def test_attributions_of_frequencies_sum_to_those_of_samples_without_the_mean(n_times):
    difference = torch.randn(3, 2, n_times).double()
    gradients = torch.randn(2, 3, 2, n_times).double()
    of_samples = (difference * gradients).sum(dim=-1)
    of_mean = difference.mean(dim=-1) * gradients.mean(dim=-1) * n_times
    found = frequency_attributions(difference, gradients).sum(dim=-1)
    torch.testing.assert_close(found, of_samples - of_mean)
