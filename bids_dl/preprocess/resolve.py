"""Settle the channels of a recipe by the headers of all recordings of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bids_dl.datamodel import SignalSpec
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


def resolve(recipe: Recipe, specs: Mapping[str, SignalSpec]) -> Resolved:
    """Settle the channels of steps `Harmonise` by the recordings of a plan.

    Parameters
    ----------
    specs
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
            before = _reached(Recipe(recipe.name, "", tuple(steps[:i])), specs)
            if before:
                steps[i] = Harmonise(channels=_chosen(before, step.channels))
                notes += _left_out(before)
    return Resolved(replace(recipe, signal_steps=tuple(steps)), tuple(notes))


def _reached(recipe: Recipe, specs: Mapping[str, SignalSpec]) -> dict[str, SignalSpec]:
    reached = {}
    for key, spec in specs.items():
        try:
            reached[key] = recipe.output_spec(spec)
        except RecordingError:
            continue  # whoever plans the recording meets the same error, and lists it
    return reached


def _chosen(specs: Mapping[str, SignalSpec], rule: str) -> tuple[str, ...]:
    first_key, first = next(iter(specs.items()))
    common = set(_channels(first)).intersection(*(_channels(spec) for spec in specs.values()))
    if rule == "refuse" and (
        different := [
            key for key, spec in specs.items() if set(_channels(spec)) != set(_channels(first))
        ]
    ):
        raise ConfigError(
            f"harmonise: {len(different)} of {len(specs)} recordings have other channels than {first_key}, first {different[0]}: "
            f"{_difference(specs[different[0]], first)}; the recipe says to refuse that"
        )
    if not common:
        fewest = min(specs, key=lambda key: specs[key].n_chans)
        raise ConfigError(
            f"harmonise: no channel is common to all {len(specs)} recordings; {fewest} has {listed(specs[fewest].ch_names)}; "
            "leave recordings out, or rename or interpolate channels in the recipe"
        )
    spellings = Counter(
        (_key(name, kind), name) for spec in specs.values() for name, kind in _pairs(spec)
    )
    usual = {channel: name for (channel, name), _ in reversed(spellings.most_common())}
    return tuple(usual[channel] for channel in _channels(first) if channel in common)


def _left_out(specs: Mapping[str, SignalSpec]) -> list[str]:
    """One line on the channels that not all recordings have, with how many have them; nothing where all have all."""
    had = Counter(channel for spec in specs.values() for channel in _channels(spec))
    lost = {channel: count for channel, count in had.items() if count < len(specs)}
    if not lost:
        return []
    pairs = {_key(*pair): pair for spec in specs.values() for pair in _pairs(spec)}
    several = Counter(name for name, _ in had)  # types of a name
    said = []
    for channel, count in sorted(lost.items(), key=lambda item: item[1]):
        name, kind = pairs[channel]
        said.append(f"{name}{f' ({kind})' if several[channel[0]] > 1 else ''} (in {count})")
    lacking = {key: len(lost.keys() - set(_channels(spec))) for key, spec in specs.items()}
    most = max(lacking, key=lambda key: lacking[key])
    return [
        f"harmonise: {len(had) - len(lost)} channels are common to all {len(specs)} recordings; left out are {listed(said)}; "
        f"{most} lacks most of them ({lacking[most]} of {len(lost)})"
    ]


def _difference(spec: SignalSpec, other: SignalSpec) -> str:
    here, there = (
        dict(zip(_channels(spec), spec.ch_names, strict=True)),
        dict(zip(_channels(other), other.ch_names, strict=True)),
    )
    missing = [name for channel, name in there.items() if channel not in here]
    more = [name for channel, name in here.items() if channel not in there]
    return " and ".join(
        f"{word} {listed(names)}"
        for word, names in (("lacks", missing), ("has also", more))
        if names
    )


def _channels(spec: SignalSpec) -> list[Channel]:
    return [_key(name, kind) for name, kind in _pairs(spec)]


def _pairs(spec: SignalSpec) -> list[tuple[str, str]]:
    return list(zip(spec.ch_names, spec.ch_types, strict=True))


def _key(name: str, kind: str) -> Channel:
    return name.casefold(), kind
