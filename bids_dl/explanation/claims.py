"""Statements on what the models have learnt. Each is shown only if it beats its control.

The default is "not shown". A statement needs models that are better than chance on persons they
have not seen, an interval over persons that is corrected for all comparisons of its kind
(Bonferroni), and a value that networks with random weights do not reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.assembly import Findings, PersonShares
from bids_dl.explanation.contents import Axes, Claim, Estimates, Floats
from bids_dl.explanation.estimates import correct_interval, estimate_mean, limit_of_random
from bids_dl.explanation.spectra import average_bands, sum_bands
from bids_dl.models.band_power import ROUNDING
from bids_dl.models.target import TargetSpec
from bids_dl.wording import count, join_names

MAX_LISTED = 5  # channels or frequencies in a sentence
MAX_BANDS = 3  # claims of one method on bands of an output
NO_SKILL = "the models themselves do not beat chance"
SURVIVES = "the gradient map does not depend on the weights"
MIN_START_SHARE = 0.5  # of the starts of maximization whose peak lies in the band


@dataclass(frozen=True, slots=True, eq=False)
class Excess:
    """Values of outputs and categories (bands or channels) beside those of random networks.

    Attributes
    ----------
    value
        (n_outputs, n): mean over persons.
    difference
        (n_outputs, n): difference to the mean of random networks, with its corrected interval.
    random
        (n_random, n_outputs, n): means over persons.
    limit
        (n_outputs, n): value that a further random network would not exceed.
    is_beyond
        (n_outputs, n): True if both controls are beaten.
    """

    value: Floats
    difference: Estimates
    random: Floats
    limit: Floats
    is_beyond: npt.NDArray[np.bool_]


def make_claims(findings: Findings, spec: TargetSpec, axes: Axes) -> tuple[Claim, ...]:
    """Make all statements of an explanation, also those that are not shown.

    Parameters
    ----------
    findings
        Results over all folds.
    spec
        Target of the models.
    axes
        Axes of the arrays.
    """
    accuracy = _claim_accuracy(findings, spec)
    checks = list(_claim_randomization(findings, spec))
    claims = list(_claim_best_windows(findings, spec, axes))
    claims += _claim_maximization(findings, spec, axes)
    for number, saliency in enumerate(findings.saliency):
        shares = findings.person_shares[number]
        for claim in _claim_shares(saliency.method, shares, findings.seed, spec, axes):
            check = next(check for check in checks if check.output == claim.output)
            claims.append(claim if check.is_shown else _refuse(claim, SURVIVES))
    claims += checks
    claims += _claim_removal(findings, spec, axes)
    if not accuracy.is_shown:
        claims = [_refuse(claim, NO_SKILL) for claim in claims]
    return accuracy, *claims


def _refuse(claim: Claim, reason: str) -> Claim:
    """Return a claim that is not shown, with a reason if its own control was beaten."""
    if not claim.is_shown:
        return claim
    control = f"{claim.control.rstrip('.')}; {reason}."
    return replace(claim, control=control, is_shown=False)


def _claim_accuracy(findings: Findings, spec: TargetSpec) -> Claim:
    """Claim that the models beat chance, and networks with random weights."""
    skill = findings.skill
    if skill is None:
        columns = join_names(spec.columns)
        statement = f"The accuracy is not known, because the store lacks values of {columns}."
        return Claim("accuracy", "", statement, "No control is possible.", is_shown=False)
    persons = count(skill.n_persons, "person")
    kind = "unseen" if findings.are_unseen else "seen"
    interval = f"{skill.low:.3f} to {min(1.0, skill.high):.3f}"
    statement = (
        f"The {skill.metric} on windows of {persons} that are {kind} is {skill.value:.3f} "
        f"(95 % interval {interval})."
    )
    reached = f"{findings.random_skills.max():.3f}" if len(findings.random_skills) else "unknown"
    control = f"Chance is {skill.chance:.3g}; networks with random weights reach at most {reached}."
    if skill.are_too_few:
        control = (
            f"{control.rstrip('.')}; one guess for each person and class would be right for all "
            f"with probability {skill.luck:.2g}, so more persons are needed."
        )
    is_better = skill.is_above_chance and bool((skill.value > findings.random_skills).all())
    return Claim("accuracy", "", statement, control, is_better and findings.are_unseen)


def _claim_best_windows(findings: Findings, spec: TargetSpec, axes: Axes) -> Iterator[Claim]:
    """Claim that the best windows of an output differ in a band at channels."""
    best = findings.best_windows
    n_persons = min(len(rows) for rows in best.rows)
    n_cells = int(np.prod(best.difference.value.shape[1:]))
    corrected = correct_interval(best.difference, n_persons, n_cells)
    value = best.difference.value
    limit = np.abs(best.random_difference).max(axis=0)
    is_beyond = excludes_zero(corrected) & (np.abs(value) > limit)
    for number, output in enumerate(spec.outputs):
        for band in _order_bands(np.abs(value[number]), is_beyond[number]):
            cells = is_beyond[number, band]
            shown = cells if cells.any() else np.ones(len(cells), bool)
            order = np.argsort(-np.abs(value[number, band]) * shown)[: shown.sum()]
            first = order[0]
            is_more = value[number, band, first] > 0
            names = join_names([axes.channels[i] for i in order], limit=MAX_LISTED)
            interval = _interval(best.difference, (number, band, first))
            statement = (
                f"Windows with the highest output for {output} have {'more' if is_more else 'less'}"
                f" power at {name_band(axes, band)} than {_others(spec)}: "
                f"{value[number, band, first]:+.1f} dB at {axes.channels[first]} ({interval} dB)"
            )
            if cells.any():
                statement += f"; channels that beat the control: {names}"
            random = best.random_difference[:, number, band, first]
            control = (
                f"At {axes.channels[first]}, best windows of networks with random weights differ "
                f"by {random.min():+.1f} to {random.max():+.1f} dB; corrected for "
                f"{count(n_cells, 'comparison')}, the interval is "
                f"{_interval(corrected, (number, band, first), level='')} dB."
            )
            yield Claim("best windows", output, f"{statement}.", control, bool(cells.any()))


def _order_bands(size: Floats, is_beyond: npt.NDArray[np.bool_]) -> list[int]:
    """Return the bands in which a channel beats its control, the largest difference first.

    If there is none, return the band with the largest difference. Both arguments are
    (n_bands, n_chans).
    """
    if not size.size:
        return []
    largest = np.where(is_beyond, size, 0).max(axis=1)
    if not largest.any():
        return [int(size.max(axis=1).argmax())]
    order = np.argsort(-largest, kind="stable")
    return [int(band) for band in order if largest[band] > 0][:MAX_BANDS]


def _others(spec: TargetSpec) -> str:
    if spec.n_outputs == 1:
        return "those with the lowest one"
    return "those with the highest other outputs"


def _claim_maximization(findings: Findings, spec: TargetSpec, axes: Axes) -> Iterator[Claim]:
    """Claim that inputs that maximize an output have their largest power in one band."""
    parts = findings.maximization
    shares = band_shares(parts.spectra, axes).mean(axis=0)  # over folds
    random = band_shares(parts.random_spectra, axes).mean(axis=0)  # (n_random, n_outputs, n_bands)
    _, limit = limit_of_random(random)
    masks = [_lie_in(parts.peaks, band) for band in axes.bands.values()]
    start_masks = [_lie_in(parts.start_peaks, band) for band in axes.bands.values()]
    for number, output in enumerate(spec.outputs):
        peaks = parts.peaks[:, number]
        counts = np.array([mask[:, number].sum() for mask in masks], int)
        if not counts.any():
            statement = f"Inputs that maximize {output} have their largest power at {_list(peaks)}."
            control = "The peaks of the models lie outside the bands."
            yield Claim("maximization", output, statement, control, is_shown=False)
            continue
        band = int(counts.argmax())
        agreement = start_masks[band][:, number].mean()
        statement = (
            f"Inputs that maximize {output} have their largest power at {name_band(axes, band)} "
            f"in {counts[band]} of {count(len(peaks), 'model')}, at {_list(peaks)}, and from "
            f"{100 * agreement:.0f} % of the starts."
        )
        of_band = random[:, number, band]
        control = (
            f"The share of the power at {name_band(axes, band)} is {shares[number, band]:.2f}, and "
            f"{of_band.min():.2f} to {of_band.max():.2f} for networks with random weights "
            f"(limit {limit[number, band]:.2f})."
        )
        is_shown = (
            counts[band] == len(peaks)
            and agreement >= MIN_START_SHARE
            and shares[number, band] > limit[number, band]
        )
        yield Claim("maximization", output, statement, control, bool(is_shown))


def band_shares(spectra: Floats, axes: Axes) -> Floats:
    """Return the share of the power (..., n_bands) of spectra (..., n_freqs) in dB."""
    power = 10 ** (spectra / 10)
    shares: Floats = np.moveaxis(sum_bands(power, axes), 0, -1) / power.sum(-1, keepdims=True)
    return shares


def _claim_shares(
    method: str, shares: PersonShares, seed: int, spec: TargetSpec, axes: Axes
) -> Iterator[Claim]:
    """Claim that bands, and channels in a band, have more of the sensitivity than at random."""
    n_outputs = spec.n_outputs
    by_band = exceed(shares.by_band.sum(axis=-1), shares.random_by_band.sum(axis=-1), seed)
    flat = (*shares.by_band.shape[:2], -1)
    random = shares.random_by_band.reshape(len(shares.random_by_band), *flat)
    by_cell = exceed(shares.by_band.reshape(flat), random, seed)
    for number in range(n_outputs if axes.bands else 0):
        for band in _choose(by_band, number)[:MAX_BANDS]:
            where = name_band(axes, band)
            yield _claim_share(method, spec.outputs[number], by_band, (number, band), where)
        cells = _choose(by_cell, number)
        where = _name_cells(cells, axes)
        yield _claim_share(method, spec.outputs[number], by_cell, (number, cells[0]), where)


def _name_cells(cells: Sequence[int], axes: Axes) -> str:
    """Name the first of (band, channel), and further channels in the same band."""
    n_chans = len(axes.channels)
    band = cells[0] // n_chans
    names = [axes.channels[cell % n_chans] for cell in cells if cell // n_chans == band]
    where = f"{name_band(axes, band)} at {names[0]}"
    if len(names) > 1:
        where += f", the first of {join_names(names, limit=MAX_LISTED)}"
    return where


def _choose(excess: Excess, output: int) -> list[int]:
    """Return the categories that beat their controls, the largest value first.

    If none does, return that with the largest difference to random networks.
    """
    shown = np.flatnonzero(excess.is_beyond[output])
    if not len(shown):
        return [int(excess.difference.value[output].argmax())]
    order = np.argsort(-excess.value[output, shown], kind="stable")
    return [int(number) for number in shown[order]]


def _claim_share(
    method: str, output: str, excess: Excess, cell: tuple[int, int], where: str
) -> Claim:
    """Claim that one category has more of the sensitivity than at random."""
    random = excess.random[(slice(None), *cell)]
    share = excess.value[cell]
    statement = f"A share of {share:.3f} of the {method} of {output} lies at {where}."
    control = (
        f"Networks with random weights have {random.min():.3f} to {random.max():.3f} (limit "
        f"{excess.limit[cell]:.3f}); the difference to their mean is "
        f"{excess.difference.value[cell]:+.3f} ({_interval(excess.difference, cell, digits=3)}, "
        f"corrected for {count(excess.value.size, 'comparison')})."
    )
    return Claim(method, output, statement, control, bool(excess.is_beyond[cell]))


def exceed(values: Floats, random: Floats, seed: int) -> Excess:
    """Compare values of persons with those of networks with random weights.

    Parameters
    ----------
    values
        (n_persons, n_outputs, n).
    random
        (n_random, n_persons, n_outputs, n).
    seed
        Seed of the bootstrap.
    """
    n_comparisons = max(1, int(np.prod(values.shape[1:])))
    difference = estimate_mean(values - random.mean(axis=0), seed, n_comparisons=n_comparisons)
    of_runs = random.mean(axis=1)
    _, limit = limit_of_random(of_runs)
    value = values.mean(axis=0)
    is_beyond = (difference.low > 0) & (value > limit)
    return Excess(value, difference, of_runs, limit, is_beyond)


def _claim_randomization(findings: Findings, spec: TargetSpec) -> Iterator[Claim]:
    """Claim that the gradient map of an output depends on the weights and on the output."""
    checks = findings.randomization
    for number, output in enumerate(spec.outputs):
        last = checks.correlations[:, number, -1]
        other = checks.other_output[:, number]
        is_alike = bool(np.any(other >= checks.limit))  # NaN of a single output is not
        survives = bool(np.any(last >= checks.limit))
        subject = "does not depend" if survives else "depends"
        statement = (
            f"The gradient map of {output} {subject} on the weights: after all weights are replaced"
            f" by random ones, its rank correlation with the map before is {last.mean():.2f}."
        )
        control = (
            f"A map depends on the weights if the correlation is below {checks.limit:g}; the "
            f"largest correlation of {count(len(last), 'model')} is {last.max():.2f}."
        )
        if not np.isnan(other).all():
            control = (
                f"{control.rstrip('.')}; that with the map of the most similar other output is "
                f"{other.max():.2f}."
            )
        yield Claim("randomization", output, statement, control, not (survives or is_alike))


def _claim_removal(findings: Findings, spec: TargetSpec, axes: Axes) -> Iterator[Claim]:
    """Claim that removal by the gradient changes a band otherwise than removal at random."""
    if not axes.bands:
        return
    by_person = np.moveaxis(average_bands(findings.person_removal, axes), 0, -1)
    random = np.moveaxis(average_bands(findings.removal.random_difference, axes), 0, -1)
    n_comparisons = by_person[0].size
    mean = estimate_mean(by_person, findings.seed)
    corrected = correct_interval(mean, len(by_person), n_comparisons)
    low, high = limit_of_random(random, n_comparisons=n_comparisons)
    is_beyond = excludes_zero(corrected) & ((mean.value < low) | (mean.value > high))
    percent = 100 * findings.removal.quantile
    for number, output in enumerate(spec.outputs):
        strength = np.abs(mean.value[number])
        if is_beyond[number].any():
            strength = strength * is_beyond[number]
        cell = (number, int(np.nan_to_num(strength).argmax()))
        of_cell = random[(slice(None), *cell)]
        statement = (
            f"Removal of the {percent:.3g} % of the samples with the smallest "
            f"gradient of {output} changes the power at {name_band(axes, cell[1])} by "
            f"{mean.value[cell]:+.2f} dB more than removal at random "
            f"({_interval(mean, cell, digits=2)} dB)."
        )
        control = (
            f"By gradients of networks with random weights, the difference is {of_cell.min():+.2f} "
            f"to {of_cell.max():+.2f} dB; corrected for {count(n_comparisons, 'comparison')}, the "
            f"interval is {_interval(corrected, cell, digits=2, level='')} dB."
        )
        yield Claim("removal", output, statement, control, bool(is_beyond[cell]))


def name_band(axes: Axes, band: int) -> str:
    """Return the frequencies of a band, such as "8 to 13 Hz (alpha)"."""
    name, (low, high) = list(axes.bands.items())[band]
    return f"{low:g} to {high:g} Hz ({name})"


def excludes_zero(estimates: Estimates) -> npt.NDArray[np.bool_]:
    """Return where an interval excludes 0. An unknown interval does not."""
    excludes: npt.NDArray[np.bool_] = (estimates.low > 0) | (estimates.high < 0)
    return excludes


def _lie_in(peaks: Floats, band: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Return which peaks lie in a band, or on one of its limits."""
    low, high = band
    mask: npt.NDArray[np.bool_] = (peaks > low - ROUNDING) & (peaks < high + ROUNDING)
    return mask


def _interval(
    estimates: Estimates, cell: tuple[int, ...], *, digits: int = 1, level: str = "95 % interval "
) -> str:
    """Format an interval, or say that one person has none."""
    low, high = estimates.low[cell], estimates.high[cell]
    if np.isnan(low):
        return "no interval"
    return f"{level}{low:+.{digits}f} to {high:+.{digits}f}"


def _list(peaks: Sequence[float] | Floats) -> str:
    """List frequencies in Hz, or their range if they are many."""
    if len(peaks) > MAX_LISTED:
        return f"{min(peaks):g} to {max(peaks):g} Hz"
    return f"{', '.join(f'{peak:g}' for peak in peaks)} Hz"
