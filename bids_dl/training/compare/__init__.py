"""Compare finished runs: their results side by side, and paired tests over persons."""

from __future__ import annotations

from bids_dl.training.compare.comparison import RunComparison, compare_runs

__all__ = ["RunComparison", "compare_runs"]
