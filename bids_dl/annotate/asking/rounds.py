"""A round: train on the answers, test on the random sample, and choose the next windows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bids_dl.annotate.asking.exchange import Probabilities, RoundRequest, RoundResult
from bids_dl.annotate.asking.figures import TestedWindows, compute_figures
from bids_dl.annotate.asking.labels import LabelledWindows, label_test, label_training
from bids_dl.annotate.asking.picking import PickProblem, choose_picks
from bids_dl.annotate.asking.preparation import PreparedLearner
from bids_dl.annotate.asking.stopping import (
    choose_compared,
    compare_models,
    count_likeliest,
    describe_agreement,
)
from bids_dl.annotate.learning.learner import Answers, Predictor, learn_committee
from bids_dl.annotate.strategies.cold_start import MIN_ANSWERS
from bids_dl.annotate.strategies.pool import UNLABELLED, Floats, Integers, Rows
from bids_dl.annotate.strategies.registry import find_strategy

SEED_DIGITS = 8  # of the hash of a model, the seed of its training: equal hashes, equal models


class Rounds:
    """Rounds of one pool, one after the other.

    Parameters
    ----------
    prepared
        The learner.
    """

    def __init__(self, prepared: PreparedLearner) -> None:
        self._prepared = prepared
        self._model: str | None = None  # of the last round with a model, and its opinion
        self._opinion: Probabilities | None = None
        self._has_told = False

    def run(self, request: RoundRequest) -> RoundResult:
        """Run a round. Equal requests give equal results, but the kappa and the messages.

        Parameters
        ----------
        request
            The answers so far.

        Returns
        -------
        RoundResult
            Without a model until two classes have answers. Until each class has `MIN_ANSWERS`
            answers, the opinion is that of the run, if there is one.
        """
        prepared = self._prepared
        train = _keep_usable(
            label_training(prepared.windows, request.answers, prepared.classes), prepared
        )
        test = _keep_usable(
            label_test(prepared.windows, request.answers, prepared.classes), prepared
        )
        opinion = _learn(prepared, request, train)
        kappa = self._compare(opinion, train, request.seed)
        messages = () if self._has_told else prepared.messages
        self._has_told = True
        return RoundResult(
            request.number if opinion.model is not None else request.number - 1,
            opinion.model,
            opinion.probabilities,
            choose_picks(
                _describe_windows(prepared, train, test, opinion),
                request.strategy,
                request.batch,
                request.held,
                seed=request.seed,
                number=request.number,
            ),
            prepared.is_usable,
            figures=_test(prepared, request, opinion, test),
            kappa=kappa,
            likeliest=count_likeliest(request.answers, prepared.classes[0]),
            agreement=describe_agreement(request.answers),
            messages=messages,
        )

    def _compare(self, opinion: RoundOpinion, train: LabelledWindows, seed: int) -> float | None:
        """Return the agreement with the model before, if it is another one."""
        before, model_before = self._opinion, self._model
        if opinion.probabilities is None:
            return None
        self._opinion, self._model = opinion.probabilities, opinion.model
        if before is None or model_before == opinion.model:
            return None
        prepared = self._prepared
        candidates = np.flatnonzero(prepared.is_usable & ~prepared.windows.is_test)
        rows = np.setdiff1d(choose_compared(candidates.astype(np.int64), seed), train.rows)
        return compare_models(before[rows], opinion.probabilities[rows])


@dataclass(frozen=True, slots=True, eq=False)
class RoundOpinion:
    """Opinion of a model on all windows, or of none.

    Attributes
    ----------
    model
        Hash of the model.
    probabilities, committee
        As in `bids_dl.annotate.strategies.Pool`, of all windows. None without a model.
    train_rows
        (n_train,): windows that trained the model.
    """

    model: str | None = None
    probabilities: Probabilities | None = None
    committee: Floats | None = None
    train_rows: Rows = field(default_factory=lambda: np.array([], np.int64))


def _learn(
    prepared: PreparedLearner, request: RoundRequest, train: LabelledWindows
) -> RoundOpinion:
    """Train the learner on the labelled windows, or take the opinion of the run."""
    n_classes = len(prepared.classes)
    counts = np.bincount(train.classes, minlength=n_classes)
    if prepared.first is not None and counts.min() < MIN_ANSWERS:
        return RoundOpinion(prepared.hash_model((), request.seed), prepared.first)
    answers = Answers(train.rows, train.classes, np.ones(len(train.rows)))
    if answers.n_classes < 2:
        return RoundOpinion()
    model = prepared.hash_model(train.answers, request.seed)
    seed = int(model[:SEED_DIGITS], 16)
    committee = None
    if find_strategy(request.strategy).needs_committee:
        members = learn_committee(prepared.learner, answers, seed)
        committee = np.stack([_predict_all(prepared, member) for member in members])
    predict = prepared.learner.learn(answers, seed)
    return RoundOpinion(
        model,
        _predict_all(prepared, predict).astype(np.float32),
        committee,
        train.rows,
    )


def _predict_all(prepared: PreparedLearner, predict: Predictor) -> Floats:
    """Return the probabilities (n_windows, n_classes), NaN for unusable windows."""
    rows = np.flatnonzero(prepared.is_usable).astype(np.int64)
    probabilities = np.full((len(prepared.windows), len(prepared.classes)), np.nan)
    probabilities[rows] = predict(rows)
    return probabilities


def _test(
    prepared: PreparedLearner, request: RoundRequest, opinion: RoundOpinion, test: LabelledWindows
) -> dict[str, object] | None:
    """Return the test figures, None without a model."""
    if opinion.probabilities is None:
        return None
    person = prepared.windows.person
    tested = TestedWindows(
        opinion.probabilities[test.rows].astype(np.float64), test.classes, person[test.rows]
    )
    figures = compute_figures(
        tested,
        prepared.classes,
        person[opinion.train_rows],
        number=request.number,
        seed=request.seed,
    )
    return figures.as_dict()


def _describe_windows(
    prepared: PreparedLearner,
    train: LabelledWindows,
    test: LabelledWindows,
    opinion: RoundOpinion,
) -> PickProblem:
    """Return what the strategies know: no test window, and none whose experts were unsure.

    Windows that share samples with a tested one would not train, and are not asked about.
    """
    windows = prepared.windows
    labels = np.full(len(windows), UNLABELLED, np.int64)
    labels[train.rows] = train.classes
    is_open = prepared.is_usable & ~windows.is_test & ~windows.is_repeated
    is_open[train.without_label] = False
    is_open &= ~windows.find_overlapping(test.rows)
    probabilities = opinion.probabilities
    return PickProblem(
        windows,
        prepared.features,
        labels,
        is_open,
        len(prepared.classes),
        None if probabilities is None else probabilities.astype(np.float64),
        opinion.committee,
        trusts_opinion=probabilities is not None and probabilities is prepared.first,
    )


def _keep_usable(labelled: LabelledWindows, prepared: PreparedLearner) -> LabelledWindows:
    """Return the labelled windows without those that have NaN."""
    is_kept = prepared.is_usable[labelled.rows]
    classes: Integers = labelled.classes[is_kept]
    return LabelledWindows(
        labelled.rows[is_kept], classes, labelled.without_label, labelled.answers
    )
