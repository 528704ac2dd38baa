from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from asked_pools import CLASSES, answer_line, identify, refer_line, rows_by_purpose, write_pool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bids_dl.annotate.answers.items import REPEAT_DISTANCE, make_item
from bids_dl.annotate.asking.exchange import PickedWindow, RoundResult
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.questions import Questioner, QuestionSettings
from bids_dl.errors import ConfigError
from bids_dl.store import open_store

EXPERTS = ("a", "b")
TABS = ("one", "two")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "answer", "answer", "undo", "release", "wait"]),
        st.sampled_from(EXPERTS),
        st.sampled_from(TABS),
        st.integers(1, 4),
    ),
    max_size=60,
)
SLOW_IS_FINE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return read_pool(open_store(write_pool(tmp_path_factory.mktemp("pool") / "x.zarr")))


def make_questioner(windows, **changes) -> Questioner:
    return Questioner(windows, QuestionSettings(CLASSES, **changes))


def make_result(windows, picks=(), **changes) -> RoundResult:
    probabilities = np.full((len(windows), 2), 0.5, np.float32)
    values = {"number": 1, "model": "ab", "probabilities": probabilities, "picks": tuple(picks)}
    return RoundResult(**values | {"is_usable": np.ones(len(windows), bool)} | changes)


class Desk:
    """Experts at a questioner: their lines, and what each tab holds by their account."""

    def __init__(self, questioner: Questioner) -> None:
        self.questioner = questioner
        self.lines: list[dict] = []
        self.now = 0.0

    def ask(self, expert="a", tab="one", count=1):
        return self.questioner.questions(expert, tab, count=count, now=self.now)

    def append(self, line) -> None:
        self.lines.append(line)
        self.questioner.add_line(line)

    def answer(self, question, label="background", expert="a") -> None:
        self.append(answer_line(question, label, len(self.lines), annotator=expert))

    def answer_many(self, n, expert="a", **known) -> list:
        asked = []
        for _ in range(n):
            [question] = self.ask(expert, **known)
            self.answer(question, expert=expert)
            asked.append(question)
        return asked

    def undo_last(self, expert) -> str | None:
        """Undo the last answer of an expert that holds, and return its item."""
        undone = {line["of"] for line in self.lines if line["kind"] == "undo"}
        for number in range(len(self.lines) - 1, -1, -1):
            line = self.lines[number]
            is_own = line["annotator"] == expert and line["kind"] == "answer"
            if is_own and line["id"] not in undone:
                self.append(refer_line("undo", len(self.lines), number, annotator=expert))
                return line["item"]
        return None


@SLOW_IS_FINE
@given(steps=STEPS, votes=st.sampled_from([1, 2]))
def test_no_two_tabs_hold_an_item_and_no_expert_is_asked_twice(windows, steps, votes):
    desk = Desk(make_questioner(windows, votes=votes))
    held = defaultdict(list)  # (expert, tab) -> questions, by the rules
    answered = defaultdict(set)
    for kind, expert, tab, count in steps:
        key = (expert, tab)
        if kind == "ask":
            held[key] = desk.ask(expert, tab, count)
            items = [question.item.id for question in held[key]]
            assert len(items) == len(set(items)) == count
            assert not answered[expert] & set(items)
            own = set()
            for other in TABS:
                if other != tab:
                    own |= {question.item.id for question in held[expert, other]}
            assert not own & set(items)
        elif kind == "answer" and held[key]:
            question = held[key].pop(0)
            desk.answer(question, expert=expert)
            answered[expert].add(question.item.id)
        elif kind == "undo":
            answered[expert].discard(desk.undo_last(expert))
        elif kind == "release":
            desk.questioner.release(expert, tab)
            held[key] = []
        elif kind == "wait":
            desk.now += 600
            held.clear()
        holders = Counter()
        for (name, _), questions in held.items():
            for question in questions:
                holders[question.item.id, name] += 1
        assert max(holders.values(), default=0) <= 1  # an expert has an item in one tab
        experts = Counter(item for item, _ in holders)
        assert max(experts.values(), default=0) <= votes


@SLOW_IS_FINE
@given(steps=STEPS)
def test_equal_logs_give_equal_questions_after_a_restart(windows, steps):
    desk = Desk(make_questioner(windows))
    for kind, expert, _, count in steps:
        if kind == "undo":
            desk.undo_last(expert)
        else:
            desk.answer_many(count, expert)
    restarted = make_questioner(windows)
    for line in desk.lines:
        restarted.add_line(line)
    again = make_questioner(windows)
    for line in desk.lines:
        again.add_line(line)
    for expert in EXPERTS:
        asked = restarted.questions(expert, "new", count=7, now=0.0)
        assert asked == again.questions(expert, "new", count=7, now=99.0)
        desk.questioner.release(expert, "one")  # hand-outs are not in the log
        assert asked == desk.questioner.questions(expert, "new", count=7, now=0.0)


@pytest.mark.parametrize("count", [1, 3])
def test_each_fifth_question_is_a_random_test_window_and_no_other(windows, count):
    desk = Desk(make_questioner(windows))
    purposes = []
    for _ in range(100):
        question = desk.ask(count=count)[0]
        purposes.append(question.item.purpose)
        if question.item.purpose == "test":
            assert question.strategy == "random"
            assert question.reason == "random sample for testing"
        desk.answer(question)
    assert purposes == (["train"] * 4 + ["test"]) * 20


def test_a_restart_goes_on_with_the_same_fifth_question(windows):
    first = Desk(make_questioner(windows))
    first.answer_many(13)
    second = Desk(make_questioner(windows))
    for line in first.lines:
        second.append(line)
    assert [each.item.purpose for each in second.answer_many(7)] == [
        *("train", "test", "train", "train", "train", "train", "test")
    ]


def test_test_windows_are_asked_in_an_order_that_answers_cannot_change(windows):
    desk = Desk(make_questioner(windows))
    asked = [each for each in desk.ask(count=10) if each.item.purpose == "test"]
    desk.questioner.release("a", "one")  # an expert who closes the page at hard windows
    again = [each for each in desk.ask(tab="two", count=10) if each.item.purpose == "test"]
    assert [each.item.id for each in asked] == [each.item.id for each in again]


def test_a_question_is_free_for_others_after_ten_minutes_without_a_request(windows):
    desk = Desk(make_questioner(windows))
    [question] = desk.ask()
    desk.now = 599.0
    assert desk.ask("b")[0].item != question.item
    assert desk.ask()[0].item == question.item  # asked again, and held from now on
    desk.now = 1198.0
    assert desk.ask("b", "two")[0].item != question.item
    desk.now = 1199.0
    items = [each.item for each in desk.ask("b", "three", count=1)]
    assert items == [question.item]


def test_a_closed_tab_frees_its_questions(windows):
    desk = Desk(make_questioner(windows))
    asked = desk.ask(count=3)
    desk.questioner.release("a", "one")
    assert [each.item for each in desk.ask("b", "x", count=3)] == [each.item for each in asked]


def test_an_undone_question_comes_first_and_before_those_of_the_tab(windows):
    desk = Desk(make_questioner(windows))
    asked = desk.ask(count=3)
    for question in asked[:2]:
        desk.answer(question)
    desk.append(refer_line("undo", 10, 1))
    desk.append(refer_line("undo", 11, 0))
    items = [each.item for each in desk.ask(count=3)]
    assert items == [each.item for each in asked]
    desk.append(refer_line("undo", 12, 11))  # undo the undo
    assert desk.ask(count=3)[0].item == asked[1].item


def test_an_undone_question_that_another_expert_has_meanwhile_is_not_asked_twice(windows):
    questioner = make_questioner(windows)
    asked = questioner.questions("a", "one", count=1, now=0.0)[0]
    questioner.set_opinion(
        make_result(windows, [PickedWindow(windows.find_row(asked.item.id), "margin")])
    )
    questioner.add_line(answer_line(asked, "spike", 0, annotator="a"))
    questioner.add_line(refer_line("undo", 1, 0, annotator="a"))
    other = questioner.questions("b", "one", count=1, now=1.0)[0]
    assert other.item == asked.item
    assert questioner.questions("a", "one", count=1, now=2.0)[0].item != asked.item
    questioner.release("b", "one")
    assert questioner.questions("a", "two", count=1, now=3.0)[0].item == asked.item


def test_a_change_counts_and_leaves_the_question_answered(windows):
    desk = Desk(make_questioner(windows))
    desk.answer(desk.ask()[0], "background")
    desk.append(refer_line("change", 1, 0, label="spike"))
    counts = desk.questioner.answered.counts
    assert {name: counts[name] for name in CLASSES} == {"background": 0, "spike": 1}
    assert desk.questioner.answered.n_train["spike"] == 1
    assert desk.ask()[0].item.id != desk.lines[0]["item"]


def test_one_question_of_twenty_comes_again_unmarked(windows):
    desk = Desk(make_questioner(windows))
    asked = desk.answer_many(120)
    counts = Counter(question.item.id for question in asked)
    repeated = [item for item, n in counts.items() if n > 1]
    assert 5 <= len(repeated) <= 6
    assert max(counts.values()) == 2
    numbers = defaultdict(list)
    for number, question in enumerate(asked):
        numbers[question.item.id].append(number)
    seconds = sorted(numbers[item][1] for item in repeated)
    assert min(np.diff(seconds)) >= 10
    for item in repeated:
        first, second = numbers[item]
        assert second - first >= REPEAT_DISTANCE
        assert asked[first].as_dict() == asked[second].as_dict()


def test_an_answer_of_one_expert_hides_the_item_from_others(windows):
    desk = Desk(make_questioner(windows))
    first = {question.item.id for question in desk.answer_many(40, "a")}
    second = {question.item.id for question in desk.answer_many(40, "b")}
    assert not first & second


def test_experts_share_the_test_windows_if_there_are_votes(windows):
    desk = Desk(make_questioner(windows, votes=2))
    first = [each.item.id for each in desk.answer_many(20, "a") if each.item.purpose == "test"]
    second = [each.item.id for each in desk.answer_many(20, "b") if each.item.purpose == "test"]
    third = [each.item.id for each in desk.answer_many(20, "c") if each.item.purpose == "test"]
    assert first == second
    assert not set(first) & set(third)


def test_items_without_agreement_go_to_another_expert_first(windows):
    desk = Desk(make_questioner(windows, votes=2))
    [question] = desk.ask("a")
    desk.answer(question, "unsure")
    [asked] = desk.ask("b")
    assert asked.item == question.item
    assert (asked.strategy, asked.reason) == ("second-opinion", "a second opinion is needed")
    assert desk.ask("c")[0].item != question.item  # because b has it
    assert desk.ask("a")[0].item != question.item
    alone = Desk(make_questioner(windows))
    alone.answer(alone.ask("a")[0], "unsure")
    assert alone.ask("b")[0].strategy == "random"


@pytest.mark.parametrize(("second", "is_asked"), [("spike", False), ("background", True)])
def test_a_third_expert_is_asked_only_if_two_disagree(windows, second, is_asked):
    desk = Desk(make_questioner(windows, votes=3))
    [question] = desk.ask("a")
    desk.answer(question, "spike")
    [again] = desk.ask("b")
    assert again.item == question.item
    desk.questioner.add_line(answer_line(again, second, 1, annotator="b"))
    assert (desk.ask("c")[0].item == question.item) is is_asked


def test_picks_of_a_round_are_asked_in_their_order_with_the_opinion(windows):
    questioner = make_questioner(windows)
    rows = rows_by_purpose(windows, "train")[5:9]
    picks = [PickedWindow(row, "margin") for row in rows]
    questioner.begin_round()
    questioner.set_opinion(make_result(windows, picks))
    asked = questioner.questions("a", "one", count=6, now=0.0)
    assert [windows.find_row(each.item.id) for each in asked[:4]] == rows
    assert asked[4].item.purpose == "test"
    assert asked[5].strategy == "random"  # no picks are left
    first = asked[0]
    assert (first.strategy, first.reason) == ("margin", "the model is unsure")
    assert (first.round, first.model) == (1, "ab")
    assert first.probabilities == {"background": 0.5, "spike": 0.5}
    assert "probabilities" not in first.as_dict()


def test_windows_that_cannot_be_used_are_not_asked(windows):
    questioner = make_questioner(windows)
    is_usable = np.ones(len(windows), bool)
    is_usable[20:] = False
    questioner.set_opinion(make_result(windows, is_usable=is_usable))
    asked = questioner.questions("a", "one", count=30, now=0.0)
    assert {windows.find_row(each.item.id) for each in asked} == set(range(20))
    assert questioner.n_unanswered == 20
    assert questioner.opinion(30) is None


def test_random_questions_are_no_near_copies_of_each_other(windows):
    asked = make_questioner(windows).questions("a", "one", count=20, now=0.0)
    train = [each for each in asked if each.item.purpose == "train"]
    for first in train:
        for second in train:
            if first is not second and first.recording == second.recording:
                assert abs(first.item.onset - second.item.onset) >= 2


def test_a_pool_can_be_answered_to_its_end(windows):
    desk = Desk(make_questioner(windows))
    n_asked = 0
    while questions := desk.ask():
        desk.answer(questions[0])
        n_asked += 1
    items = {line["item"] for line in desk.lines}
    assert len(items) == len(windows)
    assert desk.questioner.n_unanswered == 0
    assert n_asked >= len(windows)


def test_a_round_is_needed_first_and_after_each_batch(windows):
    desk = Desk(make_questioner(windows, batch=8))
    questioner = desk.questioner
    assert questioner.needs_round
    request = questioner.begin_round()
    picks = [PickedWindow(row, "random") for row in rows_by_purpose(windows, "train")[:24]]
    questioner.set_opinion(make_result(windows, picks, model=None, number=0, probabilities=None))
    assert (request.number, len(request.answers)) == (1, 0)
    assert not questioner.needs_round
    while questioner.n_new < 8:
        assert not questioner.needs_round
        desk.answer_many(1)
    assert questioner.needs_round
    request = questioner.begin_round()
    desk.answer_many(3)  # while the round runs
    questioner.set_opinion(make_result(windows, picks))
    assert questioner.n_new in (2, 3)
    assert questioner.begin_round().number == 2
    assert len(request.answers) == 9  # one of them about a test window


def test_numbers_of_rounds_go_on_after_a_restart(windows):
    questioner = make_questioner(windows)
    item = windows.item(0)
    questioner.add_line(answer_line(item, "spike", 0, round=7))
    assert questioner.begin_round().number == 8


def test_a_requested_round_needs_new_answers_of_two_classes(windows):
    desk = Desk(make_questioner(windows))
    questioner = desk.questioner
    assert questioner.find_obstacle() == (
        "there are no answers for training; a model needs answers of two classes"
    )
    desk.answer(desk.ask()[0], "spike")
    assert questioner.find_obstacle() == (
        "there are answers of spike only; a model needs answers of two classes"
    )
    desk.answer(desk.ask()[0], "background")
    assert questioner.find_obstacle() is None
    questioner.begin_round()
    questioner.set_opinion(make_result(windows))
    assert questioner.find_obstacle() == "there are no new answers since the last round"


def test_the_question_of_an_answer_is_found_after_a_restart_too(windows):
    questioner = make_questioner(windows)
    [question] = questioner.questions("a", "one", count=1, now=0.0)
    assert questioner.find_question("a", question.item.id) == question
    restarted = make_questioner(windows)
    for purpose, strategy in (("train", "mixture"), ("test", "random")):
        row = rows_by_purpose(windows, purpose)[0]
        found = restarted.find_question("a", windows.ids[row])
        assert (found.item, found.strategy) == (windows.item(row), strategy)
    assert restarted.find_question("a", "unknown") is None


def test_marks_are_no_questions(windows):
    questioner = make_questioner(windows)
    mark = windows.make_mark(windows.recordings[0], 3.2, 0.4)
    questioner.add_line(answer_line(mark, "spike", 0, strategy="mark"))
    questioner.add_line(refer_line("undo", 1, 0))
    questioner.add_line(answer_line(mark, "spike", 2, strategy="mark"))
    expert = questioner.answered.of_expert("a")
    assert (expert.n_asked, len(expert.answers), expert.undone) == (0, 1, {})
    assert questioner.n_unanswered == len(windows)


def test_an_answer_about_a_window_of_another_pool_is_kept(windows):
    questioner = make_questioner(windows)
    item = make_item(*windows.recordings[0], 0.25, 2.0)
    questioner.add_line(answer_line(item, "spike", 0))
    questioner.add_line(refer_line("undo", 1, 0))
    assert len(questioner.questions("a", "one", count=3, now=0.0)) == 3


def test_classes_that_the_file_lacks_are_refused(windows):
    line = answer_line(windows.item(0), "ripple", 5)
    with pytest.raises(ConfigError, match=f"answer {identify(5)} has the class 'ripple', which"):
        make_questioner(windows).add_line(line)
