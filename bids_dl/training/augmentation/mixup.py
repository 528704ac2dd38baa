"""Mixup: a window and its target are averaged with another window and its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Mixup:
    """Weighted mean of windows and of their targets (Zhang et al. 2018, arXiv:1710.09412).

    Parameters
    ----------
    alpha
        Both parameters of the beta distribution of the weight. With 2, weights around 0.5 are most
        frequent. Below 1, those near 0 and 1 are.
    """

    alpha: float = 2.0

    def __call__(
        self, signals: Tensor, target: Tensor, is_mixed: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mix windows with those of a permutation of the batch.

        Parameters
        ----------
        signals
            (n_windows, n_chans, n_times).
        target
            float (n_windows,) or (n_windows, k): numbers, shares or labels.
        is_mixed
            bool (n_windows,) on the CPU: windows that are changed.
        generator
            Generator on the CPU.

        Returns
        -------
        signals, target
            Mixed with the same partners and the same weights. A label is missing (NaN) if that of
            one of the two windows is missing.

        Examples
        --------
        >>> signals = torch.tensor([0.0, 10.0, 20.0]).reshape(3, 1, 1)
        >>> generator = torch.Generator().manual_seed(0)
        >>> mixed, target = Mixup()(signals, signals[:, 0, 0], torch.ones(3).bool(), generator)
        >>> torch.equal(mixed[:, 0, 0], target)
        True
        """
        seed = int(torch.randint(MAX_SEED, (1,), generator=generator))
        weights = np.random.default_rng(seed).beta(self.alpha, self.alpha, len(signals))
        own = torch.from_numpy(weights).masked_fill(~is_mixed, 1).to(signals)
        partner = torch.randperm(len(signals), generator=generator).to(signals.device)
        return _mix(signals, partner, own), _mix(target, partner, own)


def _mix(values: Tensor, partner: Tensor, own: Tensor) -> Tensor:
    """Average values (n_windows, ...) with those of their partners. A weight of 1 keeps them."""
    weights = own.reshape(-1, *[1] * (values.ndim - 1))
    mixed = weights * values + (1 - weights) * values[partner]
    return torch.where(weights < 1, mixed, values)
