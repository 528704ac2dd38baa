from __future__ import annotations

from collections import Counter

from asked_pools import CLASSES, answer_line, identify, refer_line
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.annotate.answers.items import make_item
from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.answers.votes import count_votes, items_without_agreement
from bids_dl.annotate.asking.answered import AnsweredItems

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["answer", "answer", "answer", "mark", "change", "undo"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 20),
        st.sampled_from([*CLASSES, "unsure"]),
    ),
    max_size=40,
)


def make_lines(steps):
    lines = []
    for number, (kind, annotator, target, label) in enumerate(steps):
        item = make_item("ds1", "sub-01/eeg/sub-01", float(target % 6), 1.0)
        if kind in ("answer", "mark"):
            strategy = "mark" if kind == "mark" else "random"
            line = answer_line(item, label, number, annotator=annotator, strategy=strategy)
        elif kind == "change":
            line = refer_line(kind, number, target, annotator=annotator, label=label)
        else:
            line = refer_line(kind, number, target, annotator=annotator)
        lines.append(line)
    return lines


@given(STEPS)
def test_all_counts_are_those_of_a_replay_of_the_log(steps):
    answered = AnsweredItems(CLASSES, votes=3)
    lines = make_lines(steps)
    for line in lines:
        answered.add(line)
    answers = replay(lines)
    assert answered.answers == answers
    assert +answered.counts == Counter(answer.label for answer in answers)
    train = [each for each in answers if each.purpose == "train" and each.label != "unsure"]
    assert +answered.n_train == Counter(answer.label for answer in train)
    for annotator in "abc":
        own = [answer for answer in answers if answer.annotator == annotator]
        asked = [answer for answer in own if answer.strategy != "mark"]
        expert = answered.of_expert(annotator)
        assert {answer.id for answer in expert.answers.values()} == {each.id for each in own}
        assert expert.n_asked == len(asked)
        assert expert.n_test == sum(each.purpose == "test" for each in asked)
        assert expert.n_repeated == len(asked) - len({each.item for each in asked})
        assert not {each.item for each in asked} & set(expert.undone)
    voted = items_without_agreement(count_votes(answers, CLASSES), 3)
    assert set(answered.without_agreement) == {each.first.item for each in voted}


def test_an_answer_is_found_by_any_line_about_it():
    answered = AnsweredItems(CLASSES, votes=1)
    item = make_item("ds1", "sub-01/eeg/sub-01", 1.0, 1.0)
    answered.add(answer_line(item, "spike", 0))
    answered.add(refer_line("change", 1, 0, label="background"))
    assert answered.find_answer(identify(1)).label == "background"
    assert answered.voters(item.id) == {"a"}
    answered.add(refer_line("undo", 2, 0))
    assert answered.find_answer(identify(1)) is None
    assert answered.voters(item.id) == set()
