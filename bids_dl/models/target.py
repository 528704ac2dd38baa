"""Targets of a model: classes, a number, shares or several labels."""

from __future__ import annotations

from dataclasses import dataclass

from bids_dl.config.training_options import TargetKind


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """Target that a model predicts, and the meaning of its outputs.

    Parameters
    ----------
    name
        Heading: the column, or the columns as they were requested.
    kind
        ``"classes"``: one of several classes. ``"number"``: a quantity. ``"shares"``: the share of
        each column, such as of votes; shares of a window sum to 1. ``"labels"``: several labels,
        each 0 or 1 by itself.
    columns
        Columns of the store. One for classes and a number.
    outputs
        Meaning of each output of the model: class names, the column of a number, or the columns.
    mean, std
        Mean and standard deviation of a number over the training windows, in its own unit. The
        model is trained on, and returns, the number minus ``mean`` divided by ``std``.
    """

    name: str
    kind: TargetKind
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    mean: float = 0.0
    std: float = 1.0

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the model."""
        return len(self.outputs)
