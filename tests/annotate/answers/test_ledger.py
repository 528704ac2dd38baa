from __future__ import annotations

from asked_pools import identify, refer_line
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.ledger import Ledger
from bids_dl.annotate.answers.replay import replay

KINDS = st.sampled_from(["answer", "change", "undo"])


@given(st.lists(st.tuples(KINDS, st.integers(0, 12), st.sampled_from(["spike", "unsure"]))))
def test_the_ledger_holds_the_answers_of_a_replay_after_each_line(steps):
    ledger, lines = Ledger(), []
    for number, (kind, target, label) in enumerate(steps):
        line = example_answer(id=identify(number), item=f"item-{number}", label=label)
        if kind == "change":
            line = refer_line(kind, number, target, label=label)
        elif kind == "undo":
            line = refer_line(kind, number, target)
        lines.append(line)
        change = ledger.add(line)
        assert ledger.answers == replay(lines)
        found = ledger.find_answer(line["id"])
        assert change.after is None or change.after == found


def test_a_line_that_comes_twice_has_no_effect():
    ledger = Ledger()
    ledger.add(example_answer(id=identify(1)))
    change = ledger.add(example_answer(id=identify(1), label="unsure"))
    assert (change.before, change.after) == (None, None)
    assert [answer.label for answer in ledger.answers] == ["spike"]
