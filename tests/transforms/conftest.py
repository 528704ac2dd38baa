from __future__ import annotations

import pytest
import torch


@pytest.fixture
def float64():
    """Make float64 torch's default type, so that buffers have its precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
