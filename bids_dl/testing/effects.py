"""Effects of known size on the power of a frequency band, and the best results possible with them.

The planted component of window ``w`` of person ``p`` has the log power

    level(p) + between * a(p) + within * b(w),  a and b standard normal,

and nothing else in a signal depends on the target. The level of the two classes is ``-d / 2`` and
``d / 2``; that of a number is ``d`` times the number in standard deviations; that of shares is 0.
Power is on the natural logarithmic scale: log power 0 is an RMS of `PLANTED_UV`, and ``d = 2``
is a factor of 7.4, or 8.7 dB.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.errors import ConfigError

AGE_MEAN = 45.0  # years
AGE_SD = 10.0  # years; ages are drawn normally
PLANTED_UV = 10.0  # RMS of the planted component at log power 0
INTEGRATION_NODES = 40  # of a Gauss-Hermite quadrature; 20 give the same six digits
MIN_COLUMNS = 2  # of shares


@dataclass(frozen=True, config=STRICT)
class PlantedEffect:
    """Effect of a target on the power of a band, planted in synthetic EEG.

    Parameters
    ----------
    kind
        ``"classes"``: the log power of two groups differs by ``d``. ``"number"``: the log power
        rises by ``d`` for each standard deviation of the age. ``"shares"``: the log power of a
        window gives the probabilities of the columns, as `probabilities` computes them, from which
        ``n_votes`` votes are drawn.
    band
        Frequency band in Hz. Both ends are exclusive.
    electrodes
        Channels with the effect; none for all channels. The components of different channels have
        different phases, so an average reference does not cancel them. It adds their mean to the
        channels without the effect, so a band of power there is no control.
    d
        Difference or slope of the log power (natural logarithm).
    between
        Standard deviation of the log power between persons.
    within
        Standard deviation of the log power between windows of a person.
    unit
        Unit that has a class. ``"person"``: women have the lower level and men the higher one, in
        the column ``sex``. ``"block"``: blocks of a recording alternate, the lower level first.
    columns, n_votes
        Columns with the numbers of votes, and the votes of each window. Used by shares only.
    window
        Length in s of the windows of constant log power, from the start of the recording.

    Examples
    --------
    >>> effect = PlantedEffect(d=2, between=1, within=1)
    >>> f"{effect.bound_windows():.1%}, {effect.bound_votes(41):.1%}, {effect.bound_votes():.1%}"
    '76.0%, 83.8%, 84.1%'
    """

    kind: Literal["classes", "number", "shares"] = "classes"
    band: tuple[float, float] = (8.0, 13.0)
    electrodes: tuple[str, ...] = ()
    d: float = Field(default=2.0, ge=0)
    between: float = Field(default=1.0, ge=0)
    within: float = Field(default=1.0, ge=0)
    unit: Literal["person", "block"] = "person"
    columns: tuple[str, ...] = ("votes_a", "votes_b", "votes_c")
    n_votes: int = Field(default=10, ge=1)
    window: float = Field(default=2.0, gt=0)

    @model_validator(mode="after")
    def _check(self) -> PlantedEffect:
        """Refuse parameters that contradict each other."""
        low, high = self.band
        if low < 0 or not self.bins(high).size:
            raise ValueError(
                f"band {low:g} to {high:g} Hz: a window of {self.window:g} s has no frequency in "
                "it; use a wider band or longer windows"
            )
        if self.unit == "block" and self.kind != "classes":
            raise ValueError(f"unit block: applies to classes only, got kind {self.kind}")
        if len(set(self.columns)) < max(MIN_COLUMNS, len(self.columns)):
            raise ValueError(f"columns: use two or more different names, got {self.columns}")
        return self

    def bins(self, highest: float = math.inf) -> NDArray[np.int64]:
        """Return the numbers of the Fourier bins of a window that the effect is planted in.

        They are inside the band, so that the neighbours that a Hann taper adds are in it too.

        Parameters
        ----------
        highest
            Frequency in Hz that is not exceeded, such as half the sampling rate.
        """
        low, high = self.band
        first = math.floor(low * self.window) + 1
        stop = math.ceil(min(high, highest) * self.window)
        return np.arange(first, stop)

    def bound_windows(self) -> float:
        """Return the highest expected accuracy on windows of unseen persons.

        It is ``Phi(d / 2 / sqrt(between^2 + within^2))`` for two classes of equal frequency. A
        system that first compares the windows of a recording with one another may exceed it if
        the unit of the class is the block.

        Returns
        -------
        float
            Fraction of the windows.

        Raises
        ------
        ConfigError
            The effect is not one of classes.
        """
        return self.bound_votes(1)

    def bound_votes(self, n_windows: int | None = None) -> float:
        """Return the highest expected accuracy on unseen persons with several windows each.

        It is ``Phi(d / 2 / sqrt(between^2 + within^2 / n_windows))``. The mean log power reaches
        it. No other vote can exceed it, such as that of the majority of windows.

        Parameters
        ----------
        n_windows
            Windows of each person, or of each block if the unit of the class is the block. None
            for the limit of many windows.

        Returns
        -------
        float
            Fraction of the persons.

        Raises
        ------
        ConfigError
            The effect is not one of classes.
        """
        self._require("classes")
        return NormalDist().cdf(_ratio(self.d / 2, math.sqrt(self._variance(n_windows))))

    def irreducible_mae(self, n_windows: int | None = None) -> float:
        """Return the mean absolute error in years of the best possible prediction of the age.

        Age and mean log power are jointly normal. The age given the log power has the standard
        deviation ``AGE_SD * sqrt(v / (d^2 + v))``, with the variance ``v`` of the mean log power of
        persons of one age. The mean absolute error is ``sqrt(2 / pi)`` of this value.

        Parameters
        ----------
        n_windows
            Windows of each person; None for the limit of many windows.

        Raises
        ------
        ConfigError
            The effect is not one of a number.
        """
        self._require("number")
        spread = math.sqrt(self._variance(n_windows))
        total = math.hypot(self.d, spread)
        residual = 1.0 if total == 0 else spread / total
        return AGE_SD * residual * math.sqrt(2 / math.pi)

    def probabilities(self, log_power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each column of votes at a log power.

        They are a softmax of ``d * log_power * c`` with ``c`` evenly spaced from -1/2 for the first
        column to 1/2 for the last one. Their log odds are therefore linear in the log power.

        Parameters
        ----------
        log_power
            Log power of any shape.

        Returns
        -------
        numpy.ndarray
            (..., n_columns); the last axis sums to 1.

        Examples
        --------
        >>> effect = PlantedEffect(kind="shares", columns=("votes_a", "votes_b"), d=2.0)
        >>> effect.probabilities(np.array([0.0, 1.0])).round(2)
        array([[0.5 , 0.5 ],
               [0.12, 0.88]])
        """
        position = np.linspace(-0.5, 0.5, len(self.columns))
        logits = self.d * np.asarray(log_power, dtype=float)[..., None] * position
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        return np.asarray(weights / weights.sum(-1, keepdims=True), dtype=np.float64)

    def kl_floor(self, n_votes: int | None = None) -> float:
        """Return the expected KL divergence in nats of drawn shares from their probabilities.

        No model can have a lower expected divergence, because even one that knows the
        probabilities does not know the votes. The expectation over votes is exact; that over the
        log power of windows is a Gauss-Hermite quadrature.

        Parameters
        ----------
        n_votes
            Votes of a window; None for those of the effect.

        Raises
        ------
        ConfigError
            The effect is not one of shares.
        """
        from scipy.stats import binom

        self._require("shares")
        n_votes = self.n_votes if n_votes is None else n_votes
        nodes, weights = np.polynomial.hermite_e.hermegauss(INTEGRATION_NODES)
        expected = self.probabilities(math.sqrt(self._variance(1)) * nodes)
        votes = np.arange(n_votes + 1)
        shares = votes / n_votes
        chances = binom.pmf(votes, n_votes, expected[..., None])
        negative_entropy = chances @ (shares * np.log(np.maximum(shares, 1 / n_votes)))
        cross_entropy = -expected * np.log(np.maximum(expected, np.finfo(float).tiny))
        divergence = (negative_entropy + cross_entropy).sum(-1)
        return float(divergence @ weights / weights.sum())

    def _variance(self, n_windows: int | None) -> float:
        """Return the variance of the mean log power of windows of one person, over persons."""
        of_windows = 0.0 if n_windows is None else self.within**2 / n_windows
        return self.between**2 + of_windows

    def _require(self, kind: str) -> None:
        """Refuse the bound of another kind of effect."""
        if self.kind != kind:
            raise ConfigError(
                f"planted effect: this bound is for the kind {kind}, but the effect is of the kind "
                f"{self.kind}"
            )


def _ratio(value: float, spread: float) -> float:
    """Divide, with infinity for a positive value over 0."""
    if spread > 0:
        return value / spread
    return math.inf if value > 0 else 0.0
