"""A page for each model and each transform: contract, options, reference."""

from __future__ import annotations

import inspect

from bids_dl.models import MODELS, ModelSpec, count_parameters
from bids_dl.transforms import TRANSFORMS, TransformSpec
from extensions.markdown import block, code, contents, directive, page, sentence, table


def model_pages() -> dict[str, str]:
    """Return the pages of all models by path."""
    pages = {f"models/{name}.md": _model_page(spec) for name, spec in MODELS.items()}
    rows = [
        (f"[{name}]({name}.md)", _windows(spec), code(spec.normalize or "auto"), spec.summary)
        for name, spec in MODELS.items()
    ]
    pages["models/index.md"] = page(
        "models",
        "Models",
        "The models of the package, from its registry. [Models](../../../models.md) explains the "
        "choice, models of braindecode and timm, and how to bring your own.",
        table(("model", "windows", "normalization", "summary"), rows),
        contents(MODELS),
    )
    return pages


def _windows(spec: ModelSpec) -> str:
    if spec.shape is not None:
        return f"{spec.shape[0]} channels, {spec.shape[1]} samples"
    if spec.min_seconds is not None:
        return f"any channels, at least {spec.min_seconds:.3g} s"
    return "any channels and lengths"


def _model_page(spec: ModelSpec) -> str:
    options = [(code(key), code(repr(value))) for key, value in spec.options.items()]
    return page(
        f"model-{spec.name}",
        spec.name,
        sentence(spec.summary),
        block("bash", f"bids-dl train STORE --model {spec.name}"),
        "## Contract\n\n" + table(("property", "value"), _contract(spec)),
        "## Options\n\n" + _explain_options(options),
        "## Network\n\n" + _network(spec),
    )


def _contract(spec: ModelSpec) -> list[tuple[str, str]]:
    n_chans, n_times, sfreq = spec.example
    count = count_parameters(spec)
    facts = [
        ("input", "float32 signals `(batch, n_chans, n_times)`"),
        ("output", "`(batch, n_outputs)`"),
        ("windows", _windows(spec)),
        ("normalization", code(spec.normalize or "auto") + (", no other" * spec.has_fixed_scale)),
        ("sampling rate of the publication", f"{spec.rate:g} Hz" if spec.rate else "not stated"),
        ("needs positions of channels", "yes" if spec.needs_positions else "no"),
        ("needs names of channels", "yes" if spec.needs_names else "no"),
        ("one network for any channels", "yes" if spec.any_channels else "no"),
        ("transforms in the network", ", ".join(_transform_link(t) for t in spec.transforms)),
        (
            f"parameters for {n_chans} channels, {n_times} samples at {sfreq:g} Hz, two outputs",
            "" if count is None else f"{count:,}",
        ),
        ("licence of the code", spec.licence),
        ("reference", spec.source),
    ]
    return [fact for fact in facts if fact[1]]


def _transform_link(name: str) -> str:
    return f"[{name}](../transforms/{name}.md)"


def _explain_options(options: list[tuple[str, str]]) -> str:
    if not options:
        return "The model has no options."
    how = "Set an option with `--model-option OPTION=VALUE`."
    return how + "\n\n" + table(("option", "default"), options)


def _network(spec: ModelSpec) -> str:
    kind = "autoclass" if inspect.isclass(spec.make) else "autofunction"
    options = [":no-members:"] if kind == "autoclass" else []
    return directive(kind, f"{spec.make.__module__}.{spec.make.__qualname__}", *options)


def transform_pages() -> dict[str, str]:
    """Return the pages of all transforms by path."""
    pages = {f"transforms/{name}.md": _transform_page(spec) for name, spec in TRANSFORMS.items()}
    rows = [(f"[{name}]({name}.md)", spec.summary) for name, spec in TRANSFORMS.items()]
    pages["transforms/index.md"] = page(
        "transforms",
        "Transforms",
        "Representations of the signals that a model computes first. "
        "[Transforms and augmentation](../../../transforms.md) explains them.",
        table(("transform", "features"), rows),
        contents(TRANSFORMS),
    )
    return pages


def _transform_page(spec: TransformSpec) -> str:
    used = [
        f"[{name}](../models/{name}.md)"
        for name, model in MODELS.items()
        if spec.name in model.transforms
    ]
    place = f"{spec.make.__module__}.{spec.make.__qualname__}"
    return page(
        f"transform-{spec.name}",
        spec.name,
        sentence(spec.summary),
        f"Reference: {spec.source}",
        f"Part of the models {', '.join(used)}." if used else "",
        directive("autoclass", place, ":no-members:"),
    )
