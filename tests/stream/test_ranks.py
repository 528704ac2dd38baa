from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError
from bids_dl.stream.ranks import check_ranks, current_rank


def test_without_torch_distributed_there_is_one_rank():
    assert current_rank() == (0, 1)


def test_a_rank_within_the_world_is_accepted():
    assert check_ranks(1, 2) == (1, 2)
    assert check_ranks(None, None) is None


@pytest.mark.parametrize(("rank", "world_size"), [(2, 2), (-1, 2), (0, None), (None, 2)])
def test_a_rank_outside_the_world_or_without_one_is_refused(rank, world_size):
    with pytest.raises(ConfigError, match=f"0 <= rank < world_size; got {rank} and {world_size}"):
        check_ranks(rank, world_size)
