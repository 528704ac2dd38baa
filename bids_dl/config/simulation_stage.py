"""Settings of simulated active learning, as one frozen dataclass."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeInt
from pydantic.dataclasses import dataclass

from bids_dl.config.simulation_options import CurveMetric
from bids_dl.config.stages import STRICT


@dataclass(frozen=True, config=STRICT)
class SimulateConfig:
    """Active learning with the column of a store as the expert.

    Parameters
    ----------
    target
        Column with the classes.
    drop_missing
        True leaves out windows without a class.
    strategy
        Names of the strategies. ``"random"`` always runs too, because it is the reference.
    seeds, seed
        Number of repetitions, and the first seed.
    batch
        Answers between two trainings, and before the first one.
    budget
        Answers in all.
    test
        Share of the people who are tested, or ``"split"`` for those of the split test.
    metric
        Metric of the tested people.
    leave_one_patient_out
        True takes each person as a new patient, for whom a learner that knows the others adapts.
    answers
        Numbers of answers about the new patient, after which the learner is tested.
    automatic
        True runs each strategy with and without automatic labels.
    model, model_options
        Network and its options. None is logistic regression on features.
    epochs
        Epochs of each training of a network.
    jobs
        Number of processes.
    device
        Device of networks; ``"auto"`` selects the best that is available.
    """

    target: str = "label"
    drop_missing: bool = False
    strategy: tuple[str, ...] = ("random", "margin", "mixture")
    seeds: int = Field(default=20, ge=1)
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=10, ge=1)
    budget: int = Field(default=200, ge=1)
    test: float | Literal["split"] = 0.3
    metric: CurveMetric = "auto"
    leave_one_patient_out: bool = False
    answers: tuple[NonNegativeInt, ...] = Field(default=(0, 20, 50, 100, 200), min_length=1)
    automatic: bool = False
    model: str | None = None
    model_options: dict[str, Any] = Field(default_factory=dict)
    epochs: int = Field(default=30, ge=1)
    jobs: int = Field(default=1, ge=1)
    device: str = "auto"
