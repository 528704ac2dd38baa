"""Multitaper: power spectral density of each channel with Slepian tapers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms.precision import as_buffer, as_real, without_autocast
from bids_dl.transforms.segments import Array, count_sides, to_decibel
from bids_dl.transforms.spec import TransformSpec

MIN_CONCENTRATION = 0.9  # share of a taper's power in its band, as with low_bias=True in MNE


class Multitaper(nn.Module):
    """Power spectral density with Slepian tapers, weighted by their concentration.

    It equals ``mne.time_frequency.psd_array_multitaper`` with ``adaptive=False``,
    ``low_bias=True`` and ``normalization="full"``.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz.
    bandwidth
        Width of the smoothing over frequencies in Hz.
    decibel
        Return dB. If False, return µV²/Hz.

    Attributes
    ----------
    output_shape
        (n_chans, n_frequencies): shape of the features of a window.
    frequencies
        (n_frequencies,): frequency of each bin in Hz.

    Raises
    ------
    ModelError
        The bandwidth is narrower than the window resolves, or wider than half the sampling rate.

    Examples
    --------
    >>> import torch
    >>> multitaper = Multitaper(24, 256, 128.0, bandwidth=4.0)
    >>> multitaper(torch.randn(8, 24, 256)).shape, multitaper.frequencies[:3].tolist()
    (torch.Size([8, 24, 129]), [0.0, 0.5, 1.0])
    """

    tapers: Tensor
    weights: Tensor
    sides: Tensor

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        sfreq: float,
        *,
        bandwidth: float = 4.0,
        decibel: bool = True,
    ) -> None:
        super().__init__()
        tapers, concentrations = _make_tapers(n_times, sfreq, bandwidth)
        self.register_buffer("tapers", as_buffer(tapers))
        self.register_buffer("weights", as_buffer(concentrations / concentrations.sum()))
        self.register_buffer("sides", as_buffer(count_sides(n_times) / sfreq))
        self.frequencies = np.fft.rfftfreq(n_times, 1 / sfreq)
        self.decibel = decibel
        self.output_shape = (n_chans, len(self.frequencies))

    def forward(self, signals: Tensor) -> Tensor:
        """Compute the spectrum (batch, n_chans, n_frequencies) of signals in µV."""
        with without_autocast(signals):
            signals = as_real(signals)
            centered = signals - signals.mean(dim=-1, keepdim=True)
            spectra = torch.fft.rfft(centered.unsqueeze(-2) * self.tapers.to(signals.dtype))
            power = spectra.real.square() + spectra.imag.square()
            weights = self.weights.to(signals.dtype).unsqueeze(-1)
            density = (power * weights).sum(dim=-2) * self.sides.to(signals.dtype)
            return to_decibel(density) if self.decibel else density


def _make_tapers(n_times: int, sfreq: float, bandwidth: float) -> tuple[Array, Array]:
    """Return tapers (n_tapers, n_times) and their concentrations (n_tapers,)."""
    from scipy.signal.windows import dpss  # here, because it is slow to import

    half_bandwidth = bandwidth * n_times / (2 * sfreq)
    if not 0.5 <= half_bandwidth < n_times / 2:
        raise ModelError(
            f"transform multitaper: a bandwidth of {bandwidth:g} Hz does not fit windows of "
            f"{n_times} samples at {sfreq:g} Hz; use {sfreq / n_times:.3g} to {sfreq:g} Hz"
        )
    tapers, concentrations = dpss(
        n_times, half_bandwidth, int(2 * half_bandwidth), sym=False, norm=2, return_ratios=True
    )
    is_kept = concentrations > MIN_CONCENTRATION
    if not is_kept.any():
        is_kept[concentrations.argmax()] = True
    return tapers[is_kept], concentrations[is_kept]


SPEC = TransformSpec(
    name="multitaper",
    summary="power spectral density with Slepian tapers in dB: (n_chans, n_frequencies)",
    source="mne.time_frequency.psd_array_multitaper",
    make=Multitaper,
)
