"""Choose the windows of a pool that an expert is asked next: pure functions of NumPy arrays."""

from bids_dl.annotate.strategies.pool import UNLABELLED, Pool, Rows, Strategy
from bids_dl.annotate.strategies.registry import STRATEGIES, StrategyEntry, find_strategy

__all__ = [
    "STRATEGIES",
    "UNLABELLED",
    "Pool",
    "Rows",
    "Strategy",
    "StrategyEntry",
    "find_strategy",
]
