"""Description of options, and their list by declaration.

`bids_dl.config.options` declares each option as a line of a `TypedDict`; this module reads it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Required, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Opt:
    """Description of an option, beside its name and its type.

    Attributes
    ----------
    help
        One sentence for the help of a command.
    metavar
        Placeholder of the value; None: derived from the type.
    panel
        Heading of the help under which the option is listed.
    cli
        Type on the command line; None: derived from the type in Python.
    flags
        Names on the command line; None: ``--name-with-dashes``; empty: only in Python and in files.
    former
        Flag of an earlier version, which is still accepted with a warning.
    """

    help: str
    metavar: str | None = None
    panel: str | None = None
    cli: Any = None
    flags: tuple[str, ...] | None = None
    former: str | None = None


class DeclaredOption(NamedTuple):
    """A declared option: its name, its type in Python, its description, and if it is required."""

    name: str
    type: Any
    opt: Opt
    required: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """Names on the command line, the long one first. Empty if it is not offered there."""
        default = (f"--{self.name.replace('_', '-')}",)
        return default if self.opt.flags is None else self.opt.flags

    @property
    def shell_type(self) -> Any:
        """Type on the command line: text for a path, repeatable texts for a list or a mapping."""
        if self.opt.cli is not None:
            return self.opt.cli
        parts = get_args(self.type) or (self.type,)
        kinds = {get_origin(part) or part for part in (self.type, *parts)}
        if kinds & {Mapping, Sequence}:
            return list[str]
        return str if os.PathLike in kinds else self.type

    @property
    def key(self) -> str:
        """Name in a file of options: that of the flag, if it differs from the name in Python."""
        return self.flags[0].removeprefix("--").replace("-", "_") if self.flags else self.name


def declared_options(*declarations: type) -> dict[str, DeclaredOption]:
    """List the options of `TypedDict` classes by name, in the order of their declaration.

    Examples
    --------
    >>> from bids_dl.config.options import WindowOptions
    >>> list(declared_options(WindowOptions))
    ['window', 'stride', 'tmin', 'tmax']
    >>> declared_options(WindowOptions)["stride"].flags
    ('--stride',)
    """
    options = {}
    for declaration in declarations:
        for name, hint in get_type_hints(declaration, include_extras=True).items():
            required = get_origin(hint) is Required
            annotated = get_args(hint)[0] if required else hint
            kind, opt = get_args(annotated)
            options[name] = DeclaredOption(name, kind, opt, required)
    return options


def format_default(value: Any) -> str:
    """Format the default of an option as it is typed, or as "" if it is None or empty.

    Examples
    --------
    >>> format_default((0.7, 0.15, 0.15)), format_default(("label",)), format_default(None)
    ('0.7,0.15,0.15', 'label', '')
    """
    if value is None or value is False or value in ((), {}):
        return ""
    if isinstance(value, tuple):
        return ",".join(map(format_default, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
