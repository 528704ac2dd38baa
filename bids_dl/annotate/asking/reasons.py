"""Reasons for which a window is asked, by the strategy in the log."""

from __future__ import annotations

from collections.abc import Mapping

RANDOM = "random"
MARK = "mark"  # of an interval that an expert marked without being asked
SECOND_OPINION = "second-opinion"

REASONS: Mapping[str, str] = {
    RANDOM: "random, so that no kind of window is missed",
    "likeliest": "likely a class with few answers",
    "margin": "the model is unsure",
    "entropy": "the model is unsure",
    "committee": "models that learned from parts of the answers disagree",
    "k-centre": "unlike all answered so far",
    "outlier": "unusual signals",
    "typical": "typical of windows without an answer",
    SECOND_OPINION: "a second opinion is needed",
}
"""Sentence of each strategy, as the page shows it."""

TEST_REASON = "random sample for testing"


def explain_question(strategy: str, purpose: str) -> str:
    """Return the sentence that tells an expert the reason for a question.

    Parameters
    ----------
    strategy
        Strategy of the log. One that is not known here explains itself by its name.
    purpose
        ``"test"`` or ``"train"``.

    Examples
    --------
    >>> explain_question("margin", "train")
    'the model is unsure'
    >>> explain_question("random", "test")
    'random sample for testing'
    """
    if purpose == "test":
        return TEST_REASON
    return REASONS.get(strategy, strategy)
