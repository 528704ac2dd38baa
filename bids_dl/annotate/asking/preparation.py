"""The learner before its first round: features of the pool, and the model of a run if one is given.

It runs in the process of the learner.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.annotate.asking.exchange import LearnerJob, Probabilities
from bids_dl.annotate.asking.pool import PoolWindows, read_pool
from bids_dl.annotate.asking.run_opinion import check_run, embed_windows, predict_windows
from bids_dl.annotate.learning.features import (
    find_components,
    make_features,
    measure_windows,
    standardize,
)
from bids_dl.annotate.learning.learner import Learner, LogisticLearner
from bids_dl.annotate.learning.network import NetworkLearner, choose_networks, make_training
from bids_dl.annotate.strategies.pool import Floats
from bids_dl.errors import ConfigError, TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_columns import TargetValues
from bids_dl.store import Store, open_store
from bids_dl.store.description import describe_content
from bids_dl.wording import count

OnProgress = Callable[[int, int], None]
"""Function of the number of windows that are measured, and of all."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedLearner:
    """A learner and the pool that it is for.

    Attributes
    ----------
    windows
        The pool.
    classes
        Names of the classes.
    features
        (n_windows, n_features): features that strategies compare, 0 for unusable windows.
    is_usable
        (n_windows,): False for windows with NaN or infinite samples.
    learner
        Learner, for numbers of usable windows.
    first
        Opinion of a run on all windows, None without a run.
    identity
        What determines a model beside the answers, for its hash.
    messages
        Lines for people.
    """

    windows: PoolWindows
    classes: tuple[str, ...]
    features: Floats
    is_usable: npt.NDArray[np.bool_]
    learner: Learner
    first: Probabilities | None
    identity: str
    messages: tuple[str, ...] = field(default=())

    def hash_model(self, answers: Sequence[tuple[str, str]], seed: int) -> str:
        """Return the hash of the model that some answers give.

        Parameters
        ----------
        answers
            Ids and labels. Without answers, it is the model of the run.
        seed
            Seed of the questions and of the learner.
        """
        text = json.dumps([self.identity, list(answers), seed])
        return hashlib.sha256(text.encode()).hexdigest()


def prepare_learner(
    job: LearnerJob, *, on_progress: OnProgress = lambda *_: None
) -> PreparedLearner:
    """Measure the windows of a pool, or embed them by a run, and make the learner.

    Parameters
    ----------
    job
        Pool and learner.
    on_progress
        Called with the number of windows that are done, and of all.

    Raises
    ------
    StoreError
        There is no finished store.
    ConfigError, ModelError
        The run or the network does not fit the pool or the classes.
    TargetError
        No window can be used.
    """
    store = open_store(job.store_url, storage_options=job.storage_options)
    windows = read_pool(store)
    first = None
    if job.run_dir is None:
        values = measure_windows(store, on_progress)
    else:
        first = predict_windows(store, job)
        values = embed_windows(store, job, on_progress)
    is_usable = _find_usable(values, first)
    if first is not None:
        first[~is_usable] = np.nan
    messages = _check_usable(is_usable, store.location.name)
    values[~is_usable] = 0
    rows = np.flatnonzero(is_usable & ~windows.is_test).astype(np.int64)
    if job.run_dir is None:
        features = learned = make_features(values, rows)
    else:
        learned = standardize(values, rows)
        features = find_components(learned, rows)
    features[~is_usable] = 0
    learner: Learner = LogisticLearner(learned, len(job.classes))
    if job.model is not None:
        learner = make_network(store, job)
    return PreparedLearner(
        windows, job.classes, features, is_usable, learner, first, _identify(store, job), messages
    )


def check_learner(store: Store, job: LearnerJob) -> None:
    """Check that a run and a network fit a pool and the classes. No signals are read.

    Parameters
    ----------
    store, job
        Pool and learner.

    Raises
    ------
    ConfigError, ModelError
        The run or the network does not fit, or there is none.
    """
    if job.run_dir is not None:
        check_run(store, job.run_dir, job.classes)
    if job.model is not None:
        make_network(store, job)


def make_network(store: Store, job: LearnerJob) -> NetworkLearner:
    """Return the network of a job.

    Parameters
    ----------
    store, job
        Pool, and a job with a model.

    Raises
    ------
    ConfigError, ModelError
        There is no such network or option, an option has several values, or the network does not
        accept the windows.
    """
    training = make_training(
        str(job.model), job.model_options, epochs=job.epochs, device=job.device
    )
    varied = np.arange(len(store), dtype=np.int64) % 2  # labels vary within recordings
    spec = TargetSpec("label", "classes", ("label",), job.classes)
    target = TargetValues(spec, varied, np.zeros(len(store), bool))
    networks = choose_networks(store, training, target)
    if len(networks) > 1:
        raise ConfigError(
            f"--model {job.model}: the options give {count(len(networks), 'network')}; name one "
            "value of each option"
        )
    return next(iter(networks.values()))


def limit_threads() -> None:
    """Leave one core of the machine to the page."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))


def _find_usable(
    values: npt.NDArray[np.float32], first: Probabilities | None
) -> npt.NDArray[np.bool_]:
    """Return the windows (n_windows,) whose values and first opinion are finite."""
    is_usable = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if first is not None:
        is_usable &= np.isfinite(first).all(axis=1)
    return np.asarray(is_usable, dtype=np.bool_)


def _check_usable(is_usable: npt.NDArray[np.bool_], name: str) -> tuple[str, ...]:
    """Return a message about windows that cannot be used, and refuse a pool of such windows."""
    n_wrong = int((~is_usable).sum())
    if n_wrong == len(is_usable):
        raise TargetError(
            f"{name}: all {count(n_wrong, 'window')} have NaN or infinite samples; convert the "
            "recordings again"
        )
    if not n_wrong:
        return ()
    text = "has" if n_wrong == 1 else "have"
    return (
        f"{n_wrong} of {count(len(is_usable), 'window')} {text} NaN or infinite samples and "
        "are not asked about",
    )


def _identify(store: Store, job: LearnerJob) -> str:
    """Return what determines a model beside the answers: content, settings, weights of the run."""
    settings: dict[str, Any] = asdict(job)
    for name in ("store_url", "storage_options", "run_dir", "device"):
        del settings[name]
    weights = [] if job.run_dir is None else _hash_weights(job.run_dir)
    content = [store.attributes.get("content"), describe_content(store), settings, weights]
    return json.dumps(content, sort_keys=True, default=str)


def _hash_weights(run_dir: Path) -> list[str]:
    """Return the SHA-256 of each checkpoint of a run."""
    from bids_dl.prediction import read_folds

    hashes = []
    for fold in read_folds(run_dir):
        with fold.path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashes
