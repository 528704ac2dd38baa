"""Parameters of commands, derived from the declarations of `bids_dl.config`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from bids_dl.cli.console import print_warnings, set_verbosity
from bids_dl.cli.log_file import open_log
from bids_dl.config.declaration import DeclaredOption, declared_options, format_default
from bids_dl.config.shell_options import MessageOptions
from bids_dl.errors import ConfigError

Sources = Annotated[
    list[str], typer.Argument(metavar="SOURCE", help="BIDS datasets.", show_default=False)
]
StoreUrl = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        help="Store: a path or any fsspec URL (s3://, https://, ...).",
        show_default=False,
    ),
]

DEPRECATED = "deprecated_"  # prefix of the parameter of a former flag
Command = Callable[..., Any]


def with_options(*declarations: type) -> Callable[[Command], Command]:
    """Add one parameter per declared option to a command.

    The command receives the options that the user passes as keywords. Parameters of its signature
    that are not declared, such as an argument, remain parameters of Typer.

    Parameters
    ----------
    declarations
        `TypedDict` classes of `bids_dl.config.options`; the options of messages are always added.

    Returns
    -------
    Callable
        Decorator of a command.
    """
    options = declared_options(*declarations, MessageOptions)
    offered = {name: option for name, option in options.items() if option.flags}

    def decorate(command: Command) -> Command:
        arguments = [
            parameter
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not parameter.VAR_KEYWORD and parameter.name not in offered
        ]

        def run(**values: Any) -> Any:
            fixed = {parameter.name: values.pop(parameter.name) for parameter in arguments}
            passed = {name: value for name, value in values.items() if value not in (None, [], ())}
            set_verbosity(quiet=passed.pop("quiet", False), verbose=passed.pop("verbose", False))
            open_log(passed.pop("log_file", None))
            _replace_former_flags(passed, offered)
            _check_required(passed, offered)
            return command(**fixed, **passed)

        parameters = [*arguments, *_parameters(offered.values())]
        run.__name__ = command.__name__
        run.__doc__ = command.__doc__
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        run.__dict__["__signature__"] = inspect.Signature(parameters)
        run.__dict__["declarations"] = declarations
        return run

    return decorate


class DocumentedCommand(TyperCommand):
    """A command whose help shows the defaults of the stages, which are imported only then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a second QUERY SECONDS, which may be for another label and would replace it."""
        given = self.make_parser(ctx).parse_args(args=list(args))[2]
        for parameter in self.params:
            if parameter.nargs > 1 and given.count(parameter) > 1:
                raise ConfigError(
                    f"{parameter.opts[0]}: given twice; give it once, or for each label in a "
                    "file (--config)"
                )
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with the default of each option that has one."""
        from bids_dl.config.option_stages import default_value

        callback = inspect.unwrap(self.callback) if self.callback else None
        for declaration in getattr(callback, "declarations", ()):
            for parameter in self.params:
                if isinstance(parameter, TyperOption):
                    default = format_default(default_value(declaration, str(parameter.name)))
                    parameter.show_default = default or parameter.show_default
        super().format_help(ctx, formatter)


def with_flags(message: str, declarations: Iterable[type]) -> str:
    """Write the options in a message as they are typed, not as they are written in Python.

    Examples
    --------
    >>> from bids_dl.config.training_options import TrainOptions
    >>> with_flags("drop_missing=True leaves them out", [TrainOptions])
    '--drop-missing leaves them out'
    """
    for name, option in declared_options(*declarations).items():
        if option.flags:
            message = re.sub(rf"\b{name}=True\b", option.flags[0], message)
    return message


def _parameters(options: Iterable[DeclaredOption]) -> list[inspect.Parameter]:
    """Return the parameters of options, and hidden ones for their former flags."""
    parameters = []
    for option in options:
        parameters.append(_parameter(option, option.name, option.flags, hidden=False))
        if option.opt.former:
            former = (option.opt.former,)
            parameters.append(_parameter(option, DEPRECATED + option.name, former, hidden=True))
    return parameters


def _parameter(
    option: DeclaredOption, name: str, flags: tuple[str, ...], *, hidden: bool
) -> inspect.Parameter:
    requirement = " Required." if option.required else ""
    info = typer.Option(
        *flags,
        help=option.opt.help + requirement,
        metavar=option.opt.metavar,
        rich_help_panel=option.opt.panel,
        show_default=False,
        hidden=hidden,
    )
    annotation: Any = Annotated[option.shell_type | None, info]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _replace_former_flags(passed: dict[str, Any], options: dict[str, DeclaredOption]) -> None:
    """Move the values of former flags to their options, with a warning."""
    for name, option in options.items():
        value = passed.pop(DEPRECATED + name, None)
        if value is not None:
            print_warnings([f"{option.opt.former} is deprecated; use {option.flags[0]}"])
            passed.setdefault(name, value)


def _check_required(passed: dict[str, Any], options: dict[str, DeclaredOption]) -> None:
    """Refuse a command without an option that it requires."""
    for name, option in options.items():
        if option.required and name not in passed:
            raise ConfigError(f"option {option.flags[0]} {option.opt.metavar} is required")
