"""Errors of the functions of `bids_dl` name options as arguments, not as flags."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from bids_dl.config.declaration import DeclaredOption, declared_options
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.options import ConvertOptions, EventsOptions, ReportOptions, VerifyOptions
from bids_dl.config.pretraining_options import PretrainOptions
from bids_dl.config.simulation_options import SimulateOptions
from bids_dl.config.training_options import CompareOptions, PredictOptions, TrainOptions
from bids_dl.errors import BidsDlError

P = ParamSpec("P")
R = TypeVar("R")

FLAG_OR_COMMAND = re.compile(
    r"""`bids-dl [^`]*`|(?<![\w-])(?P<flag>--[a-z][a-z-]*)(?P<value>[ ](?=[-A-Z\d"'\[({]))?"""
)
"""A whole command, whose flags are right as they are; or a flag, and the space before its value."""


def name_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that its errors name arguments: ``drop_missing``.

    The code behind it writes ``--drop-missing``, which the error keeps as `shell_text`.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BidsDlError as problem:
            if problem.shell_text is None and problem.args:
                problem.shell_text = str(problem)
                problem.args = (with_arguments(str(problem.args[0])), *problem.args[1:])
            raise

    return call


def with_arguments(message: str) -> str:
    """Write the options in a message as they are written in Python, not as they are typed.

    Examples
    --------
    >>> with_arguments("--min-duration 'x': expected a number")
    "min_duration='x': expected a number"
    >>> with_arguments("`bids-dl verify --source` or --overwrite, not --storage-option")
    '`bids-dl verify --source` or overwrite=True, not storage_options'
    """
    return FLAG_OR_COMMAND.sub(_argument, message)


def _argument(match: re.Match[str]) -> str:
    """Return a flag as an argument, and anything else as it is."""
    option = _options_by_flag().get(match["flag"] or "")
    if option is None:
        return match[0]
    if match["value"]:
        return f"{option.name}="
    return f"{option.name}=True" if option.type is bool else option.name


@cache
def _options_by_flag() -> dict[str, DeclaredOption]:
    """Return the options of all functions by their long flags."""
    declarations = (
        *(EventsOptions, ConvertOptions, VerifyOptions, ReportOptions),
        *(TrainOptions, PredictOptions, CompareOptions, ExplainOptions),
        *(EmbedOptions, ProbeOptions, PretrainOptions, SimulateOptions),
    )
    options = {}
    for option in declared_options(*declarations).values():
        if option.flags:
            options[option.flags[0]] = option
    return options
