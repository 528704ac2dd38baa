"""Rules for the order of the steps of a recipe, by the traits of the steps."""

from __future__ import annotations

from collections.abc import Sequence

from bids_dl.errors import ConfigError
from bids_dl.preprocess.step import Step


def check_order(steps: Sequence[Step], recipe: str) -> None:
    """Check that steps on signals are in an order in which each can do its work.

    Parameters
    ----------
    steps
        All steps of the recipe, in order.
    recipe
        Name of the recipe in messages.

    Raises
    ------
    ConfigError
        A step would lose the positions of windows or miss dropouts; see `StepTraits`.
    """
    _check_concatenation(steps, recipe)
    _check_dropouts(steps, recipe)


def _check_concatenation(steps: Sequence[Step], recipe: str) -> None:
    """Check that selected segments are concatenated once, at the final rate."""
    concatenating = ""
    for step in steps:
        if concatenating and step.traits.concatenates:
            raise ConfigError(
                f"{recipe}: {step.name} cannot follow {concatenating}; "
                "concatenate the selected segments once"
            )
        if concatenating and step.traits.changes_rate:
            raise ConfigError(
                f"{recipe}: {step.name} must come before {concatenating}, "
                "because concatenated segments begin at samples of the final rate"
            )
        if step.traits.concatenates:
            concatenating = step.name


def _check_dropouts(steps: Sequence[Step], recipe: str) -> None:
    """Check that dropouts are marked before samples change and before a step needs them."""
    changing = ""
    is_marked = False
    for step in steps:
        if step.traits.marks_dropouts and changing:
            raise ConfigError(
                f"{recipe}: {step.name} must come before {changing}, "
                "which changes the constant samples of a dropout; put it first"
            )
        if step.traits.needs_dropouts and not is_marked:
            raise ConfigError(
                f"{recipe}: {step.name} by dropout needs a step that marks dropouts; "
                "put the step dropouts first"
            )
        is_marked = is_marked or step.traits.marks_dropouts
        if not step.traits.keeps_samples and not changing:
            changing = step.name
