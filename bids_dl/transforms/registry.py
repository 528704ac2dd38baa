"""All transforms by name. A new transform is its file and an entry in `TRANSFORMS`."""

from __future__ import annotations

from bids_dl.transforms import (
    multitaper,
    power_image,
    spectrogram_image,
    tapered_fft,
    topography,
    welch,
)

TRANSFORMS = {
    spec.name: spec
    for spec in (
        welch.SPEC,
        multitaper.SPEC,
        topography.SPEC,
        spectrogram_image.SPEC,
        tapered_fft.SPEC,
        power_image.SPEC,
    )
}
