"""A tiny distribution of another author, as pip lays it on the path: modules and metadata."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

CLIP = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.preprocess import Context, StepTraits


@dataclass(frozen=True)
class Clip:
    """Clip each sample at a limit in µV."""

    name: ClassVar[str] = "clip"
    traits: ClassVar[StepTraits] = StepTraits()
    limit: float = 500.0

    def __post_init__(self):
        if self.limit <= 0:
            raise ValueError("limit must be positive")

    def required_context(self, spec):
        return Context("samples")

    def output_spec(self, spec):
        return spec

    def apply(self, raw, spec):
        limit = self.limit * 1e-6
        share = float(np.mean(np.abs(raw.get_data()) > limit))
        raw.apply_function(lambda signal: np.clip(signal, -limit, limit))
        return raw, StepReport(self.name, share=share)
'''


def install(
    folder: Path,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str],
    *,
    name: str = "mylab-eeg",
    version: str = "1.5",
) -> Path:
    """Lay a distribution into a folder, which the test puts on the path.

    Parameters
    ----------
    entry_points
        Objects by name, by group.
    modules
        Text of each module, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
        shutil.rmtree(old)  # its folder too, which alone would hide the new version
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text, encoding="utf-8")
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, objects in entry_points.items():
        lines.append(f"[{group}]")
        lines += [f"{key} = {place}" for key, place in objects.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder
