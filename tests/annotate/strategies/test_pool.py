from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annotated_pools import make_pool


@pytest.mark.parametrize("field", ["features", "onset", "probabilities", "committee"])
def test_values_that_are_not_finite_are_refused(field):
    pool = make_pool()
    values = getattr(pool, field).copy()
    values.flat[3] = np.nan
    with pytest.raises(ValueError, match=f"pool: {field} has NaN"):
        replace(pool, **{field: values})


def test_arrays_of_other_sizes_are_refused():
    pool = make_pool()
    with pytest.raises(ValueError, match=r"labels has the shape \(5,\); expected \(60,\)"):
        replace(pool, labels=pool.labels[:5])
    with pytest.raises(ValueError, match="probabilities has the shape"):
        replace(pool, n_classes=3)


def test_a_label_that_is_no_class_is_refused():
    pool = make_pool()
    with pytest.raises(ValueError, match="labels from -1 to 2; expected -1 to 1"):
        replace(pool, labels=np.where(pool.is_labelled, 2, -1))


def test_answers_are_counted_by_class():
    pool = make_pool(4, n_labelled=0, n_classes=3, with_model=False)
    pool = replace(pool, labels=np.array([2, -1, 0, 2]))
    assert pool.class_counts.tolist() == [1, 0, 2]
