from __future__ import annotations

import json

import numpy as np
import pytest
from asked_pools import CLASSES, answer_line, rows_by_purpose, write_damaged, write_pool
from embedded_people import write_run

from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.asking.exchange import LearnerJob, RoundRequest
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.preparation import check_learner, prepare_learner
from bids_dl.annotate.asking.rounds import Rounds
from bids_dl.errors import ConfigError, ModelError, TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.store import open_store

SPEC = TargetSpec("label", "classes", ("label",), ("spike", "background"))
VOTES = ("votes_spike", "votes_background")
NO_ROWS = np.array([], np.int64)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Five people, whose windows of the class move are spikes."""
    return write_pool(tmp_path_factory.mktemp("pool") / "x.zarr", 5, n_windows=40)


@pytest.fixture(scope="module")
def prepared(pool):
    return prepare_learner(LearnerJob(pool, CLASSES, device="cpu"))


def answer_rows(pool, rows, **fields):
    """Return answers about windows by their true class."""
    store = open_store(pool)
    windows = read_pool(store)
    is_spike = (store.table["label"] == "move").to_numpy()
    lines = []
    for number, row in enumerate(rows):
        label = "spike" if is_spike[row] else "background"
        lines.append(answer_line(windows.item(int(row)), label, number, **fields))
    return replay(lines)


def sample_rows(pool, purpose, n):
    rows = rows_by_purpose(read_pool(open_store(pool)), purpose)
    return np.random.default_rng(0).permutation(rows)[:n]


def make_request(answers=(), number=1, strategy="mixture", **changes) -> RoundRequest:
    return RoundRequest(number, tuple(answers), NO_ROWS, strategy, 8, **changes)


def test_without_two_classes_there_are_questions_but_no_model(pool, prepared):
    train = sample_rows(pool, "train", 40)
    spikes = [each for each in answer_rows(pool, train) if each.label == "spike"]
    for answers in ((), spikes):
        result = Rounds(prepared).run(make_request(answers))
        assert (result.number, result.model, result.probabilities) == (0, None, None)
        assert (result.figures, result.kappa) == (None, None)
        assert [pick.strategy for pick in result.picks[:8]] == [
            *("outlier", "outlier", "outlier", "k-centre", "k-centre", "k-centre"),
            *("random", "random"),
        ]


def test_a_round_trains_on_train_answers_and_tests_on_the_random_sample(pool, prepared):
    train, test = sample_rows(pool, "train", 30), sample_rows(pool, "test", 25)
    answers = answer_rows(pool, [*train, *test])
    result = Rounds(prepared).run(make_request(answers, number=4))
    assert result.number == 4
    figures = result.figures
    assert (figures["round"], figures["n_train"], figures["n_test"]) == (4, 30, 25)
    assert figures["value"] > 0.95
    assert figures["interval"] == "people"
    assert figures["same_people"]
    json.dumps(figures, allow_nan=False)
    is_spike = (open_store(pool).table["label"] == "move").to_numpy()
    assert ((result.probabilities[:, 1] > 0.5) == is_spike).mean() > 0.9
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-6)


def test_test_answers_change_figures_but_neither_the_model_nor_the_questions(pool, prepared):
    train, test = sample_rows(pool, "train", 30), sample_rows(pool, "test", 25)
    alone = Rounds(prepared).run(make_request(answer_rows(pool, train)))
    tested = Rounds(prepared).run(make_request(answer_rows(pool, [*train, *test])))
    assert alone.model == tested.model
    assert (alone.probabilities == tested.probabilities).all()
    assert alone.picks == tested.picks
    assert (alone.figures["n_test"], alone.figures["value"]) == (0, None)


def test_no_pick_is_a_test_window_or_answered_or_held_or_a_near_copy(pool, prepared):
    windows = prepared.windows
    train = sample_rows(pool, "train", 30)
    unsure = sample_rows(pool, "train", 36)[30:]
    answers = answer_rows(pool, train)
    lines = [answer_line(windows.item(int(row)), "unsure", 1000 + int(row)) for row in unsure]
    held = sample_rows(pool, "train", 40)[36:]
    for strategy in ("mixture", "random", "committee", "k-centre"):
        request = RoundRequest(2, (*answers, *replay(lines)), held, strategy, 8)
        rows = [pick.row for pick in Rounds(prepared).run(request).picks]
        assert len(rows) == len(set(rows)) == 24
        assert not windows.is_test[rows].any()
        assert not {*train, *unsure, *held} & set(rows)
        taken = np.array([*rows, *held])
        for row in rows:
            is_same = windows.recording[taken] == windows.recording[row]
            distances = np.abs(windows.onset[taken[is_same]] - windows.onset[row])
            assert sorted(distances)[1:2] >= [2] or len(distances) == 1


def test_equal_answers_give_equal_hashes_models_and_questions(pool, prepared):
    train = sample_rows(pool, "train", 30)
    first = Rounds(prepared).run(make_request(answer_rows(pool, train), number=3))
    again = Rounds(prepare_learner(LearnerJob(pool, CLASSES))).run(
        make_request(answer_rows(pool, train), number=3)
    )
    assert first.model == again.model
    assert len(first.model) == 64
    assert (first.probabilities == again.probabilities).all()
    assert first.picks == again.picks
    fewer = Rounds(prepared).run(make_request(answer_rows(pool, train[:-1]), number=3))
    assert fewer.model != first.model


def test_kappa_compares_two_different_models(pool, prepared):
    train = sample_rows(pool, "train", 60)
    rounds = Rounds(prepared)
    kappas = []
    for number, n in enumerate([20, 20, 60], 1):
        kappas.append(rounds.run(make_request(answer_rows(pool, train[:n]), number)).kappa)
    assert kappas[:2] == [None, None]  # no model before, and the same model
    assert 0.5 < kappas[2] <= 1


def test_windows_with_nan_are_not_used_and_said_once(pool, tmp_path):
    damaged = write_damaged(pool, tmp_path / "x.zarr", list(range(20)))
    rounds = Rounds(prepare_learner(LearnerJob(damaged, CLASSES)))
    rows = [*range(40), *range(100, 140)]
    result = rounds.run(make_request(answer_rows(damaged, rows)))
    assert result.messages == (
        "20 of 400 windows have NaN or infinite samples and are not asked about",
    )
    assert rounds.run(make_request()).messages == ()
    assert result.is_usable.tolist() == [False] * 20 + [True] * 380
    assert (np.isnan(result.probabilities).all(axis=1) == ~result.is_usable).all()
    assert min(pick.row for pick in result.picks) >= 20
    is_test = read_pool(open_store(damaged)).is_test
    assert result.figures["n_train"] == (~is_test[rows[20:]]).sum()


def test_a_pool_of_nan_is_refused(pool, tmp_path):
    damaged = write_damaged(pool, tmp_path / "x.zarr", list(range(400)))
    with pytest.raises(TargetError, match=r"x.zarr: all 400 windows have NaN or infinite samples"):
        prepare_learner(LearnerJob(damaged, CLASSES))


@pytest.mark.parametrize(
    "spec",
    [SPEC, TargetSpec("votes_*", "shares", VOTES, VOTES)],
)
def test_a_run_gives_the_opinion_until_each_class_has_answers(pool, tmp_path, spec):
    run = write_run(tmp_path / "run", [["00"], []], target=spec)
    job = LearnerJob(pool, CLASSES, run_dir=run, device="cpu")
    progress = []
    prepared = prepare_learner(job, on_progress=lambda *numbers: progress.append(numbers))
    assert progress[-1] == (400, 400)
    rounds = Rounds(prepared)
    first = rounds.run(make_request())
    assert first.number == 1
    assert (first.probabilities == prepared.first).all()
    assert first.figures["n_train"] == 0
    likeliest = [pick.row for pick in first.picks[:4]]
    assert {pick.strategy for pick in first.picks[:4]} == {"likeliest"}
    order = np.argsort(-first.probabilities[~prepared.windows.is_test, 1])
    best = np.flatnonzero(~prepared.windows.is_test)[order]
    assert likeliest[0] == best[0]
    later = rounds.run(make_request(answer_rows(pool, sample_rows(pool, "train", 40)), 2))
    assert later.model != first.model
    assert later.figures["n_train"] == 40
    is_spike = (open_store(pool).table["label"] == "move").to_numpy()
    assert ((later.probabilities[:, 1] > 0.5) == is_spike).mean() > 0.8


def test_outputs_of_a_run_are_matched_by_name(pool, tmp_path):
    opinions = []
    for name, outputs in (("one", ("spike", "background")), ("two", ("background", "spike"))):
        spec = TargetSpec("label", "classes", ("label",), outputs)
        run = write_run(tmp_path / name, [["00"]], target=spec)
        opinions.append(prepare_learner(LearnerJob(pool, CLASSES, run, device="cpu")).first)
    np.testing.assert_allclose(opinions[0], opinions[1][:, ::-1], atol=1e-6)


def test_a_run_with_other_classes_or_channels_is_refused(pool, tmp_path):
    other = write_run(tmp_path / "other", [["00"]])
    with pytest.raises(ConfigError, match=r"predicts classes \(rest, move\), but the answers"):
        prepare_learner(LearnerJob(pool, CLASSES, other, device="cpu"))
    short = write_run(tmp_path / "short", [["00"]], target=SPEC, n_times=128)
    with pytest.raises(ModelError, match="128 samples"):
        prepare_learner(LearnerJob(pool, CLASSES, short, device="cpu"))


def test_a_learner_that_does_not_fit_is_refused_before_signals_are_read(pool, tmp_path):
    store = open_store(pool)
    check_learner(store, LearnerJob(pool, CLASSES))
    check_learner(store, LearnerJob(pool, CLASSES, model="band-power", device="cpu"))
    with pytest.raises(ModelError, match="no such folder"):
        check_learner(store, LearnerJob(pool, CLASSES, tmp_path / "none"))
    with pytest.raises((ConfigError, ModelError), match="band-powr"):
        check_learner(store, LearnerJob(pool, CLASSES, model="band-powr"))


@pytest.mark.slow
def test_a_network_is_trained_in_each_round(pool):
    job = LearnerJob(pool, CLASSES, model="band-power", epochs=10, device="cpu")
    prepared = prepare_learner(job)
    answers = answer_rows(pool, sample_rows(pool, "train", 40))
    result = Rounds(prepared).run(make_request(answers))
    is_spike = (open_store(pool).table["label"] == "move").to_numpy()
    assert ((result.probabilities[:, 1] > 0.5) == is_spike).mean() > 0.9
    again = Rounds(prepared).run(make_request(answers, number=9))
    assert again.model == result.model
    assert (again.probabilities == result.probabilities).all()


def test_options_with_several_values_are_no_learner(pool):
    job = LearnerJob(pool, CLASSES, model="eegnet", model_options={"f1": "4,8"}, device="cpu")
    with pytest.raises(ConfigError, match="the options give 2 networks; name one value"):
        prepare_learner(job)
