"""TaperedFFT: log power and phase of the whole window, side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms.precision import as_buffer, as_real, without_autocast
from bids_dl.transforms.segments import make_taper
from bids_dl.transforms.spec import TransformSpec

MIN_SQUARE = 1e-12  # µV², of a Fourier coefficient; a flat channel has a finite logarithm


class TaperedFFT(nn.Module):
    """Log power minus its mean, then phase, of the Fourier transform of a window.

    The input of Truong et al. 2021 (arXiv:2105.04762). The taper is a symmetric Hamming window.
    Frequencies begin at 0 Hz and end before half the sampling rate. The released code transforms
    the first window of a recording for all of its windows; this transform does not.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    sfreq
        Sampling rate in Hz. The features do not depend on it.

    Attributes
    ----------
    output_shape
        (n_chans, n_times), or (n_chans, n_times - 1) if n_times is odd. The first half is the
        natural logarithm of the power, minus its mean over the frequencies of the channel. The
        second half is the phase in rad.

    Raises
    ------
    ModelError
        The window has fewer than two samples.

    Examples
    --------
    >>> TaperedFFT(24, 256, 128.0)(torch.randn(8, 24, 256)).shape
    torch.Size([8, 24, 256])
    """

    taper: Tensor

    def __init__(self, n_chans: int, n_times: int, sfreq: float) -> None:
        super().__init__()
        del sfreq
        if n_times < 2:
            raise ModelError(f"transform tapered-fft expects at least 2 samples, got {n_times}")
        self.n_bins = n_times // 2
        self.register_buffer("taper", as_buffer(make_taper("hamming", n_times)))
        self.output_shape = (n_chans, 2 * self.n_bins)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute the features (batch, n_chans, 2 * n_bins) of signals in µV."""
        with without_autocast(signals):
            signals = as_real(signals)
            spectrum = torch.fft.rfft(signals * self.taper.to(signals.dtype))[..., : self.n_bins]
            power = spectrum.real.square() + spectrum.imag.square()
            log_power = power.clamp(min=MIN_SQUARE).log()
            centered = log_power - log_power.mean(dim=-1, keepdim=True)
            return torch.cat([centered, spectrum.angle()], dim=-1)


SPEC = TransformSpec(
    name="tapered-fft",
    summary="log power minus its mean, then phase, of the whole window: (n_chans, n_times)",
    source="Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762",
    make=TaperedFFT,
)
