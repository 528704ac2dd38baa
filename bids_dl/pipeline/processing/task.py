"""A task: everything a worker needs to process one recording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bids_dl import preprocess, source
from bids_dl.datamodel import Header, Recording, SignalSpec
from bids_dl.pipeline.processing.excerpts import ExcerptPlan, plan_excerpts, select_intervals
from bids_dl.pipeline.staging import Staging
from bids_dl.remote.caching.partial_file import PartialFile

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan


@dataclass(frozen=True)
class Task:
    """Everything a worker needs to process and stage one recording.

    Attributes
    ----------
    key
        Name of the staging entry.
    header
        Header of the signal file. Its boundaries include those that events.tsv notes.
    excerpt_plan
        The excerpts to read and the windows to cut from them.
    spec
        Channels and rate of the store.
    n_times
        Samples of a window at the rate of the store.
    offset
        Samples from the anchor of a window to its first sample, at the rate of the store.
    hashed
        Files of the recording, as they were planned.
    context
        Samples that the recipe needs around a sample of this recording.
    selected
        Intervals that the recipe concatenates, in samples at the rate of the store; empty if it
        keeps the whole signal.
    fetched
        Spans of samples of the recording that are on this machine; empty if all are.
    """

    key: str
    dataset: source.Dataset
    recording: Recording
    header: Header
    excerpt_plan: ExcerptPlan
    recipe: preprocess.Recipe
    spec: SignalSpec
    n_times: int
    offset: int
    staging: Staging
    hashed: source.HashedFiles
    context: preprocess.RecipeContext
    selected: tuple[tuple[int, int], ...] = ()
    fetched: tuple[tuple[int, int], ...] = ()


def make_task(plan: Plan, recording: Recording, staging: Staging) -> Task:
    """Make the task of one recording of a plan.

    Parameters
    ----------
    staging
        Folder that the task writes its entry to.
    """
    key = recording.key
    boundaries = plan.survey.limits[key].boundaries
    header = replace(plan.survey.headers[key], boundaries=boundaries)
    ratio = plan.ratio(recording)
    context = plan.recipe.required_context(header.spec)
    excerpt_plan = plan_excerpts(
        plan.windows[key],
        header,
        context,
        ratio=ratio,
        offset=plan.offset,
        n_times=plan.n_times,
    )
    selected: tuple[tuple[int, int], ...] = ()
    if plan.recipe.concatenates:
        selected = select_intervals(
            excerpt_plan,
            plan.blocks_of(key),
            sfreq=plan.spec.sfreq,
            n_times=plan.n_times,
            end=math.ceil(header.n_times * ratio),
        )
    dataset = plan.survey.datasets[recording.dataset]
    return Task(
        key=plan.staging_keys[key],
        dataset=_with_partial(
            dataset.restricted_to(plan.sources[key]), plan.survey.partial.get(key, {})
        ),
        recording=recording,
        header=header,
        excerpt_plan=excerpt_plan,
        recipe=plan.recipe,
        spec=plan.spec,
        n_times=plan.n_times,
        offset=plan.offset,
        staging=staging,
        hashed=plan.hashed[key],
        context=context,
        selected=selected,
    )


def _with_partial(dataset: source.Dataset, partial: Mapping[str, PartialFile]) -> source.Dataset:
    if dataset.remote is None:
        return dataset
    return replace(dataset, remote=replace(dataset.remote, partial=partial))
