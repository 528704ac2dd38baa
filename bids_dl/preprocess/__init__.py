"""A recording -> clean signal: recipes of named steps, one file a step. MNE does the work and is imported when a recipe runs."""

from __future__ import annotations

from bids_dl.preprocess.harmonise import resolve
from bids_dl.preprocess.loading import load_recipe, recipes
from bids_dl.preprocess.recipe import Reach, Recipe, excerpt, joined
from bids_dl.preprocess.step import Need, SignalStep, Step, WindowStep

__all__ = ["Need", "Reach", "Recipe", "SignalStep", "Step", "WindowStep", "excerpt", "joined", "load_recipe", "recipes", "resolve"]
