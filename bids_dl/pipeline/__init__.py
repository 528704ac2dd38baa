"""Source to store for whole datasets; the only place that knows the order of the stages.

Worker processes import `bids_dl.pipeline.work` only: what they don't need (HED takes two seconds) is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bids_dl.pipeline.conversion import Outcome, Progress, convert
    from bids_dl.pipeline.dry_run import Survey, survey
    from bids_dl.pipeline.plan import Plan, make_plan

__all__ = ["Outcome", "Plan", "Progress", "Survey", "convert", "make_plan", "survey"]

HOMES = dict.fromkeys(("Outcome", "Progress", "convert"), "conversion") | {"Plan": "plan", "make_plan": "plan"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'bids_dl.pipeline' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"bids_dl.pipeline.{HOMES.get(name, 'dry_run')}"), name)
