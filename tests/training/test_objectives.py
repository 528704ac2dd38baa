"""Losses of each kind of target, against those of torch and by hand."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError, TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.training import objectives
from bids_dl.training.objectives import check_objective, fit_target, make_objective, weigh_classes

N = 40
CPU = torch.device("cpu")
NAMES = ("a", "b", "c")
RANDOM = torch.Generator().manual_seed(0)
CLASSES = torch.randint(0, 3, (N,), generator=RANDOM)
NUMBERS = 40 + 12 * torch.randn(N, generator=RANDOM)
SHARES = torch.rand(N, 3, generator=RANDOM).softmax(dim=1)
LABELS = torch.where(torch.rand(N, 3, generator=RANDOM) < 0.2, torch.nan, (SHARES > 0.33).float())
OUTPUTS = 3 * torch.randn(N, 3, generator=RANDOM)
TARGETS = {"classes": CLASSES, "number": NUMBERS, "shares": SHARES, "labels": LABELS}


def make_spec(kind: str) -> TargetSpec:
    if kind == "number":
        return fit_target(TargetSpec("x", kind, ("x",), ("x",)), NUMBERS.numpy())
    return TargetSpec("x", kind, ("x",) if kind == "classes" else NAMES, NAMES)


def make(kind: str, **options):
    return make_objective(make_spec(kind), TrainConfig(**options), TARGETS[kind].numpy(), CPU)


def outputs_of(kind: str) -> torch.Tensor:
    return OUTPUTS[:, :1] if kind == "number" else OUTPUTS


def loss_of(objective, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    numerator, denominator = objective.loss_sums(outputs, objective.to_target(target))
    return numerator / denominator


VARIANTS = [
    ("classes", {}),
    ("classes", {"class_weights": "inverse"}),
    ("classes", {"class_weights": "inverse", "label_smoothing": 0.2}),
    ("number", {}),
    ("number", {"loss": "mse"}),
    ("shares", {}),
    ("shares", {"label_smoothing": 0.2}),
    ("labels", {}),
    ("labels", {"class_weights": "inverse"}),
]


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(objectives).failed == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighting", [None, "inverse"])
def test_the_loss_of_classes_is_that_of_torch(smoothing, weighting):
    counts = torch.bincount(CLASSES, minlength=3)
    weight = N / (3 * counts) if weighting else None
    objective = make("classes", class_weights=weighting, label_smoothing=smoothing)
    expected = F.cross_entropy(OUTPUTS, CLASSES, weight=weight, label_smoothing=smoothing)
    torch.testing.assert_close(loss_of(objective, OUTPUTS, CLASSES), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighting", [None, "inverse"])
def test_shares_of_one_class_have_the_loss_of_the_class(smoothing, weighting):
    objective = make("classes", class_weights=weighting, label_smoothing=smoothing)
    soft = F.one_hot(CLASSES, 3).float()
    for sums in (objective.loss_sums, objective.headline_sums):
        for found, expected in zip(sums(OUTPUTS, soft), sums(OUTPUTS, CLASSES), strict=True):
            torch.testing.assert_close(found, expected)


def test_the_loss_of_mixed_classes_is_the_mean_of_their_losses_by_weight():
    objective = make("classes", class_weights="inverse")
    mixed = 0.3 * F.one_hot(CLASSES, 3) + 0.7 * F.one_hot(CLASSES.flip(0), 3)
    numerator, denominator = objective.loss_sums(OUTPUTS, mixed)
    first, second = (objective.loss_sums(OUTPUTS, c) for c in (CLASSES, CLASSES.flip(0)))
    torch.testing.assert_close(numerator, 0.3 * first[0] + 0.7 * second[0])
    torch.testing.assert_close(denominator, 0.3 * first[1] + 0.7 * second[1])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_shares_is_the_soft_cross_entropy_of_torch(smoothing):
    objective = make("shares", label_smoothing=smoothing)
    expected = F.cross_entropy(OUTPUTS, SHARES, label_smoothing=smoothing)
    torch.testing.assert_close(loss_of(objective, OUTPUTS, SHARES), expected)


@pytest.mark.parametrize(("name", "loss"), [("huber", F.huber_loss), ("mse", F.mse_loss)])
def test_the_loss_of_a_number_is_that_of_its_z_scores(name, loss):
    z_scores = (NUMBERS - NUMBERS.mean()) / NUMBERS.std(correction=0)
    expected = loss(OUTPUTS[:, 0], z_scores)
    actual = loss_of(make("number", loss=name), OUTPUTS[:, :1], NUMBERS)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("weighting", [None, "inverse"])
def test_the_loss_of_labels_is_that_of_torch_over_the_known_ones(weighting):
    is_known = ~LABELS.isnan()
    positive_weights = torch.ones(3)
    if weighting:
        positive_weights = (LABELS == 0).sum(dim=0) / (LABELS == 1).sum(dim=0)
    weights = positive_weights.expand(N, 3)[is_known]
    expected = F.binary_cross_entropy_with_logits(
        OUTPUTS[is_known], LABELS[is_known], pos_weight=weights
    )
    actual = loss_of(make("labels", class_weights=weighting), OUTPUTS, LABELS)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_the_loss_and_the_metric_of_batches_add_up_to_those_of_all_windows(kind, options):
    objective = make(kind, **options)
    outputs = outputs_of(kind).double()
    target = objective.to_target(TARGETS[kind])
    target = target if kind == "classes" else target.double()
    if kind == "classes" and objective.weights is not None:
        objective = objectives.ClassObjective(
            3, objective.weights.double(), objective.label_smoothing
        )
    for name in ("loss_sums", "headline_sums"):
        function = getattr(objective, name)
        numerator, denominator = function(outputs, target)
        parts = [
            function(outputs[rows], target[rows]) for rows in torch.arange(N).split([17, 0, 23])
        ]
        torch.testing.assert_close(sum(part[0] for part in parts), numerator)
        torch.testing.assert_close(sum(part[1] for part in parts), denominator)


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_an_empty_batch_adds_nothing_and_has_a_gradient_of_0(kind, options):
    objective = make(kind, **options)
    weight = torch.ones(1, requires_grad=True)
    outputs = outputs_of(kind)[:0] * weight
    numerator, denominator = objective.loss_sums(outputs, objective.to_target(TARGETS[kind][:0]))
    numerator.backward()
    assert (numerator.item(), denominator.item(), weight.grad.item()) == (0, 0, 0)


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_no_loss_is_broadcast(kind, options):
    objective = make(kind, **options)
    outputs = outputs_of(kind)
    target = objective.to_target(TARGETS[kind])
    wrong_target = target[:, 0] if target.ndim == 2 else target[:, None]
    for pair in ((outputs, wrong_target), (outputs[:, 0], target), (outputs[:1], target)):
        with pytest.raises(ModelError, match=r"the model returned outputs of .*; expected"):
            objective.loss_sums(*pair)


def test_the_metric_is_that_of_the_predictions():
    accuracy = (OUTPUTS.argmax(dim=1) == CLASSES).float().mean()
    kl = (SHARES * (SHARES.log() - OUTPUTS.log_softmax(dim=1))).sum(dim=1).mean()
    is_known = ~LABELS.isnan()
    label_accuracy = ((OUTPUTS > 0) == (LABELS == 1))[is_known].float().mean()
    spec = make_spec("number")
    mae = (OUTPUTS[:, 0] * spec.std + spec.mean - NUMBERS).abs().mean()
    expected = {"classes": accuracy, "number": mae, "shares": kl, "labels": label_accuracy}
    names = {"classes": "accuracy", "number": "mae", "shares": "kl", "labels": "accuracy"}
    for kind, value in expected.items():
        objective = make(kind)
        target = objective.to_target(TARGETS[kind])
        total, count = objective.headline_sums(outputs_of(kind), target)
        torch.testing.assert_close(total / count, value, check_dtype=False)
        assert objective.headline == names[kind]


def test_shares_of_0_have_a_finite_loss_and_metric():
    objective = make("shares")
    shares = torch.eye(3)
    for sums in (objective.loss_sums, objective.headline_sums):
        total, count = sums(OUTPUTS[:3], shares)
        torch.testing.assert_close(total / count, F.cross_entropy(OUTPUTS[:3], torch.arange(3)))


def test_a_missing_label_has_no_gradient():
    outputs = OUTPUTS.clone().requires_grad_()
    loss_of(make("labels", class_weights="inverse"), outputs, LABELS).backward()
    assert torch.equal(outputs.grad == 0, LABELS.isnan())


def test_classes_without_a_training_window_do_not_count():
    assert weigh_classes(np.array([1, 1, -1]), 3).tolist() == [0, 1, 0]
    spec = make_spec("classes")
    config = TrainConfig(class_weights="inverse")
    objective = make_objective(spec, config, np.array([0, 0, 1]), CPU)
    numerator, denominator = objective.loss_sums(OUTPUTS[:2], torch.tensor([2, 2]))
    assert (float(numerator), float(denominator)) == (0, 0)


def test_a_label_without_a_positive_training_window_has_a_finite_weight():
    spec = make_spec("labels")
    labels = np.array([[1, 0, 1], [0, 0, 1]], np.float32)
    objective = make_objective(spec, TrainConfig(class_weights="inverse"), labels, CPU)
    assert objective.positive_weights.tolist() == [1, 0, 0]


def test_mean_and_standard_deviation_are_those_of_the_known_training_numbers():
    spec = fit_target(TargetSpec("x", "number", ("x",), ("x",)), np.array([1, 3, np.nan]))
    assert (spec.mean, spec.std) == (2, 1)
    classes = make_spec("classes")
    assert fit_target(classes, CLASSES.numpy()) is classes


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([5.1] * 7, "'x' is 5.1 in all training windows, so there is nothing to learn"),
        ([np.nan], "no training window has a 'x'"),
        ([], "no training window has a 'x'"),
    ],
)
def test_training_numbers_that_do_not_vary_are_refused(numbers, message):
    spec = TargetSpec("x", "number", ("x",), ("x",))
    with pytest.raises(TargetError, match=message):
        fit_target(spec, np.array(numbers, np.float32))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "number",
            {"class_weights": "inverse"},
            "class weights need a target of classes or labels",
        ),
        (
            "shares",
            {"class_weights": "inverse"},
            "'x' is of kind shares; leave out --class-weights",
        ),
        ("labels", {"label_smoothing": 0.1}, "label smoothing needs a target of classes or shares"),
        ("number", {"label_smoothing": 0.1}, "kind number; leave out --label-smoothing"),
    ],
)
def test_options_that_do_not_apply_to_the_target_are_refused(kind, options, message):
    with pytest.raises(ConfigError, match=message):
        check_objective(make_spec(kind), TrainConfig(**options))
