"""All that a worker needs to stage one recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bids_dl import preprocess, source
from bids_dl.datamodel import Header, Recording, SignalSpec, exact_rate
from bids_dl.pipeline.excerpts import ExcerptPlan, plan_excerpts, stretches
from bids_dl.pipeline.staging import Staging

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan


@dataclass(frozen=True)
class Task:
    """All that a worker needs to stage one recording."""

    key: str  # of the staging entry
    dataset: source.Dataset
    recording: Recording
    header: Header  # its boundaries are all that are known, also those that events.tsv notes
    pieces: ExcerptPlan
    recipe: preprocess.Recipe
    spec: SignalSpec  # of the store
    n_times: int  # samples of a window
    offset: int  # samples from a window's anchor to its first
    staging: Staging
    selected: tuple[
        tuple[int, int], ...
    ] = ()  # stretches that the recipe joins, in samples of the store's rate


def make_task(plan: Plan, recording: Recording, staging: Staging) -> Task:
    """All that a worker needs to stage a recording of a plan."""
    dataset, key = plan.survey.datasets[recording.dataset], recording.key
    header = replace(plan.survey.headers[key], boundaries=plan.survey.extents[key].boundaries)
    reach = plan.recipe.reach(
        SignalSpec(header.ch_names, header.ch_types, exact_rate(header.sfreq))
    )
    ratio = plan.ratio(recording)
    pieces = plan_excerpts(
        plan.windows[key], header, reach, ratio=ratio, offset=plan.offset, n_times=plan.n_times
    )
    selected: tuple[tuple[int, int], ...] = ()
    if plan.recipe.concatenates:
        end = math.ceil(header.n_times * ratio)
        selected = stretches(
            pieces, plan.blocks(key), sfreq=plan.spec.sfreq, n_times=plan.n_times, end=end
        )
    return Task(
        key=plan.keys[key],
        dataset=replace(
            dataset, files=tuple(plan.sources[key])
        ),  # all that reading needs; the listing of a large dataset is large
        recording=recording,
        header=header,
        pieces=pieces,
        recipe=plan.recipe,
        spec=plan.spec,
        n_times=plan.n_times,
        offset=plan.offset,
        staging=staging,
        selected=selected,
    )
