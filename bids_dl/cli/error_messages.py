"""Messages of errors of the command line: one line each, with the value and the flags."""

from __future__ import annotations

import itertools
import sys

import typer

from bids_dl.cli import console
from bids_dl.cli.parameters import with_flags
from bids_dl.errors import BidsDlError
from bids_dl.output import describe_os_error

RESUMABLE = ("convert", "train", "push", "pull")  # commands that go on where they were interrupted


def describe_failed_io(problem: OSError) -> str:
    """Describe an error of the system, with its path or that it is of standard output."""
    try:
        console.flush_output()
    except OSError as of_output:
        problem = of_output
    return describe_os_error(problem)


def describe_problem(problem: BidsDlError, app: typer.Typer) -> str:
    """Describe an error, with the flags of the options that it names."""
    declarations: list[type] = []
    for command in app.registered_commands:
        declarations.extend(getattr(command.callback, "declarations", ()))
    return with_flags(problem.shell_text or str(problem), declarations)


def describe_interruption() -> str:
    """Describe the end of an interrupted command, and how to resume it if that is possible."""
    is_resumable = sys.argv[1:2] and sys.argv[1] in RESUMABLE
    return "interrupted; run the same command again to resume" if is_resumable else "interrupted"


def describe_usage_error(problem: Exception, app: typer.Typer) -> str:
    """Describe an error of Typer in one line, with the value it was given.

    The description is empty if Typer has printed the help.
    """
    from bids_dl.config import validation

    format_message = getattr(problem, "format_message", None)
    message = format_message() if format_message else str(problem)
    if not message:
        return ""
    flags = getattr(getattr(problem, "param", None), "opts", ())
    refused = validation.explain_cause(problem)
    if refused and flags:
        return f"{flags[0]} {refused.rstrip('.')} (see: {_help_command(app)})"
    value = ""
    for word, following in itertools.pairwise(sys.argv):
        if word in flags:
            value = f", got {following!r}"
            break
    return f"{' '.join(message.split())}{value} (see: {_help_command(app)})"


def _help_command(app: typer.Typer) -> str:
    """Return the command that shows the help of the command that was given, if it exists."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    for command in app.registered_commands:
        if command.callback is not None and command.callback.__name__ == name:
            return f"bids-dl {name} --help"
    for group in app.registered_groups:
        if group.typer_instance is not None and group.typer_instance.info.name == name:
            return f"bids-dl {name} --help"
    return "bids-dl --help"
