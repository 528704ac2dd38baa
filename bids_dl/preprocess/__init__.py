"""Preprocessing: recipes of named steps that turn a recording into a clean signal.

MNE does the work. It is imported when a recipe runs, not when a recipe is loaded.
"""

from __future__ import annotations

from bids_dl.preprocess.channels import channel_types
from bids_dl.preprocess.excerpt import loaded_samples, read_excerpt
from bids_dl.preprocess.loading import list_recipes, load_recipe
from bids_dl.preprocess.recipe import Recipe, RecipeContext, WindowResults, info_of, merge_reports
from bids_dl.preprocess.resolve import resolve_channels
from bids_dl.preprocess.step import Context, SignalStep, Step, StepTraits, Windows, WindowStep
from bids_dl.preprocess.steps.dropouts import dropout_mask
from bids_dl.preprocess.steps.keep_selected import joined_position, mark_selected

__all__ = [
    "Context",
    "Recipe",
    "RecipeContext",
    "SignalStep",
    "Step",
    "StepTraits",
    "WindowResults",
    "WindowStep",
    "Windows",
    "channel_types",
    "dropout_mask",
    "info_of",
    "joined_position",
    "list_recipes",
    "load_recipe",
    "loaded_samples",
    "mark_selected",
    "merge_reports",
    "read_excerpt",
    "resolve_channels",
]
