"""Torch modules from signals (batch, n_chans, n_times) in µV to another representation.

A model holds its transform as a submodule, so that both are saved together. Each transform is
called with n_chans, n_times and sfreq in Hz, and has the shape of its features as
``output_shape``. It computes in float32 also under autocast, and in float64 for signals in float64.
"""

from __future__ import annotations

from bids_dl.transforms.multitaper import Multitaper
from bids_dl.transforms.power_image import PowerImage
from bids_dl.transforms.registry import TRANSFORMS
from bids_dl.transforms.spec import TransformSpec
from bids_dl.transforms.spectrogram_image import HMS, ImageSettings, SpectrogramImage
from bids_dl.transforms.tapered_fft import TaperedFFT
from bids_dl.transforms.topography import BandTopography
from bids_dl.transforms.welch import SPECTOPO, Welch, WelchSettings

__all__ = [
    "HMS",
    "SPECTOPO",
    "TRANSFORMS",
    "BandTopography",
    "ImageSettings",
    "Multitaper",
    "PowerImage",
    "SpectrogramImage",
    "TaperedFFT",
    "TransformSpec",
    "Welch",
    "WelchSettings",
]
