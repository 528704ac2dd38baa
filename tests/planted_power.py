"""Measurement of a planted effect, and the best linear classifier of it."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from bids_dl.testing import PLANTED_UV, PlantedEffect


def measure_log_power(effect: PlantedEffect, signals: np.ndarray) -> np.ndarray:
    """Return the log power (..., n_chans) in the band of an effect, in its scale.

    Parameters
    ----------
    signals
        (..., n_chans, n_times) in µV: windows of the effect.
    """
    n_times = signals.shape[-1]
    amplitudes = 2 * np.abs(np.fft.rfft(signals)[..., effect.bins()]) / n_times
    return np.log((amplitudes**2).sum(-1) / 2 / PLANTED_UV**2)


def fit_logistic(features: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of classes 0 and 1 on a feature."""

    def loss(weights: np.ndarray) -> float:
        logits = weights[0] * features + weights[1]
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))

    slope, intercept = minimize(loss, np.zeros(2)).x
    return float(slope), float(intercept)
