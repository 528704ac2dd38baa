"""Spectrogram: power of each channel over frequency and time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from bids_dl.transforms.precision import as_real, without_autocast
from bids_dl.transforms.segments import SegmentPower, make_taper, segment_samples, select_bins


@dataclass(frozen=True, slots=True)
class SpectrogramSettings:
    """Segments and frequencies of a spectrogram.

    Parameters
    ----------
    seconds
        Length of a segment in s. Frequencies are multiples of its inverse.
    step
        Seconds from the start of one segment to that of the next.
    band
        Lowest and highest frequency in Hz, both included.
    """

    seconds: float = 1.0
    step: float = 0.1
    band: tuple[float, float] = (0.5, 20.0)


class Spectrogram(nn.Module):
    """Power spectral density of segments with a periodic Hann taper.

    Parameters
    ----------
    transform
        Name of the transform that holds the spectrogram, for messages.
    n_times
        Samples of a window.
    sfreq
        Sampling rate in Hz.
    settings
        Segments and frequencies.

    Attributes
    ----------
    n_frequencies, n_segments
        Shape of the spectrogram of a channel.
    frequencies
        (n_frequencies,) in Hz.

    Raises
    ------
    ModelError
        The window is shorter than a segment, or the band has no frequency or ends above half the
        sampling rate.

    Examples
    --------
    >>> import torch
    >>> spectrogram = Spectrogram("power-image", 256, 128.0, SpectrogramSettings())
    >>> spectrogram(torch.randn(8, 24, 256)).shape
    torch.Size([8, 24, 20, 10])
    """

    def __init__(
        self, transform: str, n_times: int, sfreq: float, settings: SpectrogramSettings
    ) -> None:
        super().__init__()
        n_samples = segment_samples(transform, settings.seconds, n_times, sfreq)
        step = max(1, round(settings.step * sfreq))
        self.segments = SegmentPower(make_taper("hann", n_samples), step, sfreq, demean=False)
        self.bins = select_bins(transform, self.segments.frequencies, *settings.band)
        self.frequencies = self.segments.frequencies[slice(*self.bins)]
        self.n_frequencies = len(self.frequencies)
        self.n_segments = self.segments.n_segments(n_times)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute the density (..., n_frequencies, n_segments) of signals in µV²/Hz."""
        with without_autocast(signals):
            density: Tensor = self.segments(as_real(signals))
            return density[..., slice(*self.bins)].transpose(-1, -2)
