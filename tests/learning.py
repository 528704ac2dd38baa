"""Windows that any model can learn, and a short training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def windows_of_two_rhythms(n_windows: int, n_chans: int, n_times: int) -> tuple[Tensor, Tensor]:
    """Return signals (n_windows, n_chans, n_times) at 128 Hz, and classes: 10 or 20 Hz."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(n_windows) % 2
    noise = torch.randn(n_windows, n_chans, n_times, generator=generator)
    phase = 2 * torch.pi * torch.rand(n_windows, n_chans, 1, generator=generator)
    frequency = 10.0 * (1 + classes).view(-1, 1, 1)
    rhythm = torch.sin(2 * torch.pi * frequency * torch.arange(n_times) / 128 + phase)
    return noise + rhythm, classes


def is_learnt(
    model: nn.Module, signals: Tensor, classes: Tensor, *, n_steps: int = 200, lr: float = 1e-2
) -> bool:
    """Train a model on all windows at once, and return True as soon as it classifies them all."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for _ in range(n_steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(signals), classes).backward()
        optimizer.step()
        with torch.no_grad():
            predicted = model.eval()(signals).argmax(dim=1)
        model.train()
        if torch.equal(predicted, classes):
            return True
    return False
