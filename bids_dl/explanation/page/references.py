"""Publications of the methods of an explanation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodReference:
    """A method, its publication, and the DOI of the publication."""

    method: str
    publication: str
    doi: str


REFERENCES = (
    MethodReference(
        "best windows, activation maximization and saliency of EEG",
        "Truong, Makeig, Delorme 2021, Assessing learned features of deep learning applied to EEG",
        "10.48550/arXiv.2111.04309",
    ),
    MethodReference(
        "gradient, activation maximization",
        "Simonyan, Vedaldi, Zisserman 2013, Deep inside convolutional networks",
        "10.48550/arXiv.1312.6034",
    ),
    MethodReference(
        "integrated gradients",
        "Sundararajan, Taly, Yan 2017, Axiomatic attribution for deep networks",
        "10.48550/arXiv.1703.01365",
    ),
    MethodReference(
        "randomization of weights",
        "Adebayo et al. 2018, Sanity checks for saliency maps",
        "10.48550/arXiv.1810.03292",
    ),
    MethodReference(
        "removal at random as a control",
        "Hooker et al. 2019, A benchmark for interpretability methods in deep neural networks",
        "10.48550/arXiv.1806.10758",
    ),
    MethodReference(
        "interpolation between electrodes",
        "Sandwell 1987, Biharmonic spline interpolation of GEOS-3 and SEASAT altimeter data",
        "10.1029/GL014i002p00139",
    ),
)
