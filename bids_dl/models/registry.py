"""Which models there are, what they need, and how they are built."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import r_scnn, shallow_fbcsp


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as ``bids-dl models`` lists it.

    Parameters
    ----------
    shape
        (n_chans, n_times) that its layers need, None where any fits.
    make
        Called with n_chans, n_times, n_outputs, sfreq, and the options by keyword.
    """

    name: str
    summary: str
    source: str
    shape: tuple[int, int] | None
    make: Callable[..., nn.Module]

    @property
    def options(self) -> dict[str, Any]:
        """What can be set, with its default."""
        parameters = inspect.signature(self.make).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="shallow-fbcsp",
            summary="band-pass and spatial filters, log power: small, for any montage, rate and window",
            source="Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
            shape=None,
            make=shallow_fbcsp.ShallowFBCSP,
        ),
        ModelSpec(
            name="r-scnn",
            summary="six convolutions over raw signals of 24 channels and 256 samples (2 s at 128 Hz)",
            source="Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762",
            shape=r_scnn.SHAPE,
            make=r_scnn.RSCNN,
        ),
    )
}


def check_shape(name: str, shape: tuple[int, int], owner: str) -> None:
    """Refuse windows (n_chans, n_times) that a model cannot take, naming what they belong to.

    Raises
    ------
    ConfigError
        Where no model has this name.
    ModelError
        Where the shape does not fit.
    """
    wanted = _known(name).shape
    if wanted is not None and tuple(shape) != wanted:
        raise ModelError(f"model {name} wants windows of {wanted}, {owner} has {tuple(shape)}")


def build(
    name: str, *, n_chans: int, n_times: int, n_outputs: int, sfreq: float, **options: Any
) -> nn.Module:
    """Make a model with fresh weights, drawn from torch's global generator.

    Raises
    ------
    ConfigError
        An unknown model or option, or an option out of range.
    ModelError
        Windows that the model cannot take.
    """
    spec = _known(name)
    check_shape(name, (n_chans, n_times), "the input")
    if unknown := sorted(set(options) - set(spec.options)):
        close = _closest(unknown[0], spec.options)
        raise ConfigError(
            f"model {name} has no option {unknown[0]!r}{close}; it has {', '.join(spec.options)}"
        )
    try:
        return spec.make(n_chans, n_times, n_outputs, sfreq, **options)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise ConfigError(
            f"model {name} cannot be built with {given}: {str(error).splitlines()[0]}"
        ) from error


def _known(name: str) -> ModelSpec:
    if name not in MODELS:
        raise ConfigError(
            f"no model {name!r}{_closest(name, MODELS)}; there are {', '.join(MODELS)}"
        )
    return MODELS[name]


def _closest(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""
