"""Linear baseline: log power in the bands of EEG, then one dense layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.spec import ModelSpec

# Lowest and highest frequency in Hz. The lowest belongs to the band, the highest does not.
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}
ROUNDING = 1e-9  # error of a bin that is a whole number
MIN_POWER = 1e-6  # µV²/Hz, below the noise of amplifiers; a flat channel has -60 dB


class BandPower(nn.Module):
    """Log power of each channel in five bands, batch norm without weights, dense.

    Delta 1 to 4 Hz, theta to 8, alpha to 13, beta to 30 and gamma to 45 Hz. The power of a band is
    the mean of the periodogram with a Hann taper. Above half the sampling rate, bands are cut or
    left out. Bands in which a short window has no frequency are left out too.

    The dense layer begins with zeros, because a linear model needs no random weights and small
    studies train few steps.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz.

    Raises
    ------
    ModelError
        The window is too short, or the sampling rate too low, for any band.
    """

    taper: Tensor

    def __init__(self, n_chans: int, n_times: int, n_outputs: int, sfreq: float) -> None:
        super().__init__()
        self.bins = _bins_of_bands(n_times, sfreq)
        if not self.bins:
            raise ModelError(_describe_shortest(n_times, sfreq))
        taper = torch.hann_window(n_times, dtype=torch.float64)
        density = 2 / (sfreq * taper.square().sum())  # one-sided, because no band holds 0 Hz
        self.register_buffer("taper", (taper * density.sqrt()).float(), persistent=False)
        n_features = n_chans * len(self.bins)
        self.norm = nn.BatchNorm1d(n_features, affine=False)
        self.dense = nn.Linear(n_features, n_outputs)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute outputs (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        outputs: Tensor = self.dense(self.norm(self.features(signals)))
        return outputs

    def features(self, signals: Tensor) -> Tensor:
        """Compute the log power of each channel in each band.

        Parameters
        ----------
        signals
            (batch, n_chans, n_times).

        Returns
        -------
        features
            (batch, n_chans * n_bands) float32 in dB: all bands of the first channel come first.
            The reference is 1 µV²/Hz for signals in µV. A flat channel has -60 dB.
        """
        signals = signals.float()  # because a Fourier transform refuses bfloat16
        centered = signals - signals.mean(dim=2, keepdim=True)
        spectrum = torch.fft.rfft(centered * self.taper)
        density = spectrum.real.square() + spectrum.imag.square()
        # no matrix product, which autocast would compute in bfloat16
        powers = [density[..., start:stop].mean(dim=2) for start, stop in self.bins.values()]
        return 10 * torch.stack(powers, dim=2).clamp(min=MIN_POWER).log10().flatten(1)


def _bins_of_bands(n_times: int, sfreq: float) -> dict[str, tuple[int, int]]:
    """Return the range (start, stop) of a window's frequencies in each band that has one.

    Frequencies are multiples of sfreq / n_times, above 0 and below half the sampling rate.
    """
    bins: dict[str, tuple[int, int]] = {}
    for name, (low, high) in BANDS.items():
        start = _first_bin(low, n_times, sfreq)
        stop = min(_first_bin(high, n_times, sfreq), (n_times + 1) // 2)
        if start < stop:
            bins[name] = start, stop
    return bins


def _first_bin(frequency: float, n_times: int, sfreq: float) -> int:
    """Return the first bin of a spectrum that is not below a frequency in Hz."""
    return math.ceil(frequency * n_times / sfreq - ROUNDING)


def _describe_shortest(n_times: int, sfreq: float) -> str:
    """Describe the shortest window that holds a band."""
    for length in range(2, int(2 * sfreq) + 1):  # at 4 Hz or more, two seconds hold a band
        if _bins_of_bands(length, sfreq):
            return (
                f"model band-power expects windows of at least {length / sfreq:.3g} s "
                f"({length} samples at {sfreq:g} Hz), got {n_times} samples"
            )
    return f"model band-power expects a sampling rate of at least 4 Hz, got {sfreq:g} Hz"


SPEC = ModelSpec(
    name="band-power",
    summary="log power in five bands, one dense layer: the linear baseline, for any montage",
    source="log band power of each channel and a linear classifier, as in most studies of EEG",
    shape=None,
    make=BandPower,
    min_seconds=1 / 45,
)
