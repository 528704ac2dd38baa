"""Augmentation of batches: probabilities, targets of each kind, and resumption."""

from __future__ import annotations

import pytest
import torch

from bids_dl.errors import ConfigError
from bids_dl.models.target import TargetSpec
from bids_dl.stream.batches import Batch
from bids_dl.training.augmentation import check_augmentation, make_augmentation
from bids_dl.training.augmentation.registry import OPERATIONS

N = 64
RANDOM = torch.Generator().manual_seed(1)
SIGNALS = torch.randn(N, 4, 128, generator=RANDOM) + 100
LABELS = torch.randint(0, 2, (N, 3), generator=RANDOM).float()
LABELS[0, 0] = torch.nan
TARGETS = {
    "classes": torch.randint(0, 3, (N,), generator=RANDOM),
    "number": torch.randn(N, generator=RANDOM) * 10 + 40,
    "shares": torch.rand(N, 3, generator=RANDOM).softmax(dim=1),
    "labels": LABELS,
}
NAMES = [*OPERATIONS, "mixup"]


def make(probabilities, kind="number", seed=0):
    outputs = ("x",) if kind == "number" else ("a", "b", "c")
    spec = TargetSpec("x", kind, ("x",), outputs)
    return make_augmentation(probabilities, spec, seed=seed)


def batch_of(kind="number", n=N):
    return Batch(SIGNALS[:n], TARGETS[kind][:n], torch.arange(n))


@pytest.mark.parametrize("name", NAMES)
def test_the_shape_is_kept_and_the_batch_is_left_as_it_is(name):
    batch = batch_of()
    before = batch.signals.clone()
    signals, _ = make({name: 1.0})(batch)
    assert signals.shape == before.shape
    assert signals.dtype is torch.float32
    assert signals.isfinite().all()
    assert (signals != before).any()
    assert torch.equal(batch.signals, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_probability_is_the_share_of_changed_windows(name):
    augmentation = make({name: 0.25})
    n_changed = 0
    for _ in range(20):
        signals, _ = augmentation(batch_of())
        n_changed += int((signals != SIGNALS).flatten(1).any(dim=1).sum())
    assert n_changed / (20 * N) == pytest.approx(0.25, abs=0.05)


def test_windows_that_are_not_selected_are_bit_equal():
    augmentation = make(dict.fromkeys(NAMES, 0.1))
    signals, target = augmentation(batch_of())
    is_equal = (signals == SIGNALS).flatten(1).all(dim=1)
    assert 0.2 < is_equal.float().mean() < 0.8
    assert torch.equal(target[is_equal], TARGETS["number"][is_equal])


@pytest.mark.parametrize("probabilities", [{}, {"time_mask": 0.0, "mixup": 0}])
def test_there_is_no_augmentation_without_a_probability(probabilities):
    assert make(probabilities) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_same_state_gives_the_same_batch(name):
    augmentation = make({name: 0.5})
    augmentation(batch_of())
    state = augmentation.state_dict()
    expected = augmentation(batch_of())
    resumed = make({name: 0.5}, seed=7)
    resumed.load_state_dict(state)
    for found, value in zip(resumed(batch_of()), expected, strict=True):
        assert torch.equal(found, value)
    assert not torch.equal(augmentation(batch_of())[0], expected[0])


def test_the_state_is_read_back_from_a_file(tmp_path):
    augmentation = make({"time_mask": 0.5})
    torch.save(augmentation.state_dict(), tmp_path / "state.pt")
    expected = augmentation(batch_of())[0]
    other = make({"time_mask": 0.5}, seed=7)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(batch_of())[0], expected)


def test_random_numbers_of_the_weights_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    make(dict.fromkeys(NAMES, 1.0))(batch_of())
    assert torch.equal(torch.rand(3), expected)


def test_an_empty_batch_stays_empty():
    signals, target = make(dict.fromkeys(NAMES, 1.0), "classes")(batch_of("classes", 0))
    assert signals.shape == (0, 4, 128)
    assert target.shape == (0, 3)


@pytest.mark.parametrize("kind", TARGETS)
def test_without_mixup_the_target_is_that_of_the_stream(kind):
    _, target = make(dict.fromkeys(OPERATIONS, 1.0), kind)(batch_of(kind))
    torch.testing.assert_close(target, TARGETS[kind], equal_nan=True)
    assert target.dtype is TARGETS[kind].dtype


@pytest.mark.parametrize("kind", ["classes", "shares"])
def test_mixed_classes_and_shares_sum_to_1(kind):
    _, target = make({"mixup": 1.0}, kind)(batch_of(kind))
    assert target.shape == (N, 3)
    torch.testing.assert_close(target.sum(dim=1), torch.ones(N))


def test_classes_that_are_not_mixed_have_the_whole_share():
    signals, target = make({"mixup": 0.5}, "classes")(batch_of("classes"))
    is_equal = (signals == SIGNALS).flatten(1).all(dim=1)
    assert is_equal.any()
    assert torch.equal(target[is_equal].argmax(dim=1), TARGETS["classes"][is_equal])
    assert target[is_equal].amax(dim=1).eq(1).all()


def test_a_missing_label_stays_missing_and_spreads_to_its_partner_only():
    _, target = make({"mixup": 1.0}, "labels", seed=1)(batch_of("labels"))
    assert target[0, 0].isnan()
    assert target.isnan().sum() == 2


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ({"time_msk": 0.1}, "--augment time_msk: unknown operation; did you mean 'time_mask'"),
        ({"blur": 0.1}, "--augment blur: unknown operation; use one of time_shift, .*mixup"),
        ({"mixup": 1.5}, "--augment mixup=1.5: expected a number from 0 to 1"),
        ({"mixup": -0.1}, "--augment mixup=-0.1: expected a number from 0 to 1"),
    ],
)
def test_what_is_no_augmentation_is_refused(probabilities, message):
    with pytest.raises(ConfigError, match=message):
        check_augmentation(probabilities)
    with pytest.raises(ConfigError, match=message):
        make(probabilities)
