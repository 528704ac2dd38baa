"""Welch: power spectral density of each channel, averaged over segments."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from bids_dl.transforms.precision import as_real, without_autocast
from bids_dl.transforms.segments import (
    SegmentPower,
    Taper,
    make_taper,
    segment_samples,
    to_decibel,
)
from bids_dl.transforms.spec import TransformSpec


@dataclass(frozen=True, slots=True)
class WelchSettings:
    """Segments of Welch's method. The defaults are those of `scipy.signal.welch`.

    Parameters
    ----------
    seconds
        Length of a segment in s.
    overlap
        Share of a segment that the next one overlaps.
    taper
        ``"hann"``, periodic, or ``"hamming"``, symmetric.
    demean
        Subtract the mean of each segment.
    """

    seconds: float = 1.0
    overlap: float = 0.5
    taper: Taper = "hann"
    demean: bool = True


SPECTOPO = WelchSettings(seconds=1.0, overlap=50 / 128, taper="hamming", demean=False)
"""EEGLAB's spectopo as in Truong et al. 2021. Its overlap of 50 is samples of 128, not percent."""


class Welch(nn.Module):
    """Power spectral density by Welch's method.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz.
    settings
        Segments.
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
        The window is shorter than a segment.

    Examples
    --------
    >>> import torch
    >>> welch = Welch(24, 256, 128.0)
    >>> welch(torch.randn(8, 24, 256)).shape, welch.frequencies[:3].tolist()
    (torch.Size([8, 24, 65]), [0.0, 1.0, 2.0])
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        sfreq: float,
        *,
        settings: WelchSettings = WelchSettings(),
        decibel: bool = True,
    ) -> None:
        super().__init__()
        n_samples = segment_samples("welch", settings.seconds, n_times, sfreq)
        step = max(1, n_samples - int(settings.overlap * n_samples))
        taper = make_taper(settings.taper, n_samples)
        self.segments = SegmentPower(taper, step, sfreq, demean=settings.demean)
        self.frequencies = self.segments.frequencies
        self.decibel = decibel
        self.output_shape = (n_chans, len(self.frequencies))

    def forward(self, signals: Tensor) -> Tensor:
        """Compute the spectrum (batch, n_chans, n_frequencies) of signals in µV."""
        with without_autocast(signals):
            power = self.segments(as_real(signals)).mean(dim=-2)
            return to_decibel(power) if self.decibel else power


SPEC = TransformSpec(
    name="welch",
    summary="power spectral density by Welch's method in dB: (n_chans, n_frequencies)",
    source="scipy.signal.welch",
    make=Welch,
)
