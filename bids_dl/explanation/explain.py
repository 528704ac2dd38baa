"""Explain the models of a run on windows of persons that they have not seen."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.config.declaration import declared_options
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.errors import mask_secrets
from bids_dl.explanation.assembly import Findings, assemble
from bids_dl.explanation.claims import make_claims
from bids_dl.explanation.contents import Explanation
from bids_dl.explanation.fold import FoldExplanation, explain_fold
from bids_dl.explanation.networks import load_networks
from bids_dl.explanation.spectra import read_axes
from bids_dl.explanation.windows import SEEN_WARNING, UnseenWindows, find_unseen, name_folds
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.models.compute import pick_device
from bids_dl.models.pretext import refuse_pretext
from bids_dl.prediction import check_store, read_folds
from bids_dl.store import Store, open_store
from bids_dl.wording import count

PACKAGES = ("bids_dl", "torch", "numpy", "scipy")
FEW_PERSONS = 10  # persons under which intervals are coarse


def explain_run(
    store_url: str,
    run_dir: str | Path,
    config: ExplainConfig | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
    on_message: Callable[[str], None] | None = None,
) -> Explanation:
    """Explain the models of a run: their best windows, maximizing inputs and gradients.

    Each model is explained on windows of persons it has not seen. Each result stands beside that
    of networks with random weights. Equal settings give equal numbers on the same device.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    run_dir
        Run folder of `bids_dl.training.train`.
    config
        Settings. None takes the defaults.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_message
        Called with one line before each analysis.

    Returns
    -------
    Explanation
        Arrays and claims. Nothing is written.

    Raises
    ------
    ModelError
        The folder is no complete run, the store does not fit the run, or a model is not
        differentiable with respect to its input.
    StoreError
        There is no finished store.
    NoMatchError
        The store has no window of the split.
    ConfigError
        The device is unknown or not available.

    Examples
    --------
    >>> explanation = explain_run("eyes.zarr", "run", ExplainConfig(starts=2, steps=20))
    >>> explanation.maximization.peaks.shape[1]
    2
    """
    config = config or ExplainConfig()
    settings = replace(config, device=str(pick_device(config.device)))
    on_message = on_message or _ignore
    store = open_store(store_url, storage_options=storage_options)
    folder = Path(run_dir)
    folds = read_folds(folder)
    _, card = load_checkpoint(folds[0].path)
    check_store(store, card, folder)
    refuse_pretext(card.target, folder)
    unseen = find_unseen(store, folds, config.split)
    axes = read_axes(store)
    names = name_folds(folder, folds)
    results: dict[int, FoldExplanation] = {}
    cards: list[ModelCard] = []
    for number, fold in enumerate(folds):
        rows = unseen.rows_of(number)
        if not len(rows):
            continue
        title = f"fold {number + 1} of {len(folds)} ({names[number]})"
        networks = load_networks(store, axes, fold.path, rows, unseen, settings)
        cards.append(networks.card)
        results[number] = explain_fold(networks, settings, _with_title(on_message, title))
    on_message("best windows")
    findings = assemble(store, axes, unseen, results, cards, settings)
    return Explanation(
        spec=card.target,
        axes=axes,
        source=_describe_source(store_url, folder, card, config),
        folds=[_describe_fold(names[number], fold, unseen) for number, fold in results.items()],
        best_windows=findings.best_windows,
        maximization=findings.maximization,
        saliency=findings.saliency,
        randomization=findings.randomization,
        removal=findings.removal,
        claims=make_claims(findings, card.target, axes),
        warnings=tuple(_warn(store, unseen, findings, len(folds) - len(results))),
    )


def _describe_fold(name: str, fold: FoldExplanation, unseen: UnseenWindows) -> dict[str, Any]:
    n_persons = len(np.unique(unseen.person[fold.rows]))
    return {"held_out": name, "n_windows": len(fold.rows), "n_persons": n_persons}


def _warn(store: Store, unseen: UnseenWindows, findings: Findings, n_unused: int) -> Sequence[str]:
    """List doubts about the data and the models."""
    lines: list[str] = []
    if unseen.are_seen:
        lines.append(SEEN_WARNING)
    n_persons = len(np.unique(unseen.person[unseen.weights.any(axis=0)]))
    if n_persons < FEW_PERSONS:
        few = f"intervals from fewer than {FEW_PERSONS} persons are coarse"
        lines.append(f"{count(n_persons, 'person')}; {few}")
    if n_unused:
        lines.append(f"{n_unused} models have seen all persons of these windows and are left out")
    if findings.skill is None:
        lines.append(f"{store.location.name} lacks the target, so nothing is claimed")
    return lines


def _describe_source(
    store_url: str, folder: Path, card: ModelCard, config: ExplainConfig
) -> dict[str, Any]:
    """Return what the page says of the origin of an explanation."""
    store = mask_secrets(store_url)
    command = ["bids-dl", "explain", store, "--run-dir", str(folder)]
    defaults = asdict(ExplainConfig())
    settings = asdict(config)
    options = declared_options(ExplainOptions)
    for name, value in settings.items():
        if value != defaults[name]:
            command += [options[name].flags[0], str(value)]
    return {
        "store": store,
        "run": str(folder),
        "model": card.model,
        "command": shlex.join(command),
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "settings": settings,
    }


def _with_title(on_message: Callable[[str], None], title: str) -> Callable[[str], None]:
    """Return a callback that adds the title of a fold."""
    return lambda analysis: on_message(f"{title}: {analysis}")


def _ignore(message: str) -> None:
    """Accept the messages of a caller that does not want them."""
