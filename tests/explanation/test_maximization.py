from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from bids_dl.explanation.contents import Axes
from bids_dl.explanation.maximization import WindowScale, maximize, maximize_outputs

AXES = Axes(
    channels=("C3", "C4"),
    positions=np.full((2, 3), np.nan),
    sfreq=128.0,
    n_times=256,
    frequencies=np.fft.rfftfreq(256, 1 / 128)[1:],
    bands={"alpha": (8.0, 13.0), "beta": (13.0, 30.0)},
)
SCALE = WindowScale(np.array([1.0, 2.0]), np.array([10.0, 40.0]))


class RhythmPower(nn.Module):
    """Outputs: log power at 10 Hz of the first channel, and at 20 Hz of the second one."""

    def forward(self, signals):
        spectrum = torch.fft.rfft(signals).abs().square()
        return (torch.stack([spectrum[:, 0, 20], spectrum[:, 1, 40]], dim=1) + 1).log()


def starts(n_starts):
    return torch.randn(n_starts, 2, 256, generator=torch.Generator().manual_seed(0))


def test_inputs_have_the_rhythm_that_an_output_measures():
    found = maximize_outputs(RhythmPower(), 2, SCALE, AXES, starts(3), 60)
    assert found.peaks.tolist() == [10, 20]
    assert found.start_peaks.tolist() == [[10] * 3, [20] * 3]
    assert found.band_power.argmax(axis=1)[[0, 1], [0, 1]].tolist() == [0, 1]
    assert found.band_power[0, 0].argmax() == 0
    assert found.band_power[1, 1].argmax() == 1


def test_the_amplitude_does_not_exceed_that_of_the_windows():
    inputs, _ = maximize(RhythmPower(), 0, starts(3), torch.tensor([1.0, 2.0]), 200)
    deviation = inputs.std(dim=2, correction=0)
    assert (deviation <= torch.tensor([1.0, 2.0]) + 1e-5).all()
    assert deviation[:, 0].min() > 0.99


def test_inputs_are_reported_in_microvolts():
    found = maximize_outputs(RhythmPower(), 2, SCALE, AXES, starts(2), 200)
    assert found.example.shape == (2, 2, 256)
    assert found.example[0, 0].std() == pytest.approx(10, rel=0.01)
    amplitude = 10 * math.sqrt(2)
    of_channels = amplitude**2 / 2 / 2  # the other channel has nothing
    power = 10 ** (found.spectra[0] / 10)
    assert power.sum() * 0.5 == pytest.approx(of_channels, rel=0.1)


def test_the_same_starts_give_the_same_inputs():
    first, second = (maximize(RhythmPower(), 0, starts(2), torch.ones(2), 20)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_a_channel_that_is_flat_in_the_windows_remains_flat():
    inputs, _ = maximize(RhythmPower(), 1, starts(2), torch.tensor([0.0, 1.0]), 20)
    assert inputs[:, 0].abs().max() == 0
