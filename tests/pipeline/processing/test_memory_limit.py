"""The limit on the memory of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from bids_dl.pipeline.processing.memory_limit import memory_limit

with memory_limit(200_000_000):
    try:
        np.ones(200_000_000)
    except MemoryError:
        print("refused")
print(np.ones(200_000_000).sum() > 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits data this way")
def test_a_process_beyond_its_limit_gets_a_memory_error_and_survives():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", "True"]
