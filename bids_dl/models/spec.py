"""ModelSpec: the row of the registry that describes a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as ``bids-dl models`` lists it.

    Parameters
    ----------
    name
        Name on the command line and in checkpoints.
    summary
        One line on the architecture and the windows it accepts.
    source
        Publication.
    shape
        Required window shape (n_chans, n_times), None if any shape is accepted.
    make
        Called with n_chans, n_times, n_outputs and sfreq (Hz), and with the options as keywords.
    normalize
        Normalization of the publication: ``"window"``, ``"recording"``, ``"training"``, or
        ``"none"`` for µV. None if the publication names none of these.
    """

    name: str
    summary: str
    source: str
    shape: tuple[int, int] | None
    make: Callable[..., nn.Module]
    normalize: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Names and defaults of the options: the keyword-only parameters of ``make``."""
        parameters = inspect.signature(self.make).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
