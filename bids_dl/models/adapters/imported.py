"""Models of other people: ``MODULE:CLASS``, and those of plug-ins."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.spec import ModelSpec
from bids_dl.plugins import Plugin

SIZES = ("n_chans", "n_times", "n_outputs", "sfreq")
CHANNEL_ARGUMENTS = ("ch_names", "positions")


def find_imported(name: str) -> ModelSpec:
    """Return the description of a model in any module.

    The class, or the function that builds the model, is called with those of n_chans, n_times,
    n_outputs, sfreq, ch_names and positions that it has parameters for. Its other parameters are
    options.

    Parameters
    ----------
    name
        ``MODULE:CLASS``, such as ``"mylab.networks:Net"``. The current folder is searched too.

    Raises
    ------
    ConfigError
        The module has no such class or function.
    ModelError
        The module cannot be imported.

    Examples
    --------
    >>> find_imported("torch.nn:Linear").package.split()[0]
    'torch'
    """
    module_name, _, attribute = name.partition(":")
    module = _import(module_name, name)
    make = module
    for part in attribute.split("."):
        make = getattr(make, part, None)
    if make is None:
        raise ConfigError(f"model {name}: module {module_name} has no {attribute}")
    return describe_factory(name, make, _package_of(module_name))


def find_registered(plugin: Plugin) -> ModelSpec:
    """Return the description of a model that a distribution registers.

    Raises
    ------
    ConfigError
        The plug-in cannot be imported, or is no model.
    """
    return describe_factory(plugin.name, plugin.load(), plugin.package)


def describe_factory(name: str, make: Any, package: str) -> ModelSpec:
    """Return the description of a class or function that builds a network.

    Raises
    ------
    ConfigError
        It is neither a subclass of ``torch.nn.Module`` nor a function.

    Examples
    --------
    >>> def make_net(n_chans, n_outputs, *, width=8): ...
    >>> describe_factory("net", make_net, "mylab 1.0").options
    {'width': 8}
    """
    is_class = isinstance(make, type) and issubclass(make, nn.Module)
    if not is_class and not inspect.isfunction(make):
        raise ConfigError(
            f"model {name} is neither a subclass of torch.nn.Module nor a function that builds one"
        )
    parameters = inspect.signature(make).parameters.values()
    names = {parameter.name for parameter in parameters}
    options = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.name not in (*SIZES, *CHANNEL_ARGUMENTS)
        and parameter.default is not parameter.empty
    }
    return ModelSpec(
        name=name,
        summary=(inspect.getdoc(make) or "").partition("\n")[0].rstrip("."),
        source=package,
        shape=None,
        make=partial(_make, make, frozenset(names)),
        licence="",
        needs_positions="positions" in names,
        needs_names="ch_names" in names,
        needs_memory=True,
        more_options=options,
        package=package,
    )


def name_of(make: Callable[..., nn.Module]) -> str:
    """Return the name by which `find_imported` finds a class or function.

    Raises
    ------
    ConfigError
        It is defined inside a function, or changed since, so that a name does not find it.

    Examples
    --------
    >>> name_of(nn.Linear)
    'torch.nn.modules.linear:Linear'
    """
    qualified = getattr(make, "__qualname__", "")
    module_name = getattr(make, "__module__", "")
    found: Any = sys.modules.get(module_name)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if found is not make or not qualified:
        shown = qualified or type(make).__name__
        raise ConfigError(
            f"model {shown}: expected a class or function at the top level of a module, because "
            "predict finds the model by its name"
        )
    return f"{module_name}:{qualified}"


def _make(
    make: Callable[..., Any],
    names: frozenset[str],
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    **options: Any,
) -> nn.Module:
    """Call a class or function with the sizes it has parameters for."""
    sizes = dict(zip(SIZES, (n_chans, n_times, n_outputs, sfreq), strict=True))
    arguments = {key: value for key, value in sizes.items() if key in names}
    network = make(**arguments, **options)
    if not isinstance(network, nn.Module):
        raise TypeError(f"it returned {type(network).__name__}, expected a torch.nn.Module")
    return network


def _import(module_name: str, name: str) -> Any:
    """Import a module, from the current folder too."""
    if "" not in sys.path:
        sys.path.append("")  # the current folder, as for python -m
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        raise ModelError(
            f"model {name}: no module {missing}; install its package, or go to its folder"
        ) from error
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"model {name}: importing {module_name} fails: {reason}") from error


def _package_of(module_name: str) -> str:
    """Return the distribution and version of a module, or its name if it has no distribution."""
    root = module_name.partition(".")[0]
    distributions = _list_distributions(_search_path()).get(root, [])
    if not distributions:
        return f"{root} (no distribution)"
    return f"{distributions[0]} {metadata.version(distributions[0])}"


@lru_cache(maxsize=1)
def _list_distributions(
    search_path: tuple[tuple[str, int], ...],  # noqa: ARG001
) -> Mapping[str, list[str]]:
    """Return the distributions of each top-level module, listed once for a search path.

    Listing reads the metadata of all installed distributions, and a prediction with five models
    asks for it twenty times.
    """
    return metadata.packages_distributions()


def _search_path() -> tuple[tuple[str, int], ...]:
    """Return the folders of `sys.path` with their times of change, which pip alters."""
    folders = [Path(name) for name in sys.path]
    return tuple((str(path), path.stat().st_mtime_ns) for path in folders if path.exists())
