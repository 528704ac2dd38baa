from __future__ import annotations

from bids_dl.annotate.answers.items import make_item
from bids_dl.annotate.asking.hand_outs import HOLD_SECONDS, HandOuts, Question


def make_question(onset: float) -> Question:
    item = make_item("ds1", "sub-01/eeg/sub-01", onset, 1.0)
    return Question(item, 0, "margin", "the model is unsure", 2, "ab", {"spike": 0.5})


def test_a_first_question_comes_before_those_of_the_tab():
    hand_outs = HandOuts()
    first, second, third = (make_question(onset) for onset in (1.0, 2.0, 3.0))
    hand_outs.add("a", "one", first, 0.0)
    hand_outs.add("a", "one", second, 0.0)
    hand_outs.add("a", "one", third, 0.0, is_first=True)
    assert hand_outs.renew("a", "one", 1.0) == [third, first, second]
    assert hand_outs.renew("a", "two", 1.0) == []


def test_a_tab_that_asks_keeps_its_questions_and_another_loses_them():
    hand_outs = HandOuts()
    first, second = make_question(1.0), make_question(2.0)
    hand_outs.add("a", "one", first, 0.0)
    hand_outs.add("b", "one", second, 0.0)
    hand_outs.renew("a", "one", HOLD_SECONDS / 2)
    hand_outs.lapse(HOLD_SECONDS)
    assert hand_outs.of_all() == [first]
    assert hand_outs.holders(second.item.id) == frozenset()


def test_several_experts_may_hold_an_item():
    hand_outs = HandOuts()
    question = make_question(1.0)
    for name in "ab":
        hand_outs.add(name, "one", question, 0.0)
    hand_outs.release("a", "one")
    assert hand_outs.holders(question.item.id) == {"b"}
    hand_outs.remove("b", question.item.id)
    hand_outs.remove("b", question.item.id)
    assert hand_outs.of_all() == []


def test_the_page_gets_a_question_without_the_opinion():
    assert make_question(1.0).as_dict() == {
        "item": make_question(1.0).item.id,
        "recording": 0,
        "onset": 1.0,
        "duration": 1.0,
        "channels": [],
        "reason": "the model is unsure",
        "strategy": "margin",
        "round": 2,
    }
