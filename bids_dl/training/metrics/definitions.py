"""Definitions for ``metrics.json``: metrics, votes and methods of intervals, with references."""

from __future__ import annotations

from bids_dl.config.training_options import TargetKind, VoteUnit
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.intervals import N_RESAMPLES
from bids_dl.training.metrics.pairs import MIN_RESAMPLES
from bids_dl.training.metrics.registry import metrics_of

UNIT_NAMES: dict[VoteUnit, str] = {
    "subject": "person",
    "session": "session of a person",
    "recording": "recording",
    "block": "block, which is the part of a recording that one event selects",
}
VOTE_RULES: dict[TargetKind, str] = {
    "classes": "the class that was predicted for most windows; a tie goes to the class with the "
    "larger mean probability",
    "number": "the mean of the predicted numbers; the true number is the mean over the windows",
    "shares": "the mean of the predicted shares; the true shares are the mean over the windows",
    "labels": "the mean probability of each label",
}
BASELINES: dict[TargetKind, str] = {
    "classes": "chance: guessing each class with the same probability; votes_limit is the accuracy "
    "that such guesses exceed with a probability of at most 5 %, if votes are independent "
    "(binomial distribution, Combrisson and Jerbi 2015, doi:10.1016/j.jneumeth.2015.01.010); "
    "largest_class: always predicting the most frequent class of the tested windows or votes",
    "number": "training_mean: always predicting the mean over the training windows of the fold; "
    "r has no value, because the prediction is constant",
    "shares": "training_mean: always predicting the mean shares over the training windows of the "
    "fold",
    "labels": "chance: guessing each label with probability 0.5; largest_class: always predicting "
    "the more frequent value of each label among the tested windows or votes; both are mean "
    "accuracies over labels",
}
BOOTSTRAP = (
    f"percentiles over {N_RESAMPLES} bootstrap samples of persons (Efron 1979, "
    "doi:10.1214/aos/1176344552)"
)


def define(spec: TargetSpec, vote_by: VoteUnit, n_persons: int, n_votes: int) -> dict[str, str]:
    """Return the definitions of the metrics of a target and of their intervals.

    Parameters
    ----------
    spec
        Target.
    vote_by
        Unit of vote.
    n_persons
        Number of tested persons.
    n_votes
        Number of votes.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> define(spec, "subject", n_persons=20, n_votes=20)["rmse"]
    'root of the mean squared error, in the unit of the target'
    """
    windows = f"each window counts; 95 % intervals: {BOOTSTRAP}, because windows of one person "
    windows += "are not independent"
    if any(metric.name == "auroc" for metric in metrics_of(spec)):
        windows += f"; AUROC of very many windows uses fewer samples, at least {MIN_RESAMPLES}"
    if n_persons == 1:
        windows += "; one person has no interval"
    definitions = {
        "windows": windows,
        "votes": f"one vote per {UNIT_NAMES[vote_by]}: {VOTE_RULES[spec.kind]}; "
        + _define_vote_intervals(spec, n_persons, n_votes),
        "person_means": "mean over persons of the metric of their windows, without persons whose "
        f"value is undefined; 95 % intervals: {BOOTSTRAP}",
        "baselines": BASELINES[spec.kind],
    }
    for metric in metrics_of(spec):
        definitions[metric.name] = metric.definition
    return definitions


def _define_vote_intervals(spec: TargetSpec, n_persons: int, n_votes: int) -> str:
    """Return the methods of the intervals of votes."""
    closed = [metric for metric in metrics_of(spec) if metric.interval is not None]
    methods = "; ".join(f"{metric.title}: {metric.interval_method}" for metric in closed)
    if n_votes > n_persons > 1:
        text = f"95 % intervals: {BOOTSTRAP}, because votes of one person are not independent"
        if closed:
            text += "; if persons do not differ, intervals as if each person had one vote: "
            text += f"{methods}, and none of other metrics"
        return text
    if not closed:
        return "one person has no interval" if n_persons == 1 else f"95 % intervals: {BOOTSTRAP}"
    text = f"95 % intervals of {methods}"
    if n_persons > 1:
        return f"{text}; of other metrics: {BOOTSTRAP}"
    if n_votes > 1:
        text += "; they treat votes of the one person as independent, so they are too narrow"
    return f"{text}; other metrics have none for one person"
