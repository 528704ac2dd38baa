"""Errors of the functions of `bids_dl` name options as arguments, not as flags."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from bids_dl.api.option_documentation import document_options
from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.declaration import DeclaredOption, declared_options
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.export_options import ExportOptions
from bids_dl.config.labelling_options import LabellingOptions
from bids_dl.config.options import ConvertOptions, EventsOptions, ReportOptions, VerifyOptions
from bids_dl.config.pretraining_options import PretrainOptions
from bids_dl.config.publishing_options import PullOptions, PushOptions
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

    The code behind it writes ``--drop-missing``, which the error keeps as `shell_text`. The error
    of a package that is not installed has the command that installs it. The docstring gets the
    options of the function, so that ``help`` lists them.
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
        except ModuleNotFoundError as error:
            # imported here, because it needs zlib, which MATLAB's libraries break (eeglab/bridge)
            from bids_dl.requirements import missing_package

            missing = missing_package(error)
            if missing is None:
                raise
            raise missing from error

    call.__doc__ = document_options(function)
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
        *(EventsOptions, ConvertOptions, VerifyOptions, ReportOptions, ExportOptions),
        CatalogueOptions,
        *(TrainOptions, PredictOptions, CompareOptions, ExplainOptions),
        *(EmbedOptions, ProbeOptions, PretrainOptions, SimulateOptions, LabellingOptions),
        *(PushOptions, PullOptions),
    )
    options = {}
    for option in declared_options(*declarations).values():
        if option.flags:
            options[option.flags[0]] = option
    return options
