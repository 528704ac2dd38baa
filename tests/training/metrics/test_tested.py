from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tested_windows import LABELS, TWO_CLASSES, draw_windows

from bids_dl.errors import TargetError
from bids_dl.training.metrics.tested import list_persons, predict, read_tested


def test_persons_are_numbered_by_dataset_and_subject():
    table = draw_windows(TWO_CLASSES, n_persons=2, n_blocks=1, per_block=1)
    both = pd.concat([table[::-1].assign(dataset="ds2"), table])
    rows = read_tested(both, TWO_CLASSES)
    assert (rows.persons.tolist(), rows.n_persons) == ([3, 2, 0, 1], 4)
    expected = [("ds1", "000"), ("ds1", "001"), ("ds2", "000"), ("ds2", "001")]
    assert list_persons(both) == expected


def test_a_class_that_is_no_output_is_refused():
    table = draw_windows(TWO_CLASSES)
    table.loc[4, "label"] = "asleep"
    with pytest.raises(TargetError, match="label has the value 'asleep', which is none of"):
        read_tested(table, TWO_CLASSES)


def test_the_predicted_class_is_read_and_not_derived():
    table = draw_windows(TWO_CLASSES).assign(predicted="open", p_open=0.1, p_closed=0.9)
    assert not read_tested(table, TWO_CLASSES).predicted.any()


def test_a_label_is_predicted_from_a_probability_of_one_half_on():
    assert predict(LABELS, np.array([[0.5, 0.499]])).tolist() == [[1, 0]]
