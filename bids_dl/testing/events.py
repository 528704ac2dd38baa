"""What happens in a recording: rows of events.tsv, and their annotation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.testing.design import Design

HED = {
    "open": "Agent-action, Experiment-participant, Eyes-open",
    "closed": "Agent-action, Experiment-participant, Eyes-closed",
    "impulse": "Sensory-event, Label/Impulse",
}
PROMPT = "Sensory-event, Instructional, (Auditory-presentation, Loudspeaker, (Human-agent, (Speak, (Sentence, Label/now-{}-your-eyes))))"
HBN_HED = {
    "instructed_toOpenEyes": PROMPT.format("open"),
    "instructed_toCloseEyes": PROMPT.format("close"),
    "resting_start": "(Def/Resting-start, Onset)",
}
RESTING = "(Definition/Resting-start, (Recording, (Visual-presentation, (Cross, (Center-of, Computer-screen)))))"
HBN_ROWS = {
    "start": ("resting_start", 90),
    "open": ("instructed_toOpenEyes", 20),
    "closed": ("instructed_toCloseEyes", 30),
}
HBN_LENGTHS = {"open": 20, "closed": 40}  # s
HBN_EARLIEST, HBN_LATEST = 10, 15  # s: of the first prompt
N_PROMPTS = 11


@dataclass(frozen=True, config=STRICT)
class SyntheticEvent:
    """One row of events.tsv."""

    label: Literal["open", "closed", "impulse", "start"]
    sample: int  # 0-based
    n_times: int  # samples; 0 for a moment


def n_times(design: Design) -> int:
    """Samples of a recording."""
    if design.events == "hbn":
        return design.sfreq * (HBN_LATEST + 6 * HBN_LENGTHS["open"] + 5 * HBN_LENGTHS["closed"])
    return design.sfreq * design.block_duration * design.n_blocks


def events_of(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """The events of a recording, in order of onset."""
    return _prompts(design, rng) if design.events == "hbn" else _blocks(design, rng)


def _blocks(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """A row for each block, and two impulses in each, apart from its edges and from each other."""
    size = design.sfreq * design.block_duration
    for block in range(design.n_blocks):
        yield SyntheticEvent("closed" if block % 2 else "open", block * size, size)
        for low, high in ((0.15, 0.4), (0.6, 0.85)):
            yield SyntheticEvent(
                "impulse", block * size + int(rng.integers(int(low * size), int(high * size))), 0
            )


def _prompts(design: Design, rng: np.random.Generator) -> Iterator[SyntheticEvent]:
    """The start of the task, then a prompt at the start of each block."""
    yield SyntheticEvent("start", design.sfreq, 0)
    sample = int(rng.integers(HBN_EARLIEST * design.sfreq, HBN_LATEST * design.sfreq))
    for i in range(N_PROMPTS):
        label: Literal["open", "closed"] = "closed" if i % 2 else "open"
        size = HBN_LENGTHS[label] * design.sfreq
        yield SyntheticEvent(label, sample, size)
        sample += size


def table(
    design: Design, events: tuple[SyntheticEvent, ...]
) -> tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]:
    """Columns and rows of events.tsv."""
    onsets = [f"{event.sample / design.sfreq:.9f}" for event in events]
    if design.events == "hbn":
        prompts = [
            (onset, "n/a", event.sample, *HBN_ROWS[event.label])
            for onset, event in zip(onsets, events, strict=True)
        ]
        return ("onset", "duration", "sample", "value", "event_code"), prompts
    lengths = [f"{event.n_times / design.sfreq:g}" if event.n_times else "n/a" for event in events]
    rows = [
        (onset, length, event.sample, event.label)
        for onset, length, event in zip(onsets, lengths, events, strict=True)
    ]
    return ("onset", "duration", "sample", "trial_type"), rows


def sidecar(design: Design) -> dict[str, Any]:
    """Content of events.json."""
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
                "HED": {"resting_start": RESTING},
            },
        }
    levels = {
        "open": "eyes open",
        "closed": "eyes closed",
        "impulse": "one sample on the first channel",
    }
    return {
        "trial_type": {"Description": "What happens", "Levels": levels, "HED": HED},
        "sample": sample,
    }
