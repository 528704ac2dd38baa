"""Settings of the explanation of a run, as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT


@dataclass(frozen=True, config=STRICT)
class ExplainConfig:
    """Explanation of the models of a run.

    Parameters
    ----------
    split
        Explain on the windows of this split only. None takes all.
    top
        Persons with the highest output whose windows are shown, for each output.
    starts, steps
        Random starts of activation maximization, and its steps.
    quantile
        Share of the samples that are removed: those with the smallest absolute gradient.
    n_random
        Networks with random weights that serve as controls of each model.
    max_windows
        Windows of each model for gradients, spread evenly over persons.
    integration_steps
        Steps of integrated gradients from the mean window to the window.
    seed
        Seed of all random numbers.
    device
        Device of the computation; ``"auto"`` selects the best that is available.
    """

    split: str | None = None
    top: int = Field(default=20, ge=1)
    starts: int = Field(default=20, ge=1)
    steps: int = Field(default=150, ge=1)
    quantile: float = Field(default=0.3, gt=0, lt=1)
    n_random: int = Field(default=5, ge=1)
    max_windows: int = Field(default=400, ge=1)
    integration_steps: int = Field(default=32, ge=1)
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
