from __future__ import annotations

import numpy as np
import pytest

from bids_dl.errors import ConfigError
from bids_dl.stream.epoch_plan import EpochPlan
from bids_dl.stream.order import Phase
from bids_dl.stream.resume import ResumePoint


def make_plan(**changes) -> EpochPlan:
    defaults = {
        "rows": np.arange(70),
        "chunks": np.arange(70) // 4,
        "pool_chunks": 5,
        "batch_size": 4,
        "shuffle": True,
        "drop_last": False,
    }
    return EpochPlan(**defaults | changes)


def test_a_phase_of_the_same_world_and_batch_size_continues():
    start = ResumePoint(seed=0, epoch=0, phases=(Phase(2, 4, 3),))
    plan = make_plan()
    assert plan.n_steps(world_size=2) == 9
    assert plan.n_steps_left(start, world_size=2) == 6
    assert plan.phases_after(start, 2, world_size=2) == [(2, 4, 5)]


def test_another_world_size_begins_a_new_phase():
    start = ResumePoint(seed=0, epoch=0, phases=(Phase(2, 4, 3),))
    plan = make_plan()
    assert plan.n_steps_left(start, world_size=1) == 12  # 46 windows are left
    assert plan.phases_after(start, 2, world_size=1) == [(2, 4, 3), (1, 4, 2)]
    assert plan.phases_after(start, 0, world_size=1) == [(2, 4, 3)]


def test_the_steps_left_are_the_last_ones_of_the_whole_epoch():
    plan = make_plan()
    whole = plan.steps_left(ResumePoint(0, 0, ()), rank=1, world_size=2)
    left = plan.steps_left(ResumePoint(0, 0, (Phase(2, 4, 3),)), rank=1, world_size=2)
    np.testing.assert_array_equal(left.windows, whole.windows[12:])
    np.testing.assert_array_equal(left.bounds, whole.bounds[3:] - 12)


@pytest.mark.parametrize("steps", [-1, 19])
def test_a_step_outside_the_loop_is_refused(steps):
    with pytest.raises(ConfigError, match=f"step {steps} is not in the loop: it has 18 steps"):
        make_plan().phases_after(ResumePoint(0, 0, ()), steps, world_size=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": np.arange(1, 71)},
        {"chunks": np.arange(70) // 5},
        {"pool_chunks": 6},
        {"shuffle": False},
        {"drop_last": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_checksum_depends_on_everything_that_determines_the_order(changes):
    assert make_plan(**changes).checksum() != make_plan().checksum()


def test_the_checksum_does_not_depend_on_the_batch_size():
    assert make_plan(batch_size=7).checksum() == make_plan().checksum()
