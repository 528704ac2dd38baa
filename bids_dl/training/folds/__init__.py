"""Division of windows into folds: by person, and within each person."""

from bids_dl.training.folds.conditions import rows_where
from bids_dl.training.folds.description import describe_folds
from bids_dl.training.folds.fold import Fold, FoldPlan, make_fold
from bids_dl.training.folds.people import People, find_people
from bids_dl.training.folds.planning import plan_folds

__all__ = [
    "Fold",
    "FoldPlan",
    "People",
    "describe_folds",
    "find_people",
    "make_fold",
    "plan_folds",
    "rows_where",
]
