"""Conversions that are killed at random moments."""

from __future__ import annotations

from random import Random

import pytest
from kill_at_random import kill_once, make_sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    with make_sources(tmp_path_factory.mktemp("sources")) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_after_a_kill_the_same_command_writes_the_same_bytes_and_leaves_nothing(
    sources, tmp_path, seed
):
    attempt = kill_once(sources[seed % 2], tmp_path / "room", Random(seed))
    assert attempt.problems == ()
