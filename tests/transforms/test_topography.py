from __future__ import annotations

import mne
import numpy as np
import pytest
import torch
from scipy.signal import welch
from scipy.signal.windows import hamming

from bids_dl.errors import ModelError
from bids_dl.transforms import BandTopography
from bids_dl.transforms.head_map import flatten_positions, grid_points

NAMES = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC3", "FCz", "FC4", "T3", "C3", "C4", "T4"),
    *("CP3", "CPz", "CP4", "T5", "P3", "Pz", "P4", "T6", "O1", "Cz"),
]
CENTER = np.array([0, 0, 0.04])


@pytest.fixture(scope="module")
def positions():
    info = mne.create_info(NAMES, 128.0, "eeg", verbose="error")
    info.set_montage("standard_1005", verbose="error")
    return np.array([channel["loc"][:3] for channel in info["chs"]])


def images_by_formula(signals, positions):
    """Compute images of signals (n_windows, 24, 256) step by step, as in the released code."""
    frequencies, density = welch(
        signals, 128.0, hamming(128), nperseg=128, noverlap=50, detrend=False
    )
    assert frequencies[1] == 1
    decibel = 10 * np.log10(density)
    electrodes = flatten_positions(positions, CENTER) @ [1, 1j]
    pixels = grid_points(24) @ [1, 1j]
    images = np.zeros((len(signals), 3, 24 * 24))
    is_inside = np.abs(pixels) <= 0.5
    for band, (low, high) in enumerate([(4, 7), (7, 13), (14, 25)]):
        values = decibel[..., low : high + 1].mean(axis=2)
        between = np.abs(np.subtract.outer(electrodes, electrodes)) + np.eye(24)
        green = np.where(np.eye(24), 0, between**2 * (np.log(between) - 1))
        to_pixels = np.abs(np.subtract.outer(pixels[is_inside], electrodes))
        maps = np.linalg.solve(green, values.T).T @ (to_pixels**2 * (np.log(to_pixels) - 1)).T
        maps -= maps.min(axis=1, keepdims=True)
        images[:, band, is_inside] = maps / maps.max(axis=1, keepdims=True) * 255
    return images.reshape(-1, 3, 24, 24)


def test_images_are_those_of_the_written_out_formulas(positions, float64):
    signals = np.random.default_rng(0).normal(0, 20, (5, 24, 256))
    transform = BandTopography(24, 256, 128.0, positions)
    found = transform(torch.from_numpy(signals))
    np.testing.assert_allclose(found, images_by_formula(signals, positions), atol=1e-10 * 255)
    assert tuple(found.shape[1:]) == transform.output_shape == (3, 24, 24)


def test_maps_reach_from_0_to_255_inside_and_are_0_outside(positions):
    images = BandTopography(24, 256, 128.0, positions)(torch.randn(4, 24, 256))
    assert images.amin(dim=(2, 3)).eq(0).all()
    assert images.amax(dim=(2, 3)).sub(255).abs().max() < 1e-3
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.eq(0).all()


@pytest.mark.parametrize(("name", "row", "column"), [("Fp1", 2, 8), ("T4", 12, 22), ("O1", 20, 8)])
def test_a_rhythm_is_brightest_at_its_electrode(positions, name, row, column):
    signals = torch.randn(1, 24, 256, generator=torch.Generator().manual_seed(0))
    signals[0, NAMES.index(name)] += 40 * torch.sin(2 * torch.pi * 10 * torch.arange(256) / 128)
    alpha = BandTopography(24, 256, 128.0, positions)(signals)[0, 1]
    found = divmod(int(alpha.argmax()), 24)
    assert np.abs(np.subtract(found, (row, column))).max() <= 2


def test_the_spectrum_has_the_same_bins_at_another_rate(positions):
    transform = BandTopography(24, 500, 250.0, positions)
    assert transform.bins == BandTopography(24, 256, 128.0, positions).bins
    assert transform(torch.randn(2, 24, 500)).shape == (2, 3, 24, 24)


def test_a_rate_without_the_beta_band_is_refused(positions):
    with pytest.raises(ModelError, match="14 to 25 Hz ends above"):
        BandTopography(24, 256, 40.0, positions)


def test_a_checkpoint_holds_the_map(positions):
    transform = BandTopography(24, 256, 128.0, positions)
    other = BandTopography(24, 256, 128.0, positions[::-1].copy())
    other.load_state_dict(transform.state_dict())
    signals = torch.randn(2, 24, 256)
    assert torch.equal(other(signals), transform(signals))
