"""Items, and the sample of them that is kept for testing."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.annotate.answers.items import asks_test, choose_purpose, items_to_repeat, make_item

RECORDING = "sub-01/eeg/sub-01_task-rest"


def test_a_fifth_of_all_windows_is_kept_for_testing_wherever_it_begins():
    purposes = [choose_purpose("ds", RECORDING, onset / 2) == "test" for onset in range(10_000)]
    parts = np.reshape(purposes, (10, -1)).mean(axis=1)
    assert np.mean(purposes) == pytest.approx(0.2, abs=0.012)
    assert parts.std() < 0.03


def test_an_item_is_the_same_in_every_process_and_differs_by_its_window():
    first = make_item("ds", RECORDING, 4, 2)
    assert first == make_item("ds", RECORDING, 4.0, 2.0)
    others = [
        make_item("ds2", RECORDING, 4, 2),
        make_item("ds", RECORDING, 5, 2),
        make_item("ds", RECORDING, 4, 1),
        make_item("ds", RECORDING, 4, 2, channels=["Cz"]),
    ]
    assert len({first.id, *(item.id for item in others)}) == 5
    assert others[2].purpose == others[3].purpose == first.purpose


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_a_fixed_share_of_the_questions_is_of_the_test_sample(share):
    assert sum(asks_test(number, test_share=share) for number in range(1000)) == 1000 * share


def test_a_twentieth_of_the_items_comes_again_after_fifty_others():
    asked = [str(number) for number in range(60)]
    assert items_to_repeat(asked[:50], 0) == []
    assert items_to_repeat(asked, 0) == asked[:10]
    assert items_to_repeat(asked, 3) == []
    assert items_to_repeat([*asked, "0"], 1)[0] == "1"
