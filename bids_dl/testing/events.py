"""Events of a synthetic recording: rows of events.tsv, and their annotation in HED."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.testing.design import SLEEP_EVENTS, Design
from bids_dl.testing.effects import PlantedEffect
from bids_dl.testing.sleep import SLEEP_HED, STAGES, draw_night

EYES_LEVELS = {
    "open": "eyes open",
    "closed": "eyes closed",
    "impulse": "one sample on the first channel",
}
"""trial_type of the events "eyes" -> description."""

EYES_HED = {
    "open": "Agent-action, Experiment-participant, Eyes-open",
    "closed": "Agent-action, Experiment-participant, Eyes-closed",
    "impulse": "Sensory-event, Label/Impulse",
}
"""trial_type of the events "eyes" -> HED."""

PROMPT_HED = (
    "Sensory-event, Instructional, (Auditory-presentation, Loudspeaker, "
    "(Human-agent, (Speak, (Sentence, Label/now-{}-your-eyes))))"
)
HBN_HED = {
    "instructed_toOpenEyes": PROMPT_HED.format("open"),
    "instructed_toCloseEyes": PROMPT_HED.format("close"),
    "resting_start": "(Def/Resting-start, Onset)",
}
"""value of the events "hbn" -> HED."""

RESTING_DEFINITION = (
    "(Definition/Resting-start, (Recording, "
    "(Visual-presentation, (Cross, (Center-of, Computer-screen)))))"
)
HBN_ROWS = {
    "start": ("resting_start", 90),
    "open": ("instructed_toOpenEyes", 20),
    "closed": ("instructed_toCloseEyes", 30),
}
"""Label of an event -> value and event_code of its row."""

HBN_SECONDS = {"open": 20, "closed": 40}  # duration of a block after a prompt
MIN_FIRST_PROMPT_SECONDS = 10
MAX_FIRST_PROMPT_SECONDS = 15
N_PROMPTS = 11  # alternating, eyes open first
# Intervals of a block, as fractions of its duration, in which its two impulses are
IMPULSE_INTERVALS = ((0.15, 0.4), (0.6, 0.85))


@dataclass(frozen=True, config=STRICT)
class SyntheticEvent:
    """One row of events.tsv."""

    label: Literal["open", "closed", "impulse", "start", "W", "N1", "N2", "N3", "R"]
    sample: int  # 0-based
    n_times: int  # samples; 0 for a point in time


def count_samples(design: Design) -> int:
    """Return the number of samples of a recording."""
    if design.events == "hbn":
        blocks = 6 * HBN_SECONDS["open"] + 5 * HBN_SECONDS["closed"]
        return design.sfreq * (MAX_FIRST_PROMPT_SECONDS + blocks)
    return design.sfreq * design.block_duration * design.n_blocks


def draw_events(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """Yield the events of a recording, in order of onset."""
    if design.effect is not None:
        return _list_planted(design, design.effect)
    if design.events in SLEEP_EVENTS:
        return _draw_stages(design, rng)
    return _draw_prompts(design, rng) if design.events == "hbn" else _draw_blocks(design, rng)


def _list_planted(design: Design, effect: PlantedEffect) -> Iterator[SyntheticEvent]:
    """Yield a row for each block, or for each window if windows have votes."""
    seconds = effect.window if effect.kind == "shares" else design.block_duration
    per_block = round(design.block_duration / seconds)
    n_times = round(seconds * design.sfreq)
    for i in range(design.n_blocks * per_block):
        yield SyntheticEvent("closed" if i // per_block % 2 else "open", i * n_times, n_times)


def _draw_blocks(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """Yield a row for each block and two impulses in each, away from edges and each other."""
    n_times = design.sfreq * design.block_duration
    for block in range(design.n_blocks):
        start = block * n_times
        yield SyntheticEvent("closed" if block % 2 else "open", start, n_times)
        for low, high in IMPULSE_INTERVALS:
            position = int(rng.integers(int(low * n_times), int(high * n_times)))
            yield SyntheticEvent("impulse", start + position, 0)


def _draw_stages(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """Yield a row for each block, the stages of a night or each five in random order."""
    n_times = design.sfreq * design.block_duration
    stages: list[Any] = []
    if design.events == "night":
        stages = draw_night(design.n_blocks, rng)[::-1]
    for block in range(design.n_blocks):
        if not stages:
            stages = rng.permutation(list(STAGES)).tolist()
        yield SyntheticEvent(stages.pop(), block * n_times, n_times)


def _draw_prompts(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """Yield the start of the task, then a prompt at the beginning of each block."""
    yield SyntheticEvent("start", design.sfreq, 0)
    earliest = MIN_FIRST_PROMPT_SECONDS * design.sfreq
    latest = MAX_FIRST_PROMPT_SECONDS * design.sfreq
    sample = int(rng.integers(earliest, latest))
    for i in range(N_PROMPTS):
        label: Literal["open", "closed"] = "closed" if i % 2 else "open"
        n_times = HBN_SECONDS[label] * design.sfreq
        yield SyntheticEvent(label, sample, n_times)
        sample += n_times


def events_table(
    design: Design, events: Sequence[SyntheticEvent]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the column names and the rows of events.tsv."""
    columns: tuple[str, ...] = ("onset", "duration", "sample", "trial_type")
    if design.events == "hbn":
        columns = ("onset", "duration", "sample", "value", "event_code")
    rows: list[tuple[Any, ...]] = []
    for event in events:
        onset = f"{event.sample / design.sfreq:.9f}"
        if design.events == "hbn":
            rows.append((onset, "n/a", event.sample, *HBN_ROWS[event.label]))
        else:
            duration = f"{event.n_times / design.sfreq:g}" if event.n_times else "n/a"
            rows.append((onset, duration, event.sample, event.label))
    return columns, rows


def events_sidecar(design: Design) -> dict[str, Any]:
    """Return the content of events.json."""
    sample = {"Description": "0-based sample of the onset"}
    if design.events == "hbn":
        levels = {
            "instructed_toOpenEyes": "a voice asks to open the eyes",
            "instructed_toCloseEyes": "a voice asks to close the eyes",
        }
        return {
            "value": {
                "Description": "What happens",
                "Levels": {"resting_start": "the task begins", **levels},
                "HED": HBN_HED,
            },
            "event_code": {"Description": "Code of the value"},
            "sample": sample,
            "definitions": {
                "Description": "What the task looks like",
                "HED": {"resting_start": RESTING_DEFINITION},
            },
        }
    levels, hed = EYES_LEVELS, EYES_HED
    if design.events in SLEEP_EVENTS:
        levels, hed = {name: f"sleep stage {name}" for name in STAGES}, SLEEP_HED
    sidecar = {
        "trial_type": {"Description": "What happens", "Levels": levels, "HED": hed},
        "sample": sample,
    }
    if design.effect is not None and design.effect.kind == "shares":
        for column in design.effect.columns:
            sidecar[column] = {"Description": f"Number of votes for {column}"}
    return sidecar
