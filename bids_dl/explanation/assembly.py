"""Join the results of all folds, with persons as the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.explanation.best_windows import compare_best_windows, stack_estimates
from bids_dl.explanation.contents import (
    Axes,
    BestWindows,
    Floats,
    Maximization,
    Randomization,
    RemovalEffect,
    Rows,
    Saliency,
)
from bids_dl.explanation.estimates import estimate_difference
from bids_dl.explanation.fold import FoldExplanation, MethodShares
from bids_dl.explanation.randomization import LIMIT
from bids_dl.explanation.skill import Skill, measure_skill
from bids_dl.explanation.windows import UnseenWindows
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.target_decoding import decode
from bids_dl.store import Store

WINDOW_QUANTILES = (0.05, 0.5, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class PersonShares:
    """Shares of the sensitivity of each person, mean over folds.

    Attributes
    ----------
    by_channel, by_band
        (n_persons, n_outputs, n_chans) and (n_persons, n_outputs, n_bands, n_chans).
    random_by_channel, random_by_band
        (n_random, n_persons, ...): those of networks with random weights.
    """

    by_channel: Floats
    by_band: Floats
    random_by_channel: Floats
    random_by_band: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Parts of an explanation, and what claims need beside them.

    Attributes
    ----------
    skill
        Accuracy on unseen persons. None if the store has no target.
    random_skills
        (n_random,): values of the same metric for networks with random weights.
    are_unseen
        True if the models have not seen the persons of the windows.
    person_shares
        Of each method in ``saliency``.
    person_removal
        (n_persons, n_outputs, n_freqs) in dB: ``difference`` of the removal by person.
    seed
        Seed of the bootstrap.
    """

    best_windows: BestWindows
    maximization: Maximization
    saliency: tuple[Saliency, ...]
    randomization: Randomization
    removal: RemovalEffect
    skill: Skill | None
    random_skills: Floats
    are_unseen: bool
    person_shares: tuple[PersonShares, ...]
    person_removal: Floats
    seed: int


def assemble(
    store: Store,
    axes: Axes,
    unseen: UnseenWindows,
    results: Mapping[int, FoldExplanation],
    cards: Sequence[ModelCard],
    config: ExplainConfig,
) -> Findings:
    """Join the results of all folds, and compare the best windows of all persons.

    Parameters
    ----------
    store, axes
        Store of the windows, and their axes.
    unseen
        Windows of each model.
    results
        Results by the number of the model. At least one.
    cards
        Descriptions of the same models.
    config
        Settings.
    """
    rows = np.flatnonzero(unseen.weights[list(results)].any(axis=0))
    logits, predictions = _pool_outputs(unseen, results, cards, rows)
    folds = list(results.values())
    best = compare_best_windows(
        store, logits, rows, unseen.person, axes=axes, top=config.top, seed=config.seed
    )
    skills: list[Skill | None] = []
    for of_network in predictions:
        table = store.table.iloc[rows]
        person = unseen.person[rows]
        skills.append(measure_skill(table, cards[0].target, of_network, person, config.seed))
    removal, by_person = _join_removals(folds, config)
    return Findings(
        best_windows=best,
        maximization=_join_maximized(folds),
        saliency=tuple(_join_saliency(folds, method) for method in range(2)),
        randomization=Randomization(
            layers=folds[0].checks.layers,
            correlations=np.stack([fold.checks.correlations for fold in folds]),
            other_output=np.stack([fold.checks.other_output for fold in folds]),
            limit=LIMIT,
        ),
        removal=removal,
        skill=skills[0],
        random_skills=np.array([skill.value for skill in skills[1:] if skill is not None]),
        are_unseen=not unseen.are_seen,
        person_shares=tuple(
            _join_persons([fold.shares[method] for fold in folds]) for method in range(2)
        ),
        person_removal=by_person,
        seed=config.seed,
    )


def _pool_outputs(
    unseen: UnseenWindows,
    results: Mapping[int, FoldExplanation],
    cards: Sequence[ModelCard],
    rows: Rows,
) -> tuple[Floats, Floats]:
    """Return the weighted mean over models of outputs and of predictions.

    Both are (1 + n_random, n_rows, n_outputs). The weights are those of `predict`.
    """
    shape = next(iter(results.values())).outputs.shape
    logits = np.zeros((shape[0], len(rows), shape[2]))
    predictions = np.zeros_like(logits)
    for (number, fold), card in zip(results.items(), cards, strict=True):
        position = np.searchsorted(rows, fold.rows)
        weight = unseen.weights[number, fold.rows][:, None]
        for network, outputs in enumerate(fold.outputs):
            logits[network, position] += weight * outputs
            predictions[network, position] += weight * decode(card.target, outputs)
    return logits, predictions


def _join_maximized(folds: Sequence[FoldExplanation]) -> Maximization:
    own = [fold.maximized[0] for fold in folds]
    random = [[inputs.spectra for inputs in fold.maximized[1:]] for fold in folds]
    quantiles = [np.quantile(fold.outputs[0], WINDOW_QUANTILES, axis=0).T for fold in folds]
    return Maximization(
        spectra=np.stack([inputs.spectra for inputs in own]),
        peaks=np.stack([inputs.peaks for inputs in own]),
        band_power=np.stack([inputs.band_power for inputs in own]),
        example=own[0].example,
        logits=np.stack([inputs.logits for inputs in own]),
        window_logits=np.stack(quantiles),
        random_spectra=np.array(random),
        start_peaks=np.stack([inputs.start_peaks for inputs in own]),
    )


def _join_saliency(folds: Sequence[FoldExplanation], method: int) -> Saliency:
    """Stack the shares of a method over folds."""
    shares = [fold.shares[method] for fold in folds]
    own = [part.of_model for part in shares]
    controls = [part.of_controls for part in shares]
    is_gradient = method == 0
    return Saliency(
        method=shares[0].method,
        by_channel=np.stack([part.by_channel.mean(axis=0) for part in own]),
        by_time=np.stack([part.by_time for part in own]),
        by_frequency=np.stack([part.by_frequency for part in own]),
        by_band=np.stack([part.by_band.mean(axis=0) for part in own]),
        random_by_channel=np.array([[c.by_channel.mean(axis=0) for c in f] for f in controls]),
        random_by_frequency=np.array([[c.by_frequency for c in fold] for fold in controls]),
        completeness_gap=np.stack([part.completeness_gap for part in shares]),
        of_input=np.mean([fold.of_input for fold in folds], axis=0) if is_gradient else np.zeros(0),
        random_by_band=np.array([[c.by_band.mean(axis=0) for c in fold] for fold in controls]),
        transform=folds[0].transform if is_gradient else "",
    )


def _join_persons(parts: Sequence[MethodShares]) -> PersonShares:
    """Return the mean of each person over the folds that have it."""
    own = [part.of_model for part in parts]
    persons = [shares.persons for shares in own]
    n_random = len(parts[0].of_controls)
    channels: list[Floats] = []
    bands: list[Floats] = []
    for number in range(n_random):
        controls = [part.of_controls[number] for part in parts]
        channels.append(average_persons(persons, [shares.by_channel for shares in controls]))
        bands.append(average_persons(persons, [shares.by_band for shares in controls]))
    return PersonShares(
        by_channel=average_persons(persons, [shares.by_channel for shares in own]),
        by_band=average_persons(persons, [shares.by_band for shares in own]),
        random_by_channel=np.stack(channels),
        random_by_band=np.stack(bands),
    )


def average_persons(persons: Sequence[Rows], values: Sequence[Floats]) -> Floats:
    """Return the mean (n_persons, ...) of each person over the parts that have the person.

    Parameters
    ----------
    persons
        Of each part: numbers of its persons.
    values
        Of each part: (n_persons, ...).

    Examples
    --------
    >>> parts = [np.array([[1.0], [2.0]]), np.array([[4.0]])]
    >>> average_persons([np.array([3, 7]), np.array([7])], parts).tolist()
    [[1.0], [3.0]]
    """
    unique, number = np.unique(np.concatenate(persons), return_inverse=True)
    sums = np.zeros((len(unique), *values[0].shape[1:]))
    np.add.at(sums, number, np.concatenate(values))
    counts = np.bincount(number)
    mean: Floats = sums / counts.reshape(-1, *[1] * (sums.ndim - 1))
    return mean


def _join_removals(
    folds: Sequence[FoldExplanation], config: ExplainConfig
) -> tuple[RemovalEffect, Floats]:
    """Return the removal over all persons, and its difference (n_persons, n_outputs, n_freqs)."""
    parts = [fold.removal for fold in folds]
    persons = [part.persons for part in parts]
    by_saliency = average_persons(persons, [part.by_saliency for part in parts])
    at_random = average_persons(persons, [part.at_random for part in parts])[:, None]
    difference = by_saliency - at_random
    n_outputs = by_saliency.shape[1]
    estimates = [
        estimate_difference(by_saliency[:, output], at_random[:, 0], config.seed)
        for output in range(n_outputs)
    ]
    random = [part.by_controls - part.at_random.mean(axis=0) for part in parts]
    removal = RemovalEffect(
        quantile=config.quantile,
        by_saliency=by_saliency.mean(axis=0),
        at_random=np.repeat(at_random.mean(axis=0), n_outputs, axis=0),
        difference=stack_estimates(estimates),
        random_difference=np.mean(random, axis=0),
    )
    return removal, difference
