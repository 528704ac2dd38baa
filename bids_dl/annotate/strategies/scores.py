"""Scores of windows by the opinion of a model: the higher, the sooner the window is asked."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from bids_dl.annotate.strategies.pool import Floats, Integers


def score_entropy(probabilities: Floats) -> Floats:
    """Return the entropy of the class of each window.

    Parameters
    ----------
    probabilities
        (n_windows, n_classes): probability of each class.

    Returns
    -------
    numpy.ndarray
        (n_windows,) in nats.

    Examples
    --------
    >>> score_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(3)
    array([0.693, 0.   ])
    """
    return np.asarray(entr(probabilities).sum(axis=-1), dtype=np.float64)


def score_margin(probabilities: Floats) -> Floats:
    """Return 1 minus the difference between the two highest probabilities of each window.

    Parameters
    ----------
    probabilities
        (n_windows, n_classes): probability of each class.

    Returns
    -------
    numpy.ndarray
        (n_windows,) from 0, sure, to 1. It is 0 for a single class.

    Examples
    --------
    >>> score_margin(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])).round(3)
    array([0.8, 0.3])
    """
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities))
    ordered = np.sort(probabilities, axis=1)
    return np.asarray(1 - (ordered[:, -1] - ordered[:, -2]), dtype=np.float64)


def score_disagreement(committee: Floats) -> Floats:
    """Return the mutual information between the class of each window and the member of a committee.

    It is the entropy of the mean probabilities minus the mean entropy of the members, as in
    Houlsby et al. 2011 (arXiv:1112.5745).

    Parameters
    ----------
    committee
        (n_members, n_windows, n_classes): probability of each class by each member.

    Returns
    -------
    numpy.ndarray
        (n_windows,) in nats, 0 if all members agree.

    Examples
    --------
    >>> committee = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])
    >>> score_disagreement(committee).round(3)
    array([0.693, 0.   ])
    """
    shared = score_entropy(committee.mean(axis=0))
    return np.asarray(np.maximum(shared - score_entropy(committee).mean(axis=0), 0))


def score_likeliest(probabilities: Floats, class_counts: Integers) -> Floats:
    """Return the probability of the class that has the fewest answers.

    Parameters
    ----------
    probabilities
        (n_windows, n_classes): probability of each class.
    class_counts
        (n_classes,): answers of each class. The first of the classes with the fewest is taken.

    Returns
    -------
    numpy.ndarray
        (n_windows,) from 0 to 1.

    Examples
    --------
    >>> score_likeliest(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([12, 3]))
    array([0.1, 0.8])
    """
    return probabilities[:, int(np.argmin(class_counts))]
