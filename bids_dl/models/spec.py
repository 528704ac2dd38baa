"""ModelSpec: the row of the registry that describes a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    licence
        Licence of the code, as an SPDX identifier.
    rate
        Sampling rate of the publication in Hz. None if the publication names none.
    min_seconds
        Length of the shortest window in s. None if any length is accepted.
    transforms
        Names of the transforms that the model holds, in order.
    needs_positions
        ``make`` also takes the keyword ``positions``: float64 (n_chans, 3) in m, head coordinates.
    needs_names
        ``make`` also takes the keyword ``ch_names``: the names of the channels, in order.
    any_channels
        One network takes any channels in any order, without their positions or names.
    needs_memory
        The model cannot be built on the meta device.
    example
        n_chans, n_times and sfreq (Hz) of the windows for which parameters are counted.
    more_options
        Names and defaults of options that the signature of ``make`` does not list.
    package
        Distribution and version of a model of another package.
    has_fixed_scale
        The model accepts no other normalization than ``normalize``.
    hub
        Repository of pretrained weights on the Hugging Face hub.
    find_warnings
        Called with the names of the channels of a store. Returns one line for each doubt about the
        model on these channels.
    find_pretraining_warnings
        Called with the names of the datasets of a store and with the steps of its recipe, each as
        its name and parameters, None if unknown. Returns one line for each doubt about pretrained
        weights on this store.
    """

    name: str
    summary: str
    source: str
    shape: tuple[int, int] | None
    make: Callable[..., nn.Module]
    normalize: str | None = None
    licence: str = "BSD-3-Clause"
    rate: float | None = None
    min_seconds: float | None = None
    transforms: tuple[str, ...] = ()
    needs_positions: bool = False
    needs_names: bool = False
    any_channels: bool = False
    needs_memory: bool = False
    example: tuple[int, int, float] = (24, 256, 128.0)
    more_options: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""
    has_fixed_scale: bool = False
    hub: str = ""
    find_warnings: Callable[[Sequence[str]], list[str]] | None = None
    find_pretraining_warnings: (
        Callable[[Sequence[str], Sequence[Mapping[str, Any]] | None], list[str]] | None
    ) = None

    @property
    def options(self) -> dict[str, Any]:
        """Names and defaults of the options: the keyword-only parameters of ``make``."""
        parameters = inspect.signature(self.make).parameters.values()
        options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        for name in ("positions", "ch_names"):  # belong to the windows
            options.pop(name, None)
        return options | dict(self.more_options)
