"""Plug-ins: steps, models and sources that other distributions register by entry points.

They are listed by the metadata of distributions, without an import, and imported by name when one
is asked for. A name of bids_dl is never replaced by that of a plug-in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal

from bids_dl.errors import ConfigError

Kind = Literal["step", "model", "source"]
GROUPS: dict[Kind, str] = {
    "step": "bids_dl.steps",
    "model": "bids_dl.models",
    "source": "bids_dl.sources",
}
"""Groups of entry points, by the kind of the objects."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An object that another distribution registers under a name.

    Attributes
    ----------
    name
        Name that users write: of a step, of a model, or the scheme of a source.
    place
        Module and object, such as ``"mylab.steps:Detrend"``.
    distribution, version
        Distribution that registers it; "" if its metadata is damaged.
    """

    kind: Kind
    name: str
    place: str
    distribution: str
    version: str

    @property
    def package(self) -> str:
        """Distribution and version, such as ``"mylab 1.5"``."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> Any:
        """Import the object.

        Raises
        ------
        ConfigError
            The import fails, whatever its exception.
        """
        try:
            return metadata.EntryPoint(self.name, self.place, GROUPS[self.kind]).load()
        except (Exception, SystemExit) as error:  # a module may end the program
            reason = (str(error).splitlines() or [""])[0]
            raise self.refuse(f"cannot be loaded: {type(error).__name__}: {reason}") from error

    def refuse(self, reason: str) -> ConfigError:
        """Return the error of a plug-in that cannot be used.

        Examples
        --------
        >>> Plugin("step", "hum", "mylab:Hum", "mylab", "1.5").refuse("is no class")
        ConfigError('step hum: mylab:Hum of the plug-in mylab 1.5 is no class; repair the plug-in \
or uninstall it')
        """
        return ConfigError(
            f"{self.kind} {self.name}: {self.place} of the plug-in {self.package} {reason}; "
            "repair the plug-in or uninstall it"
        )


def list_plugins(kind: Kind) -> list[Plugin]:
    """Return the plug-ins of installed distributions, sorted by name, without an import.

    Examples
    --------
    >>> isinstance(list_plugins("model"), list)
    True
    """
    plugins = set()
    for point in metadata.entry_points(group=GROUPS[kind]):
        name, version = _distribution_of(point)
        plugins.add(Plugin(kind, point.name, point.value, name, version))
    return sorted(plugins, key=lambda plugin: (plugin.name, plugin.package))


def find_plugin(kind: Kind, name: str) -> Plugin | None:
    """Return the plug-in of a name, None if no distribution registers it.

    Raises
    ------
    ConfigError
        Two distributions register the name.
    """
    found = [plugin for plugin in list_plugins(kind) if plugin.name == name]
    if len(found) > 1:
        owners = " and ".join(plugin.package for plugin in found)
        raise ConfigError(f"{kind} {name}: registered by {owners}; uninstall one of them")
    return found[0] if found else None


def describe_ignored(kind: Kind, names: Collection[str]) -> list[str]:
    """Return one line for each plug-in that is ignored, because bids_dl has its name.

    Parameters
    ----------
    names
        Names that bids_dl has.
    """
    return [
        f"{kind} {plugin.name} of {plugin.package} is ignored, because bids_dl has a {kind} of "
        "this name"
        for plugin in list_plugins(kind)
        if plugin.name in names
    ]


def _distribution_of(point: metadata.EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution of an entry point, "" if they are unknown."""
    if point.dist is None:
        return "", ""
    return str(point.dist.metadata["Name"] or ""), str(point.dist.metadata["Version"] or "")
