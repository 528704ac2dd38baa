"""A model of a run with its controls, and what the analyses of one fold share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.explanation.contents import Axes, Floats, Rows
from bids_dl.explanation.controls import (
    STATISTICS_WINDOWS,
    build_control,
    estimate_statistics,
    freeze_weights,
)
from bids_dl.explanation.maximization import WindowScale
from bids_dl.explanation.windows import UnseenWindows, choose_evenly, stream_windows
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.store import Store

STATISTICS_SAMPLES = 50_000_000  # over windows, channels and time: 200 MB


@dataclass(frozen=True, slots=True, eq=False)
class FoldNetworks:
    """A model of a run, networks with random weights, and the windows to explain them on.

    Attributes
    ----------
    store, axes, card, device
        Store of the windows, their axes, description of the model, device of the networks.
    model
        Model in evaluation mode.
    controls
        The same network with random weights, several times.
    rows
        Rows of the store that the model has not seen, in order.
    sampled
        Those of them that gradients are computed for.
    person
        (n_windows,): number of the person of each row of the store.
    scale
        Amplitude of the sampled windows.
    mean_window
        (n_chans, n_times): mean of the sampled windows, as the model gets them.
    """

    store: Store
    axes: Axes
    card: ModelCard
    device: torch.device
    model: nn.Module
    controls: tuple[nn.Module, ...]
    rows: Rows
    sampled: Rows
    person: Rows
    scale: WindowScale
    mean_window: Tensor

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the model."""
        return self.card.target.n_outputs

    def stream(self, rows: Rows) -> Iterator[tuple[Tensor, Rows]]:
        """Yield batches of normalized signals, and their rows."""
        return stream_windows(self.store, rows, self.device, self.card)

    def stream_microvolts(self, rows: Rows) -> Iterator[tuple[Tensor, Rows]]:
        """Yield the same batches in µV."""
        return stream_windows(self.store, rows, self.device)

    def choose(self, limit: int) -> Rows:
        """Choose at most ``limit`` of the sampled rows, evenly over persons."""
        return choose_evenly(self.sampled, self.person, limit)


def load_networks(
    store: Store, axes: Axes, path: Path, rows: Rows, unseen: UnseenWindows, config: ExplainConfig
) -> FoldNetworks:
    """Load a model, and build its controls.

    The controls of all folds begin with the same random weights, as the folds of a training do.

    Parameters
    ----------
    store, axes
        Store of the windows, and their axes.
    path
        Checkpoint of the model.
    rows
        Rows of the store that the model is explained on.
    unseen
        Persons of the rows.
    config
        Settings; ``device`` is that of a torch device.
    """
    device = torch.device(config.device)
    model, card = load_checkpoint(path)
    sampled = choose_evenly(rows, unseen.person, config.max_windows)
    scale, mean_window = _measure_windows(store, card, sampled)
    window_size = store.shape[1] * store.shape[2]
    limit = int(np.clip(STATISTICS_SAMPLES // window_size, 8, STATISTICS_WINDOWS))
    few = choose_evenly(sampled, unseen.person, limit)
    batches = [signals for signals, _ in stream_windows(store, few, device, card)]
    controls: list[nn.Module] = []
    for number in range(config.n_random):
        control = build_control(card, _seed_of(config.seed, number)).to(device)
        estimate_statistics(control, batches)
        controls.append(control)
    return FoldNetworks(
        store=store,
        axes=axes,
        card=card,
        device=device,
        model=freeze_weights(model).to(device),
        controls=tuple(controls),
        rows=rows,
        sampled=sampled,
        person=unseen.person,
        scale=scale,
        mean_window=mean_window.to(device),
    )


def _seed_of(seed: int, number: int) -> int:
    """Return the seed of a control, which no training is likely to have had."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _measure_windows(store: Store, card: ModelCard, rows: Rows) -> tuple[WindowScale, Tensor]:
    """Return the amplitude of windows in both scales, and the mean normalized window."""
    cpu = torch.device("cpu")
    variances: list[Floats] = []
    total = torch.zeros(store.shape[1:], dtype=torch.float64)
    for source in (card, None):
        sums = np.zeros(store.shape[1])
        for signals, _ in stream_windows(store, rows, cpu, source):
            precise = signals.double()
            sums += precise.var(dim=2, correction=0).sum(dim=0).numpy()
            if source is not None:
                total += precise.sum(dim=0)
        variances.append(sums / len(rows))
    scale = WindowScale(np.sqrt(variances[0]), np.sqrt(variances[1]))
    return scale, (total / len(rows)).float()
