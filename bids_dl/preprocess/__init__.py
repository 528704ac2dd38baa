"""A recording -> clean signal: recipes of named steps, one file a step. MNE does the work and is imported when a recipe runs."""

from __future__ import annotations

from bids_dl.preprocess.loading import load_recipe, recipes
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.step import Need, SignalStep, Step, WindowStep

__all__ = ["Need", "Recipe", "SignalStep", "Step", "WindowStep", "load_recipe", "recipes"]
