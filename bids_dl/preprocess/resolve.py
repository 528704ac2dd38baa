"""Settle the channels of a recipe by the headers of all recordings of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bids_dl.datamodel import Layout
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.harmonise import Harmonise

Channel = tuple[str, str]
"""Name in lower case, and type: what makes channels of two recordings the same."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe whose every step says its channels by name, and what a user must know of how they were found."""

    recipe: Recipe
    notes: tuple[str, ...]


def resolve(recipe: Recipe, layouts: Mapping[str, Layout]) -> Resolved:
    """Settle the channels of steps `Harmonise` by the recordings of a plan.

    Parameters
    ----------
    layouts
        Of each recording as its header has it, by key. One that fails at a step before takes no part: it cannot be converted anyway.

    Raises
    ------
    ConfigError
        No channel is common to all, or they differ and the recipe refuses that.
    """
    steps = list(recipe.signal_steps)
    notes: list[str] = []
    for i, step in enumerate(steps):
        if isinstance(step, Harmonise) and isinstance(step.channels, str):
            before = _reached(Recipe(recipe.name, "", tuple(steps[:i])), layouts)
            if before:
                steps[i] = Harmonise(channels=_chosen(before, step.channels))
                notes += _left_out(before)
    return Resolved(replace(recipe, signal_steps=tuple(steps)), tuple(notes))


def _reached(recipe: Recipe, layouts: Mapping[str, Layout]) -> dict[str, Layout]:
    reached = {}
    for key, layout in layouts.items():
        try:
            reached[key] = recipe.layout(layout)
        except RecordingError:
            continue  # whoever plans the recording meets the same error, and lists it
    return reached


def _chosen(layouts: Mapping[str, Layout], rule: str) -> tuple[str, ...]:
    first_key, first = next(iter(layouts.items()))
    common = set(_channels(first)).intersection(*(_channels(layout) for layout in layouts.values()))
    if rule == "refuse" and (
        different := [
            key
            for key, layout in layouts.items()
            if set(_channels(layout)) != set(_channels(first))
        ]
    ):
        raise ConfigError(
            f"harmonise: {len(different)} of {len(layouts)} recordings have other channels than {first_key}, first {different[0]}: "
            f"{_difference(layouts[different[0]], first)}; the recipe says to refuse that"
        )
    if not common:
        fewest = min(layouts, key=lambda key: layouts[key].n_chans)
        raise ConfigError(
            f"harmonise: no channel is common to all {len(layouts)} recordings; {fewest} has {listed(layouts[fewest].ch_names)}; "
            "leave recordings out, or rename or interpolate channels in the recipe"
        )
    spellings = Counter(
        (_key(name, kind), name) for layout in layouts.values() for name, kind in _pairs(layout)
    )
    usual = {channel: name for (channel, name), _ in reversed(spellings.most_common())}
    return tuple(usual[channel] for channel in _channels(first) if channel in common)


def _left_out(layouts: Mapping[str, Layout]) -> list[str]:
    """One line on the channels that not all recordings have, with how many have them; nothing where all have all."""
    had = Counter(channel for layout in layouts.values() for channel in _channels(layout))
    lost = {channel: count for channel, count in had.items() if count < len(layouts)}
    if not lost:
        return []
    pairs = {_key(*pair): pair for layout in layouts.values() for pair in _pairs(layout)}
    several = Counter(name for name, _ in had)  # types of a name
    said = []
    for channel, count in sorted(lost.items(), key=lambda item: item[1]):
        name, kind = pairs[channel]
        said.append(f"{name}{f' ({kind})' if several[channel[0]] > 1 else ''} (in {count})")
    lacking = {key: len(lost.keys() - set(_channels(layout))) for key, layout in layouts.items()}
    most = max(lacking, key=lambda key: lacking[key])
    return [
        f"harmonise: {len(had) - len(lost)} channels are common to all {len(layouts)} recordings; left out are {listed(said)}; "
        f"{most} lacks most of them ({lacking[most]} of {len(lost)})"
    ]


def _difference(layout: Layout, other: Layout) -> str:
    here, there = (
        dict(zip(_channels(layout), layout.ch_names, strict=True)),
        dict(zip(_channels(other), other.ch_names, strict=True)),
    )
    missing = [name for channel, name in there.items() if channel not in here]
    more = [name for channel, name in here.items() if channel not in there]
    return " and ".join(
        f"{word} {listed(names)}"
        for word, names in (("lacks", missing), ("has also", more))
        if names
    )


def _channels(layout: Layout) -> list[Channel]:
    return [_key(name, kind) for name, kind in _pairs(layout)]


def _pairs(layout: Layout) -> list[tuple[str, str]]:
    return list(zip(layout.ch_names, layout.ch_types, strict=True))


def _key(name: str, kind: str) -> Channel:
    return name.casefold(), kind
