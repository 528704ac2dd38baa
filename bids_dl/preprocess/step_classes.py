"""Classes of steps by name: those of bids_dl, and those of plug-ins that are asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from bids_dl.plugins import Plugin, find_plugin, list_plugins
from bids_dl.preprocess.step import StepTraits
from bids_dl.preprocess.steps.registry import STEPS, WINDOW_STEPS

METHODS = ("required_context", "output_spec")  # of every step
WORK = ("apply", "apply_windows")  # of a step on signals, and of one on windows


@dataclass(frozen=True, slots=True)
class StepClass:
    """Class of a step.

    Attributes
    ----------
    make
        The class. Called with the parameters of a recipe.
    is_on_windows
        True if the step works on windows, False if it works on the continuous signal.
    plugin
        Origin of the class; None for a step of bids_dl.
    """

    make: type[Any]
    is_on_windows: bool
    plugin: Plugin | None = None

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters, in order."""
        return [field.name for field in fields(self.make) if field.init]


def find_step(name: str) -> StepClass | None:
    """Return the class of a step, None if there is no step of this name.

    Raises
    ------
    ConfigError
        The plug-in of the step cannot be imported, or its object is no step.

    Examples
    --------
    >>> find_step("resample").parameters
    ['sfreq', 'method']
    """
    if name in STEPS:
        return StepClass(STEPS[name], name in WINDOW_STEPS)
    plugin = find_plugin("step", name)
    return None if plugin is None else _load_step(plugin)


def list_steps() -> list[str]:
    """Return the names of all steps: of bids_dl, then of plug-ins."""
    return list(dict.fromkeys([*STEPS, *(plugin.name for plugin in list_plugins("step"))]))


def _load_step(plugin: Plugin) -> StepClass:
    """Import the class of a plug-in, and check that it has what recipes use."""
    loaded = plugin.load()
    if not isinstance(loaded, type) or not is_dataclass(loaded):
        raise plugin.refuse("is no dataclass, whose fields would be the parameters of the step")
    own_name = getattr(loaded, "name", None)
    if own_name != plugin.name:
        raise plugin.refuse(f"has the attribute name {own_name!r}, expected {plugin.name!r}")
    missing = [name for name in ("traits", *METHODS) if not hasattr(loaded, name)]
    if missing:
        raise plugin.refuse(f"has no {' and no '.join(missing)}")
    traits = getattr(loaded, "traits", None)
    if not isinstance(traits, StepTraits):
        raise plugin.refuse(f"has traits of type {type(traits).__name__}, expected StepTraits")
    work = [name for name in WORK if hasattr(loaded, name)]
    if len(work) != 1:
        found = " and ".join(work) or "neither"
        raise plugin.refuse(f"has {found}, expected one of {' and '.join(WORK)}")
    return StepClass(loaded, work == ["apply_windows"], plugin)
