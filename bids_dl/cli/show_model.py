"""Output of `bids-dl models NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from bids_dl.cli.console import out, print_json, print_warnings
from bids_dl.cli.show_lists import model_fields

if TYPE_CHECKING:
    from bids_dl.models import ModelSpec

LENGTHS = ("kernel", "length", "pool", "stride", "patch")
"""Parts of the names of options that are lengths."""


def print_model(name: str, *, as_json: bool) -> None:
    """Print the description of a model: windows, options, source, licence and parameters."""
    from bids_dl.models import count_parameters, find_spec
    from bids_dl.models.adapters.packages import recorded_repairs

    with recorded_repairs() as repairs:
        model = find_spec(name)
        n_parameters = count_parameters(model)
    print_warnings(repairs)
    n_chans, n_times, sfreq = model.example
    if as_json:
        example = {"n_chans": n_chans, "n_times": n_times, "sfreq": sfreq}
        print_json(model_fields(model) | {"example": example, "n_parameters": n_parameters})
        return
    out.print(Text.assemble((model.name, "bold"), ": ", model.summary), soft_wrap=True)
    for key, value in _describe(model).items():
        out.print(Text.assemble((f"{key}: ", "dim"), value), soft_wrap=True)
    shown = "not counted, because they depend on the channels"
    if n_parameters is not None:
        windows = f"windows of ({n_chans}, {n_times}) at {sfreq:g} Hz"
        shown = f"{n_parameters:,} for 2 outputs and {windows}"
    out.print(Text.assemble(("parameters: ", "dim"), shown), soft_wrap=True)
    if not model.options:
        return
    out.print(Text("\noptions (--model-option OPTION=VALUE)", "bold"))
    for key, value in model.options.items():
        line = Text.assemble((f"  {key}: ", "dim"), str(value), _length_of(model, key, value))
        out.print(line, soft_wrap=True)


def _describe(model: ModelSpec) -> dict[str, str]:
    """Return the lines about the input and the origin of a model."""
    rate = "any"
    if model.rate is not None:
        only = model.has_fixed_scale
        rate = f"{model.rate:g} Hz, no other" if only else f"any; {model.rate:g} Hz is published"
    channels = "any number of channels"
    if model.needs_positions:
        channels = "channels with known positions"
    elif model.needs_names:
        channels = "channels with standard names"
    shape = f"exactly {model.shape}" if model.shape else channels
    lines = {
        "windows": shape,
        "shortest window": "any" if model.min_seconds is None else f"{model.min_seconds:.3g} s",
        "sampling rate": rate,
        "normalization": _describe_scaling(model),
        "transforms": ", ".join(model.transforms) or "none, signals as they are",
        "source": model.source,
        "licence": model.licence or "unknown",
    }
    if model.package:
        lines["package"] = model.package
    if model.hub:
        lines["pretrained weights"] = f"huggingface.co/{model.hub}; --weights pretrained or FILE"
    return lines


def _describe_scaling(model: ModelSpec) -> str:
    if model.normalize is None:
        return "auto, by recording or by the training windows"
    if model.normalize == "none":
        return "none, signals in µV"
    return f"by {model.normalize}"


def _length_of(model: ModelSpec, option: str, value: Any) -> str:
    """Return a length of a model of another package in seconds, at the rate it was made for."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_length = any(part in option for part in LENGTHS)
    if not model.package or model.rate is None or not is_number or not is_length:
        return ""
    return f"  ({value / model.rate:.3g} s at {model.rate:g} Hz, if it is along time)"
