"""Shares of gradients and of integrated gradients by channel, time and frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bids_dl.explanation.contents import Axes, Floats, Rows
from bids_dl.explanation.spectra import sum_bands


@dataclass(frozen=True, slots=True, eq=False)
class NetworkShares:
    """Shares of the sensitivity of one network, as in `Saliency`.

    Attributes
    ----------
    persons
        (n_persons,): numbers of the persons.
    by_channel, by_band
        (n_persons, n_outputs, n_chans) and (n_persons, n_outputs, n_bands, n_chans).
    by_time, by_frequency
        (n_outputs, n_times) and (n_outputs, n_freqs): means over persons.
    """

    persons: Rows
    by_channel: Floats
    by_band: Floats
    by_time: Floats
    by_frequency: Floats


class ShareCollector:
    """Mean shares of each person, collected batch by batch.

    Parameters
    ----------
    axes
        Axes of the windows.
    n_outputs
        Outputs of the model.
    persons
        (n_rows,): number of the person of each window that will be added.
    """

    def __init__(self, axes: Axes, n_outputs: int, persons: Rows) -> None:
        self.axes = axes
        self.persons, counts = np.unique(persons, return_counts=True)
        self._share = 1 / counts  # of a window in the mean of its person
        n_persons, n_chans = len(counts), len(axes.channels)
        self._by_channel = np.zeros((n_persons, n_outputs, n_chans))
        self._by_band = np.zeros((n_persons, n_outputs, len(axes.bands), n_chans))
        self._by_time = np.zeros((n_outputs, axes.n_times))
        self._by_frequency = np.zeros((n_outputs, len(axes.frequencies)))

    def add(self, values: Tensor, power: Tensor, persons: Rows) -> None:
        """Add windows.

        Parameters
        ----------
        values
            (n_outputs, batch, n_chans, n_times), at least 0.
        power
            (n_outputs, batch, n_chans, n_freqs), at least 0.
        persons
            (batch,): number of the person of each window.
        """
        of_signal = _divide_by_sum(values)
        of_spectrum = _divide_by_sum(power)
        number = np.searchsorted(self.persons, persons)
        weight = self._share[number]
        by_channel = of_signal.sum(-1).double().cpu().numpy()
        bands = sum_bands(of_spectrum.double().cpu().numpy(), self.axes)
        np.add.at(self._by_channel, number, _persons_first(by_channel, weight))
        np.add.at(self._by_band, number, _persons_first(np.moveaxis(bands, 0, 2), weight))
        scale = torch.as_tensor(weight / len(self.persons), dtype=torch.float32).to(values.device)
        self._by_time += _sum_windows(of_signal, scale)
        self._by_frequency += _sum_windows(of_spectrum, scale)

    def finish(self) -> NetworkShares:
        """Return the means over all windows that were added."""
        return NetworkShares(
            self.persons, self._by_channel, self._by_band, self._by_time, self._by_frequency
        )


def _divide_by_sum(values: Tensor) -> Tensor:
    """Divide the values (n_outputs, batch, n_chans, n) of each window by their sum, unless 0."""
    total = values.sum(dim=(2, 3), keepdim=True)
    shares: Tensor = torch.where(total > 0, values / total, 0)
    return shares


def _persons_first(values: Floats, weight: Floats) -> Floats:
    """Return weighted values (batch, n_outputs, ...) of values (n_outputs, batch, ...)."""
    moved = np.moveaxis(values, 1, 0)
    return moved * weight.reshape(-1, *[1] * (moved.ndim - 1))


def _sum_windows(values: Tensor, scale: Tensor) -> Floats:
    """Return the weighted sum over windows and channels: (n_outputs, n)."""
    total: Floats = torch.einsum("obcn,b->on", values, scale).double().cpu().numpy()
    return total


def gradient_power(gradients: Tensor) -> Tensor:
    """Return the power (..., n_freqs) of gradients (..., n_times), without that at 0 Hz."""
    spectrum = torch.fft.rfft(gradients)[..., 1:]
    power: Tensor = spectrum.real.square() + spectrum.imag.square()
    return power


def frequency_attributions(difference: Tensor, mean_gradients: Tensor) -> Tensor:
    """Return integrated gradients of the Fourier coefficients of a signal, without 0 Hz.

    A Fourier transform is linear, so the straight line between baseline and signal is also one in
    its coefficients. The attributions sum to those of the samples, except for 0 Hz (Parseval).

    Parameters
    ----------
    difference
        (batch, n_chans, n_times): signal minus baseline.
    mean_gradients
        (n_outputs, batch, n_chans, n_times): from `mean_path_gradients`.

    Returns
    -------
    Tensor
        (n_outputs, batch, n_chans, n_freqs).
    """
    n_times = difference.shape[-1]
    signal = torch.fft.rfft(difference)[..., 1:]
    gradient = torch.fft.rfft(mean_gradients)[..., 1:]
    products = signal.real * gradient.real + signal.imag * gradient.imag
    if n_times % 2 == 0:
        products[..., -1] /= 2  # half the sampling rate has one coefficient, not two
    attributions: Tensor = products * (2 / n_times)
    return attributions
