"""A recording -> clean signal: recipes of named steps, one file a step. MNE does the work and is imported when a recipe runs."""

from __future__ import annotations

from bids_dl.preprocess.excerpt import excerpt
from bids_dl.preprocess.loading import load_recipe, recipes
from bids_dl.preprocess.recipe import Recipe, RecipeContext, WindowResults, info_of, joined
from bids_dl.preprocess.resolve import resolve
from bids_dl.preprocess.step import Context, SignalStep, Step, Windows, WindowStep
from bids_dl.preprocess.steps.dropouts import dropout_mask
from bids_dl.preprocess.steps.keep_selected import mark_selected, position

__all__ = [
    "Context",
    "Recipe",
    "RecipeContext",
    "SignalStep",
    "Step",
    "WindowResults",
    "WindowStep",
    "Windows",
    "dropout_mask",
    "excerpt",
    "info_of",
    "joined",
    "load_recipe",
    "mark_selected",
    "position",
    "recipes",
    "resolve",
]
