"""A network as the learner: trained anew after each batch of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from bids_dl.annotate.learning.learner import Answers, Predictor
from bids_dl.annotate.strategies.pool import Floats, Integers, Rows
from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.compute import pick_device, pick_precision
from bids_dl.models.target_columns import TargetValues
from bids_dl.models.target_decoding import decode
from bids_dl.prediction import BATCH_SIZE
from bids_dl.store import Store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.training.fitting import Compute, Data, Fitting
from bids_dl.training.loop import evaluate_windows, fit, reproducible
from bids_dl.training.metrics import make_monitor
from bids_dl.training.model_choice import choose_model, make_card
from bids_dl.training.objectives import make_objective
from bids_dl.training.scaling import choose_normalization
from bids_dl.training.variants import expand_options

TRAIN_BATCH = 16  # windows, so that ten answers give a step and 200 give 13


@dataclass(frozen=True, slots=True, eq=False)
class NetworkLearner:
    """A network of the zoo, or one of your own.

    Parameters
    ----------
    store, config
        Store, and settings of a training.
    card
        Description of the model.
    compute
        Device and precision.
    """

    store: Store
    config: TrainConfig
    card: ModelCard
    compute: Compute

    def learn(self, answers: Answers, seed: int) -> Predictor:
        """Train the network from its initial weights. Weights of answers are not supported."""
        device = self.compute.device
        with reproducible(seed, device):
            model = self.fit(self.card.build().to(device), answers, seed)
        return self.make_predictor(model)

    def fit(self, model: nn.Module, answers: Answers, seed: int) -> nn.Module:
        """Train a network in place, and return the one that is kept."""
        rows = np.unique(answers.rows)
        classes = np.zeros(len(self.store), np.int64)  # of other windows they are never read
        classes[answers.rows] = answers.classes
        spec = self.card.target
        objective = make_objective(spec, self.config, classes[rows], self.compute.device)
        data = Data(
            self._stream(rows, classes, seed=seed),
            lambda rows: self._stream(rows, classes),
            None,
            spec,
            objective,
            make_monitor("loss", spec),
        )
        fitting = Fitting(model, data, self.config, self.compute)
        fit(fitting)
        return fitting.evaluated

    def make_predictor(self, model: nn.Module) -> Predictor:
        """Return the function that applies a trained network to rows of the store."""

        def predict(rows: Rows) -> Floats:
            ordered = np.unique(rows)
            outputs = evaluate_windows(model, self.stream_rows, ordered, self.compute)
            decoded = np.asarray(
                decode(self.card.target, outputs.outputs.numpy()), dtype=np.float64
            )
            return decoded[np.searchsorted(ordered, rows)]

        return predict

    def stream_rows(self, rows: Rows) -> StreamingDataset:
        """Stream rows of the store in their order, with a target that is of no use."""
        return self._stream(rows, np.zeros(len(self.store), np.int64))

    def _stream(
        self, rows: Rows, classes: Integers, *, seed: int | None = None
    ) -> StreamingDataset:
        """Stream windows with their classes, shuffled if a seed is given."""
        mask = np.zeros(len(self.store), bool)
        mask[rows] = True
        is_training = seed is not None
        return StreamingDataset(
            self.store,
            where=mask,
            target=classes,
            normalize=self.card.stream_normalize,
            batch_size=TRAIN_BATCH if is_training else BATCH_SIZE,
            shuffle=is_training,
            seed=seed or 0,
            rank=0,
            world_size=1,
        )


def make_training(
    model: str, model_options: Mapping[str, Any], *, epochs: int, device: str, target: str = "label"
) -> TrainConfig:
    """Return the settings of the trainings of a network on a few answers.

    Parameters
    ----------
    model, model_options
        Name of the network, and its options.
    epochs
        Epochs of each training.
    device
        Device, as in ``torch.device`` or ``"auto"``.
    target
        Name of the target, for messages.
    """
    return TrainConfig(
        model=model,
        model_options=dict(model_options),
        target=(target,),
        epochs=epochs,
        batch_size=TRAIN_BATCH,
        class_weights="inverse",
        device=device,
    )


def choose_networks(
    store: Store, training: TrainConfig, target: TargetValues
) -> Mapping[str, NetworkLearner]:
    """Return the learner of each combination of option values, by name.

    Parameters
    ----------
    store
        The store.
    training
        Settings, as `make_training` returns them.
    target
        Classes of all windows, which give the normalization by training windows, if any.

    Raises
    ------
    ConfigError, ModelError
        There is no such model or option, or the model does not accept the windows.
    """
    device = pick_device(training.device)
    compute = Compute(device, pick_precision("float32", device))
    learners: dict[str, NetworkLearner] = {}
    for name, variant in expand_options(training).items():
        model = choose_model(variant, store)
        known = ~target.is_missing
        scaling = choose_normalization(variant, model.spec, store.table, known, target.values)
        card = make_card(model, variant, store, target.spec, scaling.normalize)
        card.build()  # refuses wrong options before the first training
        title = f"{training.model} {name}".strip()
        learners[title] = NetworkLearner(store, variant, card, compute)
    return learners


def scale_network(learner: NetworkLearner, rows: Rows) -> NetworkLearner:
    """Return a learner whose normalization by training windows, if any, is that of rows."""
    if learner.card.normalize != "training":
        return learner
    is_training = np.zeros(len(learner.store), bool)
    is_training[rows] = True
    mean, std = training_statistics([learner.store], learner.store.table, is_training)
    card = replace(learner.card, mean=tuple(map(float, mean)), std=tuple(map(float, std)))
    return replace(learner, card=card)
