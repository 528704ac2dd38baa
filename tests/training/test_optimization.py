from __future__ import annotations

import doctest

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.training import optimization
from bids_dl.training.optimization import (
    check_optimizer,
    learning_rate,
    make_average,
    make_optimizer,
    set_learning_rate,
)

USABLE = ("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "asgd", "nadam", "radam")
USABLE += ("rmsprop", "sgd")


def parameter() -> nn.Parameter:
    return nn.Parameter(torch.ones(2, 2))


@pytest.mark.parametrize("name", [*USABLE, "AdamW", "SGD"])
def test_an_optimizer_of_torch_is_found_in_any_case_and_takes_a_step(name):
    weights = parameter()
    optimizer = make_optimizer([weights], TrainConfig(optimizer=name, lr=0.1))
    assert type(optimizer).__name__.lower() == name.lower()
    assert optimizer.defaults["weight_decay"] == 0.01
    weights.sum().backward()
    optimizer.step()
    assert (weights < 1).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamv"}, "torch.optim has no such optimizer, did you mean 'adam"),
        ({"optimizer": "LBFGS"}, "not available, because it evaluates the loss several times"),
        ({"optimizer": "sparseadam"}, "it is for sparse gradients"),
        ({"optimizer": "muon"}, "it is for matrices only"),
        ({"optimizer": "rprop"}, "Rprop has no weight decay; add --weight-decay 0"),
        (
            {"optimizer": "sgd", "optimizer_options": {"momentun": 0.9}},
            "SGD has no such option, did you mean 'momentum'",
        ),
        ({"optimizer_options": {"lr": 1}}, "lr has an option of its own, --lr"),
        (
            {"optimizer": "sgd", "optimizer_options": {"momentum": -1}},
            r"with momentum=-1: SGD refuses it \(Invalid momentum value",
        ),
        ({"optimizer_options": {"betas": "x"}}, "AdamW refuses it"),
        ({"optimizer_options": {"betas": [0.9]}}, "AdamW refuses it"),
        ({"optimizer_options": {"capturable": True}}, "with capturable=True: AdamW refuses it"),
        ({"optimizer_options": {"differentiable": True}}, "AdamW refuses it"),
        ({"optimizer_options": {"eps": "x"}}, "AdamW refuses it"),
    ],
)
def test_an_optimizer_that_the_loop_cannot_use_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_optimizer(TrainConfig(**settings), torch.device("cpu"))


@given(
    warmup=st.floats(0, 3),
    epochs=st.integers(4, 8),
    steps=st.integers(1, 20),
    schedule=st.sampled_from(["constant", "cosine"]),
)
def test_the_learning_rate_rises_to_its_value_and_then_never_rises_again(
    warmup, epochs, steps, schedule
):
    config = TrainConfig(warmup=warmup, epochs=epochs, schedule=schedule, lr=0.1, min_lr=0.01)
    rates = [learning_rate(step, steps, config) for step in range(epochs * steps)]
    n_warmup = round(warmup * steps)
    assert rates[:n_warmup] == sorted(rates[:n_warmup])
    assert max(rates) == pytest.approx(0.1)
    later = rates[max(0, n_warmup - 1) :]
    assert later == sorted(later, reverse=True)
    assert rates[-1] == pytest.approx(
        0.01 if schedule == "cosine" and len(later) > 2 else rates[-1]
    )


def test_the_learning_rate_of_an_optimizer_is_set():
    optimizer = make_optimizer([parameter()], TrainConfig())
    set_learning_rate(optimizer, 0.5)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_the_average_moves_to_the_weights_by_its_decay_and_copies_buffers():
    model = nn.BatchNorm1d(1, affine=True)
    average = make_average(model, 0.9)
    average.update_parameters(model)  # the first update copies
    with torch.no_grad():
        model.weight.fill_(2)
        model.running_mean.fill_(5)
    average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(1.1)
    assert average.module.running_mean.item() == 5
    assert make_average(model, None) is None


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(optimization).failed == 0
