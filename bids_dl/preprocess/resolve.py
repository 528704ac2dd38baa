"""Choose the channels of a recipe by the headers of all recordings of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.harmonise import Harmonise
from bids_dl.wording import count, join_names

ChannelKey = tuple[str, str]
"""Name in lower case, and type: equal for the same channel of two recordings."""


@dataclass(frozen=True, slots=True)
class ResolvedRecipe:
    """A recipe whose steps all name their channels.

    Attributes
    ----------
    notes
        Lines for the user on channels that are left out.
    """

    recipe: Recipe
    notes: tuple[str, ...]


def resolve_channels(recipe: Recipe, specs: Mapping[str, SignalSpec]) -> ResolvedRecipe:
    """Replace the rules of the steps `Harmonise` of a recipe by channel names.

    Parameters
    ----------
    specs
        Channels and rate of each recording, as in its header, by recording key. A recording
        that fails at an earlier step is ignored, because it cannot be converted anyway.

    Raises
    ------
    ConfigError
        No channel is common to all recordings, or channels differ and the recipe refuses that.
    """
    steps = list(recipe.signal_steps)
    notes: list[str] = []
    for i, step in enumerate(steps):
        if isinstance(step, Harmonise) and isinstance(step.channels, str):
            earlier = Recipe(recipe.name, "", tuple(steps[:i]))
            reaching = _output_specs(earlier, specs)
            if reaching:
                if step.channels == "refuse":
                    _refuse_differences(reaching)
                steps[i] = Harmonise(channels=_common_channels(reaching))
                notes.extend(_describe_left_out(reaching))
    return ResolvedRecipe(replace(recipe, signal_steps=tuple(steps)), tuple(notes))


def _output_specs(recipe: Recipe, specs: Mapping[str, SignalSpec]) -> dict[str, SignalSpec]:
    """Return the specs after a recipe of the recordings that it can be applied to."""
    outputs = {}
    for key, spec in specs.items():
        try:
            outputs[key] = recipe.output_spec(spec)
        except RecordingError:
            continue  # the plan meets the same error for this recording, and lists it
    return outputs


def _refuse_differences(specs: Mapping[str, SignalSpec]) -> None:
    """Raise `ConfigError` if channels of a recording differ from those of the first."""
    first_key, first = next(iter(specs.items()))
    expected = set(_channel_keys(first))
    different = [key for key, spec in specs.items() if set(_channel_keys(spec)) != expected]
    if different:
        raise ConfigError(
            f"harmonise: {len(different)} of {len(specs)} recordings have other channels than "
            f"{first_key}, first {different[0]}: "
            f"{_describe_difference(specs[different[0]], first)}; the recipe refuses that"
        )


def _common_channels(specs: Mapping[str, SignalSpec]) -> tuple[str, ...]:
    """Return the channels of all recordings, in the order of the first, most frequent spelling."""
    common = set.intersection(*(set(_channel_keys(spec)) for spec in specs.values()))
    if not common:
        fewest = min(specs, key=lambda key: specs[key].n_chans)
        raise ConfigError(
            f"harmonise: no channel is common to all {len(specs)} recordings; "
            f"{fewest} has {join_names(specs[fewest].ch_names)}; "
            "leave recordings out, or rename or interpolate channels in the recipe"
        )
    spellings: Counter[tuple[ChannelKey, str]] = Counter()
    for spec in specs.values():
        spellings.update(zip(_channel_keys(spec), spec.ch_names, strict=True))
    # In reverse order, so that the most frequent spelling overwrites the others.
    usual = {key: name for (key, name), _ in reversed(spellings.most_common())}
    first = next(iter(specs.values()))
    return tuple(usual[key] for key in _channel_keys(first) if key in common)


def _describe_left_out(specs: Mapping[str, SignalSpec]) -> list[str]:
    """Describe the channels that some recordings lack, in at most one line."""
    n_recordings: Counter[ChannelKey] = Counter()
    spellings: dict[ChannelKey, str] = {}
    for spec in specs.values():
        n_recordings.update(_channel_keys(spec))
        spellings.update(zip(_channel_keys(spec), spec.ch_names, strict=True))
    left_out = {key: number for key, number in n_recordings.items() if number < len(specs)}
    if not left_out:
        return []
    n_types = Counter(name for name, _ in n_recordings)
    descriptions = []
    for key, number in sorted(left_out.items(), key=lambda item: item[1]):
        name, ch_type = key
        shown_type = f" ({ch_type})" if n_types[name] > 1 else ""
        descriptions.append(f"{spellings[key]}{shown_type} (in {number})")
    n_missing = {
        key: len(left_out.keys() - set(_channel_keys(spec))) for key, spec in specs.items()
    }
    worst = max(n_missing, key=lambda key: n_missing[key])
    n_common = len(n_recordings) - len(left_out)
    return [
        f"harmonise: {count(n_common, 'channel')} common to all {len(specs)} recordings; "
        f"left out are {join_names(descriptions)}; "
        f"{worst} lacks most of them ({n_missing[worst]} of {len(left_out)})"
    ]


def _describe_difference(spec: SignalSpec, other: SignalSpec) -> str:
    names = dict(zip(_channel_keys(spec), spec.ch_names, strict=True))
    other_names = dict(zip(_channel_keys(other), other.ch_names, strict=True))
    missing = [name for key, name in other_names.items() if key not in names]
    additional = [name for key, name in names.items() if key not in other_names]
    parts = []
    if missing:
        parts.append(f"lacks {join_names(missing)}")
    if additional:
        parts.append(f"also has {join_names(additional)}")
    return " and ".join(parts)


def _channel_keys(spec: SignalSpec) -> list[ChannelKey]:
    pairs = zip(spec.ch_names, spec.ch_types, strict=True)
    return [(name.casefold(), ch_type) for name, ch_type in pairs]
