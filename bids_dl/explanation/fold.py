"""All analyses of one model of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.explanation.contents import Floats, Rows
from bids_dl.explanation.gradients import (
    find_transform,
    mean_path_gradients,
    output_gradients,
    transform_gradients,
)
from bids_dl.explanation.maximization import MaximizedInputs, maximize_outputs
from bids_dl.explanation.networks import FoldNetworks
from bids_dl.explanation.randomization import (
    correlate_cascade,
    correlate_outputs,
    list_layers,
    rank_maps,
)
from bids_dl.explanation.removal import SampleRemoval, count_removed
from bids_dl.explanation.saliency import (
    NetworkShares,
    ShareCollector,
    frequency_attributions,
    gradient_power,
)

INTEGRATED_SHARE = 8  # one of so many windows has integrated gradients, which take many steps
CONTROL_STEP_SHARE = 8  # integrated gradients of controls have so many times fewer steps
MIN_CONTROL_STEPS = 4
CONTROL_STARTS = 2  # starts of maximization of each control: many controls tell more than starts
REMOVAL_WINDOWS = 100  # windows of a fold from which samples are removed
RANDOM_DRAWS = 3  # random removals of the same window
MAP_WINDOWS = 32  # windows of a fold whose maps are correlated


@dataclass(frozen=True, slots=True, eq=False)
class MethodShares:
    """Shares of the model and of its controls by one method, and the completeness gap."""

    method: str
    of_model: NetworkShares
    of_controls: list[NetworkShares]
    completeness_gap: Floats  # (n_outputs,)


@dataclass(frozen=True, slots=True, eq=False)
class MapChecks:
    """Correlations of gradient maps, as in `Randomization`."""

    layers: tuple[str, ...]
    correlations: Floats  # (n_outputs, n_layers)
    other_output: Floats  # (n_outputs,)


@dataclass(frozen=True, slots=True, eq=False)
class RemovalChanges:
    """Changes of spectra in dB: means over the windows of each person."""

    persons: Rows  # (n_persons,)
    by_saliency: Floats  # (n_persons, n_outputs, n_freqs)
    at_random: Floats  # (n_persons, n_freqs)
    by_controls: Floats  # (n_random, n_outputs, n_freqs): mean over persons


@dataclass(frozen=True, slots=True, eq=False)
class FoldExplanation:
    """Explanation of one model.

    Attributes
    ----------
    rows
        Rows of the store that the model is explained on, in order.
    outputs
        (1 + n_random, n_rows, n_outputs): outputs of the model, then of its controls.
    maximized
        Inputs that maximize the outputs of the model, then of each control.
    shares
        Gradient, then integrated gradients.
    of_input
        (n_outputs, ...): mean absolute gradient at the result of the transform, or empty.
    transform
        Name of the transform, or empty.
    checks, removal
        Correlations of maps, and removal of samples.
    """

    rows: Rows
    outputs: Floats
    maximized: list[MaximizedInputs]
    shares: tuple[MethodShares, MethodShares]
    of_input: Floats
    transform: str
    checks: MapChecks
    removal: RemovalChanges


def explain_fold(
    networks: FoldNetworks, config: ExplainConfig, on_message: Callable[[str], None]
) -> FoldExplanation:
    """Run all analyses of a model.

    Parameters
    ----------
    networks
        Model, controls and windows.
    config
        Settings.
    on_message
        Called with the name of each analysis before it begins.
    """
    on_message("outputs")
    outputs = _compute_outputs(networks)
    on_message("gradients")
    gradient = _collect_gradients(networks)
    of_input, transform = _collect_transform(networks)
    on_message("integrated gradients")
    integrated = _collect_integrated(networks, config)
    on_message("randomization of weights")
    checks = _check_maps(networks)
    on_message("removal of samples")
    removal = _remove_samples(networks, config)
    on_message("activation maximization")
    return FoldExplanation(
        rows=networks.rows,
        outputs=outputs,
        maximized=_maximize(networks, config),
        shares=(gradient, integrated),
        of_input=of_input,
        transform=transform,
        checks=checks,
        removal=removal,
    )


def _compute_outputs(networks: FoldNetworks) -> Floats:
    """Return the outputs of all networks for all windows that the model has not seen."""
    parts: list[Floats] = []
    with torch.no_grad():
        for signals, _ in networks.stream(networks.rows):
            models = (networks.model, *networks.controls)
            outputs = torch.stack([model(signals).float() for model in models])
            parts.append(outputs.double().cpu().numpy())
    return np.concatenate(parts, axis=1)


def _maximize(networks: FoldNetworks, config: ExplainConfig) -> list[MaximizedInputs]:
    """Maximize the outputs of the model, and those of each control from fewer starts."""
    generator = torch.Generator().manual_seed(config.seed)
    shape = (config.starts, *networks.mean_window.shape)
    starts = torch.randn(shape, generator=generator).to(networks.device)
    n_few = min(CONTROL_STARTS, config.starts)
    results: list[MaximizedInputs] = []
    for number, model in enumerate((networks.model, *networks.controls)):
        chosen = starts[:n_few] if number else starts
        results.append(
            maximize_outputs(
                model,
                networks.n_outputs,
                networks.scale,
                networks.axes,
                chosen,
                config.steps,
            )
        )
    return results


def _collector(networks: FoldNetworks, rows: Rows) -> ShareCollector:
    return ShareCollector(networks.axes, networks.n_outputs, networks.person[rows])


def _collect_gradients(networks: FoldNetworks) -> MethodShares:
    """Collect the shares of the gradients of all networks."""
    models = (networks.model, *networks.controls)
    collectors = [_collector(networks, networks.sampled) for _ in models]
    for signals, rows in networks.stream(networks.sampled):
        for model, collector in zip(models, collectors, strict=True):
            gradients = output_gradients(model, signals)
            collector.add(gradients.abs(), gradient_power(gradients), networks.person[rows])
    shares = [collector.finish() for collector in collectors]
    gap = np.full(networks.n_outputs, np.nan)
    return MethodShares("gradient", shares[0], shares[1:], gap)


def _collect_transform(networks: FoldNetworks) -> tuple[Floats, str]:
    """Return the mean absolute gradient at the result of the model's transform, and its name."""
    found = find_transform(networks.model)
    if found is None:
        return np.zeros(0), ""
    name, layer = found
    rows = networks.choose(REMOVAL_WINDOWS)
    total: Tensor | float = 0.0
    for signals, _ in networks.stream(rows):
        gradients = transform_gradients(networks.model, layer, signals)
        total = total + gradients.abs().sum(dim=1).double().cpu()
    return np.asarray(total) / len(rows), name


def _collect_integrated(networks: FoldNetworks, config: ExplainConfig) -> MethodShares:
    """Collect the shares of integrated gradients of all networks, from the mean window."""
    rows = networks.choose(-(-config.max_windows // INTEGRATED_SHARE))
    models = (networks.model, *networks.controls)
    collectors = [_collector(networks, rows) for _ in models]
    few = max(MIN_CONTROL_STEPS, config.integration_steps // CONTROL_STEP_SHARE)
    gaps: list[Tensor] = []
    changes: list[Tensor] = []
    for signals, batch_rows in networks.stream(rows):
        difference = signals - networks.mean_window
        for number, model in enumerate(models):
            n_steps = few if number else config.integration_steps
            mean = mean_path_gradients(model, signals, networks.mean_window, n_steps)
            attributions = mean * difference
            power = frequency_attributions(difference, mean).abs()
            collectors[number].add(attributions.abs(), power, networks.person[batch_rows])
            if number == 0:
                change = _change_of_output(networks, signals)
                gaps.append((attributions.sum(dim=(2, 3)) - change).abs().cpu())
                changes.append(change.abs().cpu())
    shares = [collector.finish() for collector in collectors]
    size = torch.cat(changes, dim=1).double().mean(dim=1).numpy()
    gap = torch.cat(gaps, dim=1).double().mean(dim=1).numpy()
    relative = np.divide(gap, size, out=np.full(len(gap), np.nan), where=size > 0)
    return MethodShares("integrated gradients", shares[0], shares[1:], relative)


def _change_of_output(networks: FoldNetworks, signals: Tensor) -> Tensor:
    """Return the outputs (n_outputs, batch) minus those for the mean window."""
    with torch.no_grad():
        baseline = networks.model(networks.mean_window[None])
        change: Tensor = (networks.model(signals) - baseline).T.float()
    return change


def _check_maps(networks: FoldNetworks) -> MapChecks:
    """Correlate the maps of few windows with those of other weights and of other outputs."""
    signals, _ = next(networks.stream(networks.choose(MAP_WINDOWS)))
    gradients = output_gradients(networks.model, signals)
    maps = rank_maps(gradients.abs())
    correlations = correlate_cascade(networks.model, networks.controls[0], signals, maps)
    layers = tuple(group[0] or "model" for group in list_layers(networks.model))
    return MapChecks(layers, correlations, correlate_outputs(gradients))


def _remove_samples(networks: FoldNetworks, config: ExplainConfig) -> RemovalChanges:
    """Remove samples by the gradients of all networks, and at random."""
    rows = networks.choose(REMOVAL_WINDOWS)
    persons, number, counts = np.unique(
        networks.person[rows], return_inverse=True, return_counts=True
    )
    share = (1 / counts)[number][:, None]  # of a window in the mean of its person
    n_freqs = len(networks.axes.frequencies)
    by_saliency = np.zeros((len(persons), networks.n_outputs, n_freqs))
    at_random = np.zeros((len(persons), n_freqs))
    by_controls = np.zeros((len(networks.controls), networks.n_outputs, n_freqs))
    rng = np.random.default_rng(config.seed)
    n_removed = count_removed(config.quantile, networks.axes.n_times)
    done = 0
    pairs = zip(networks.stream(rows), networks.stream_microvolts(rows), strict=True)
    for (signals, batch_rows), (microvolts, _) in pairs:
        part = slice(done, done + len(batch_rows))
        done = part.stop
        removal = SampleRemoval(microvolts.double().cpu().numpy(), n_removed, networks.axes.sfreq)
        of_model = _changes_by_gradient(networks.model, signals, removal)
        np.add.at(by_saliency, number[part], of_model * share[part, :, None])
        for control, changes in zip(networks.controls, by_controls, strict=True):
            weighted = _changes_by_gradient(control, signals, removal) * share[part, :, None]
            changes += weighted.sum(axis=0) / len(persons)
        for _ in range(RANDOM_DRAWS):
            change = removal.change(rng.random(removal.signals.shape))
            np.add.at(at_random, number[part], change * share[part] / RANDOM_DRAWS)
    return RemovalChanges(persons, by_saliency, at_random, by_controls)


def _changes_by_gradient(model: nn.Module, signals: Tensor, removal: SampleRemoval) -> Floats:
    """Return the changes (batch, n_outputs, n_freqs) after removal by each output's gradient."""
    gradients = output_gradients(model, signals).abs().cpu().numpy()
    return np.stack([removal.change(of_output) for of_output in gradients], axis=1)
