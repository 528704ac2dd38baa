"""TransformSpec: the row of the registry that describes a transform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, slots=True)
class TransformSpec:
    """A transform of the signals, which is the first layer of a model.

    Parameters
    ----------
    name
        Name in `bids_dl.models.ModelSpec`.
    summary
        One line on the features and their shape.
    source
        Publication, or the function of another library that the transform equals.
    make
        Class of the transform. It is called with n_chans, n_times and sfreq in Hz, and with
        positions if ``needs_positions`` is True.
    needs_positions
        True if the transform places channels on the head.
    """

    name: str
    summary: str
    source: str
    make: Callable[..., nn.Module]
    needs_positions: bool = False
