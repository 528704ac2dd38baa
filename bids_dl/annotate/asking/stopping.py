"""Signs that more answers change little: two successive models agree, and likely windows fail.

Nothing stops by itself. Kappa of 0.99 or more of three successive pairs of models means that F
changes by 0.04 at most (Bloodgood and Vijay-Shanker 2009, arXiv:1409.5165).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.answers.replay import Answer
from bids_dl.annotate.answers.votes import agreement_of_experts, agreement_with_oneself
from bids_dl.annotate.asking.exchange import Probabilities
from bids_dl.annotate.asking.reasons import MARK
from bids_dl.annotate.strategies.pool import Rows

N_COMPARED = 2000  # windows on which two models are compared
N_LIKELIEST = 40  # windows asked as likely, the last of which are counted
COMPARISON_STREAM = 2  # last value of the seed, beside those of the questions


def choose_compared(candidates: Rows, seed: int) -> Rows:
    """Return the windows on which models are compared: always the same of a pool.

    Parameters
    ----------
    candidates
        Windows that can be used.
    seed
        Seed of the choice.

    Examples
    --------
    >>> choose_compared(np.arange(3), seed=0).tolist()
    [0, 1, 2]
    """
    rng = np.random.default_rng([seed, COMPARISON_STREAM])
    n_compared = min(N_COMPARED, len(candidates))
    return np.sort(rng.choice(candidates, n_compared, replace=False))


def compare_models(first: Probabilities, second: Probabilities) -> float | None:
    """Return the kappa of Cohen between the likeliest classes of two models.

    Parameters
    ----------
    first, second
        Opinions on the same windows without an answer.

    Returns
    -------
    float or None
        None if kappa is not defined: without windows, or if both models always prefer one class.

    Examples
    --------
    >>> opinion = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    >>> compare_models(opinion, opinion)
    1.0
    """
    from sklearn.metrics import cohen_kappa_score

    preferred = first.argmax(axis=1), second.argmax(axis=1)
    if len(np.unique(np.concatenate(preferred))) < 2:
        return None
    return float(cohen_kappa_score(*preferred))


def count_likeliest(answers: Sequence[Answer], background: str) -> tuple[int, int]:
    """Count the events among the last windows that were asked because an event was likely.

    Parameters
    ----------
    answers
        Answers that hold, in the order of the log.
    background
        Class that is no event. ``unsure`` is no event either.

    Returns
    -------
    n_events, n_asked
        The second is `N_LIKELIEST` at most.
    """
    labels = [answer.label for answer in answers if answer.strategy == "likeliest"]
    last = labels[-N_LIKELIEST:]
    return sum(label not in (background, UNSURE) for label in last), len(last)


def describe_agreement(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the agreement of the experts with themselves and with each other.

    Parameters
    ----------
    answers
        Answers that hold, in the order of the log. Marks are no answers to a question.

    Returns
    -------
    dict
        ``self``: by expert, ``n`` items that were answered again and the ``share`` of equal
        answers. Experts without such items are left out. ``experts``: kappa of Fleiss, or None.
    """
    asked = [answer for answer in answers if answer.strategy != MARK]
    own = {}
    for annotator, each in agreement_with_oneself(asked).items():
        if each.n_items:
            own[annotator] = {"n": each.n_items, "share": each.share}
    kappa = agreement_of_experts(asked)
    return {"self": own, "experts": None if np.isnan(kappa) else kappa}
