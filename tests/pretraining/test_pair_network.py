from __future__ import annotations

import torch
from torch import nn

from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.pretext import RELATIVE_POSITION
from bids_dl.models.shallow_fbcsp import ShallowFBCSP
from bids_dl.pretraining.pair_network import PairNetwork, count_features

CARD = ModelCard(
    "shallow-fbcsp", ("C3", "C4"), 64, 64.0, RELATIVE_POSITION, options={"n_filters": 4}
)


def make_network() -> PairNetwork:
    torch.manual_seed(0)
    return PairNetwork(CARD.build(), count_features(CARD))


def test_the_order_of_the_windows_of_a_pair_does_not_matter():
    network = make_network().eval()
    signals = torch.randn(5, 2, 2, 64)
    torch.testing.assert_close(network(signals), network(signals.flip(1)))


def test_a_window_paired_with_itself_has_no_difference_also_in_training():
    network = make_network().train()
    assert isinstance(network.extractor.model, ShallowFBCSP)
    assert network.extractor.model.dropout.p > 0
    window = torch.randn(5, 1, 2, 64)
    logits = network(window.expand(-1, 2, -1, -1))
    torch.testing.assert_close(logits, network.dense.bias.expand(5, 2))


def test_all_layers_of_the_model_are_trained_but_the_last():
    network = make_network()
    network(torch.randn(8, 2, 2, 64)).square().sum().backward()
    trained = {
        name.partition(".")[0]
        for name, parameter in network.extractor.model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }
    assert trained == {"filters", "norm"}


def test_counting_features_draws_no_random_numbers():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert count_features(CARD) == 4 * (64 - 6 + 1 - 19 + 4) // 4
    assert torch.equal(torch.get_rng_state(), before)


def test_batch_norm_is_in_training_mode_and_dropout_is_not():
    network = PairNetwork(
        nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Flatten(), nn.Linear(12, 2)), 12
    )
    network.train()
    assert [layer.training for layer in network.extractor.model] == [True, False, True, True]
