"""Models of braindecode as ``braindecode/<Name>``, with the contracts of pretrained ones."""

from __future__ import annotations

import inspect
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.adapters.braindecode_rows import (
    APACHE,
    HUB,
    MIT,
    NON_COMMERCIAL,
    REFUSED,
    ROWS,
    BraindecodeRow,
)
from bids_dl.models.adapters.contracts import (
    CONTRACTS,
    Contract,
    Scale,
    find_pretraining_warnings,
)
from bids_dl.models.adapters.packages import import_optional, installed_version
from bids_dl.models.spec import ModelSpec
from bids_dl.wording import closest, join_names

PREFIX = "braindecode/"
QUANTILE = 0.95  # of absolute values that BIOT divides each channel by
MAX_DEVIATIONS = 15.0  # limit of the z-scored input of REVE
REVE_FOLDER = "REVE_POSITIONS_PATH"  # variable with the folder of REVE's positions
REVE_FILE = "reve_positions.json"
WINDOW_ARGUMENTS = frozenset(
    {"n_chans", "n_outputs", "n_times", "sfreq", "chs_info", "input_window_seconds", "self"}
)
MARKUP = re.compile(r"\\ |\*|`|\[\w+\]_")  # of reStructuredText
BUILD_ERRORS = (  # of networks of braindecode for windows that are too short or have few channels
    *(RuntimeError, AssertionError, ZeroDivisionError),
    *(KeyError, ValueError, OSError),
)
SIMPLE_TYPES = (bool, int, float, str)
FORMER_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
"""Names of the 10-20 system by those of the 10-05 system."""


def find_braindecode(name: str) -> ModelSpec:
    """Return the description of a model of braindecode, which is imported.

    Parameters
    ----------
    name
        Name with the prefix, such as ``"braindecode/EEGNeX"``.

    Raises
    ------
    ConfigError
        There is no such model, or it does not classify windows.
    ModelError
        braindecode is not installed, or has another version without this model.
    """
    model = name.removeprefix(PREFIX)
    if model in REFUSED:
        raise ConfigError(f"model {name} does not classify windows: {REFUSED[model]}")
    if model not in ROWS:
        match = closest(model, ROWS)
        hint = f"did you mean {PREFIX}{match}?" if match else f"available: {', '.join(ROWS)}"
        raise ConfigError(f"unknown model {name!r}; {hint}")
    row = ROWS[model]
    models = import_optional("braindecode.models", "braindecode")
    package = installed_version("braindecode")
    make = getattr(models, model, None)
    if make is None:
        raise ModelError(f"model {name}: {package} has no such model; update braindecode")
    contract = CONTRACTS.get(model)
    return ModelSpec(
        name=name,
        summary=_summarize(make, row, contract),
        source=f"{package}; its documentation names the publication",
        shape=None,
        make=partial(_make, make, name),
        normalize=None if contract is None else contract.normalize,
        licence=_licence_of(model),
        rate=row.rate,
        min_seconds=None if contract is None else contract.min_samples / contract.rate,
        needs_positions=row.needs == "positions",
        needs_names=bool(row.needs),
        needs_memory=row.needs_memory,
        example=row.example,
        more_options=_simple_options(make),
        package=package,
        find_warnings=partial(_find_unknown_channels, name) if model == "Labram" else None,
        find_pretraining_warnings=(
            None if contract is None else partial(find_pretraining_warnings, name, contract)
        ),
        has_fixed_scale=contract is not None,
        hub=HUB.get(model, ""),
    )


class BraindecodeModel(nn.Module):
    """A network of braindecode behind the scaling of its contract.

    Parameters
    ----------
    network
        Module from (batch, n_chans, n_times) to logits.
    scale
        Scaling of the contract.
    ch_names
        Names of the channels, for networks that take them with each batch. None for others.
    kept
        Channels that the network knows. None for all.
    """

    kept: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        scale: Scale = "none",
        *,
        ch_names: Sequence[str] | None = None,
        kept: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.scale = scale
        self.ch_names = None if ch_names is None else list(ch_names)
        indices = None if kept is None else torch.tensor(list(kept))
        self.register_buffer("kept", indices, persistent=False)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        if self.kept is not None:
            signals = signals.index_select(1, self.kept)
        if self.scale == "hundredth":
            signals = signals / 100
        elif self.scale == "quantile":
            limit = signals.abs().float().quantile(QUANTILE, dim=2, keepdim=True)
            signals = signals / limit.clamp(min=1e-8)
        elif self.scale == "clip":
            signals = signals.clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS)
        if self.ch_names is None:
            outputs: Tensor = self.network(signals)
        else:
            outputs = self.network(signals, ch_names=self.ch_names)
        return outputs


def _make(
    make: type[nn.Module],
    name: str,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    **options: Any,
) -> nn.Module:
    """Build a model of braindecode, after its contract was checked."""
    model = name.removeprefix(PREFIX)
    ch_names: list[str] | None = options.pop("ch_names", None)
    positions = options.pop("positions", None)
    contract = CONTRACTS.get(model)
    if contract is not None:
        contract.check(name, n_times, sfreq)
    kept = None
    if model == "Labram" and ch_names is not None:
        kept, ch_names = _known_channels(name, ch_names)
    elif model == "BENDR" and ch_names is not None:
        _check_order(name, ch_names)
    elif model == "REVE":
        _check_reve_positions(name)
    arguments: dict[str, Any] = {"n_outputs": n_outputs, "n_times": n_times, "sfreq": sfreq}
    if ch_names is None or model == "Labram":
        arguments["n_chans"] = n_chans if kept is None else len(kept)
    else:
        arguments["chs_info"] = _describe_channels(ch_names, positions)
    windows = f"windows of ({n_chans}, {n_times}) at {sfreq:g} Hz"
    network = _build_quietly(make, arguments, options, f"model {name} does not accept {windows}")
    names = ch_names if model == "Labram" else None
    scale: Scale = "none" if contract is None else contract.scale
    return BraindecodeModel(network, scale, ch_names=names, kept=kept)


def _build_quietly(
    make: type[nn.Module], arguments: dict[str, Any], options: dict[str, Any], refusal: str
) -> nn.Module:
    """Call a class of braindecode without its messages, with errors of its own as `ModelError`.

    A `ValueError` may be about an option, so it is raised as it is if options were set.
    """
    with warnings.catch_warnings(), _without_messages_of("mne"):
        warnings.simplefilter("ignore")
        try:
            return make(**arguments, **options)
        except BUILD_ERRORS as error:
            if options and isinstance(error, ValueError):
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{refusal}: {reason}") from error


@contextmanager
def _without_messages_of(library: str) -> Iterator[None]:
    """Log only warnings of a library inside the context."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)


def _describe_channels(
    names: Sequence[str], positions: npt.NDArray[np.float64] | None
) -> list[dict[str, Any]]:
    """Describe channels as MNE does, with positions in m in the first three values of ``loc``."""
    described: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        location = np.full(12, np.nan)
        if positions is not None:
            location[:3] = positions[number]
            location[3:] = 0.0
        described.append({"ch_name": name, "kind": "eeg", "loc": location})
    return described


def _known_channels(name: str, ch_names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return numbers and names of the channels that LaBraM knows.

    Raises
    ------
    ModelError
        LaBraM knows no channel.
    """
    known = set(import_optional("braindecode.models.labram", "braindecode").LABRAM_CHANNEL_ORDER)
    numbers: list[int] = []
    kept: list[str] = []
    for number, channel in enumerate(ch_names):
        standard = _standard_name(channel, known)
        if standard is not None:
            numbers.append(number)
            kept.append(standard)
    if not kept:
        raise ModelError(
            f"model {name} knows none of the channels {join_names(ch_names, limit=5)}; "
            "it needs names of the 10-05 system"
        )
    return numbers, kept


def _standard_name(channel: str, known: set[str]) -> str | None:
    """Return the name of a channel in a set of upper-case names, or None."""
    upper = channel.upper()
    for candidate in (upper, FORMER_NAMES.get(upper, "")):
        if candidate in known:
            return candidate
    return None


def _check_order(name: str, ch_names: Sequence[str]) -> None:
    """Refuse channels other than the twenty of BENDR."""
    module = import_optional("braindecode.models.bendr", "braindecode")
    expected = [channel.upper() for channel in module.BENDR_CHANNEL_ORDER]
    if [channel.upper() for channel in ch_names] != expected:
        raise ModelError(
            f"model {name} expects exactly the channels {', '.join(expected)} in this order, got "
            f"{len(ch_names)}: {join_names(ch_names, limit=3)}; use {PREFIX}InterpolatedBENDR"
        )


def _check_reve_positions(name: str) -> None:
    """Refuse REVE without its file of positions, which it would fetch from the network."""
    folder = os.environ.get(REVE_FOLDER, "")
    if not folder or not (Path(folder) / REVE_FILE).is_file():
        raise ModelError(
            f"model {name} needs {REVE_FILE} of huggingface.co/brain-bzh/reve-positions, whose "
            f"terms must be accepted; download it and set {REVE_FOLDER} to its folder"
        )


def _find_unknown_channels(name: str, ch_names: Sequence[str]) -> list[str]:
    """Describe the channels that LaBraM ignores."""
    numbers, _ = _known_channels(name, ch_names)
    unknown = [channel for i, channel in enumerate(ch_names) if i not in set(numbers)]
    if not unknown:
        return []
    return [f"{name} ignores unknown channels: {join_names(unknown, limit=5)}"]


def _simple_options(make: type[nn.Module]) -> dict[str, Any]:
    """Return the parameters of a model that a command line can set, with their defaults."""
    options: dict[str, Any] = {}
    for parameter in inspect.signature(make).parameters.values():
        is_simple = parameter.default is None or isinstance(parameter.default, SIMPLE_TYPES)
        if parameter.name not in WINDOW_ARGUMENTS and is_simple:
            options[parameter.name] = parameter.default
    return options


def _summarize(make: type[nn.Module], row: BraindecodeRow, contract: Contract | None) -> str:
    """Summarize a model from the first line of its documentation."""
    first_line = MARKUP.sub("", (inspect.getdoc(make) or "").partition("\n")[0]).strip(" .")
    if contract is None:
        return f"{first_line}; lengths in samples, made for {row.rate:g} Hz"
    terms = [f"requires {contract.rate:g} Hz"]
    if contract.multiple > 1:
        terms.append(f"windows of a multiple of {contract.multiple} samples")
    if contract.band:
        terms.append(f"filters {contract.band}")
    return f"{first_line}; {', '.join(terms)}"


def _licence_of(model: str) -> str:
    if model in NON_COMMERCIAL:
        return "CC-BY-NC-4.0"
    if model in APACHE:
        return "Apache-2.0"
    return "MIT" if model in MIT else "BSD-3-Clause"
