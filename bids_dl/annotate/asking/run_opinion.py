"""Predictions and embeddings of the windows of a pool by a run of `bids_dl.training.train`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.asking.exchange import LearnerJob, Probabilities
from bids_dl.datamodel import Person
from bids_dl.embedding.extraction import extract_features
from bids_dl.errors import ConfigError
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.models.compute import pick_device
from bids_dl.models.features import FeatureExtractor
from bids_dl.models.target import TargetSpec
from bids_dl.prediction import (
    FoldWeights,
    check_runs,
    check_store,
    predict,
    read_folds,
    stream_rows,
)
from bids_dl.store import Store
from bids_dl.stream import Batch
from bids_dl.wording import join_names

VOTES = "votes_"  # before the class in the outputs of a run that learnt shares of votes


def match_classes(spec: TargetSpec, classes: tuple[str, ...], run_dir: Path) -> tuple[str, ...]:
    """Return the output of a run for each class of the answers.

    Parameters
    ----------
    spec
        Target of the run.
    classes
        Names of the classes, without ``unsure``.
    run_dir
        Run folder, for the message.

    Raises
    ------
    ConfigError
        The run predicts no classes or shares, or others.

    Examples
    --------
    >>> spec = TargetSpec("votes_*", "shares", ("a", "b"), ("votes_spike", "votes_background"))
    >>> match_classes(spec, ("background", "spike"), Path("run"))
    ('votes_background', 'votes_spike')
    """
    outputs = {name.removeprefix(VOTES): name for name in spec.outputs}
    if spec.kind not in ("classes", "shares") or set(outputs) != set(classes):
        raise ConfigError(
            f"--run-dir {run_dir}: predicts {spec.kind} ({join_names(spec.outputs)}), but the "
            f"answers have the classes {join_names(classes)}; use a run or a classes file with the "
            "same classes"
        )
    return tuple(outputs[name] for name in classes)


def check_run(store: Store, run_dir: Path, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Check that a run fits a pool and the classes, before anything is computed.

    Parameters
    ----------
    store, run_dir, classes
        Pool, run folder and names of the classes.

    Returns
    -------
    tuple of str
        The output of the run for each class.

    Raises
    ------
    ConfigError, ModelError
        The folder is not a complete run, or does not fit the pool or the classes.
    """
    folds = read_folds(run_dir)
    spec = check_runs(store, {run_dir: folds})
    outputs = match_classes(spec, classes, run_dir)
    for fold in folds:
        check_store(store, load_checkpoint(fold.path)[1], run_dir, by_name=True)
    return outputs


def predict_windows(store: Store, job: LearnerJob) -> Probabilities:
    """Return the probabilities of all windows by the models of a run.

    Parameters
    ----------
    store, job
        Pool, and a job with a run.

    Raises
    ------
    ConfigError, ModelError
        As for `check_run`.
    """
    run_dir = _run_dir(job)
    outputs = check_run(store, run_dir, job.classes)
    table = predict(job.store_url, run_dir, device=job.device, storage_options=job.storage_options)
    columns = [table[f"p_{name}"].to_numpy(np.float32) for name in outputs]
    return np.stack(columns, axis=1)


def embed_windows(
    store: Store, job: LearnerJob, on_progress: Callable[[int, int], None]
) -> npt.NDArray[np.float32]:
    """Return the features of all windows by one model of a run, before its last layer.

    Of several models, it is the one that was trained on the fewest people of the pool.

    Parameters
    ----------
    store, job
        Pool, and a job with a run.
    on_progress
        Called with the number of windows that are done, and of all.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_features).
    """
    device = pick_device(job.device)
    model, card = load_checkpoint(_choose_fold(store, read_folds(_run_dir(job))).path)
    extractor = FeatureExtractor(model).to(device)
    rows = np.arange(len(store))
    stream = _report(stream_rows(store, card, np.ones(len(store), bool)), len(store), on_progress)
    [features] = extract_features(stream, rows, [extractor], device)
    return features


def _choose_fold(store: Store, folds: list[FoldWeights]) -> FoldWeights:
    """Return the model that has seen the fewest people of the pool, the first of them."""
    table = store.table[["dataset", "subject"]].drop_duplicates()
    people: set[Person] = set()
    for dataset, subject in table.itertuples(index=False):
        people.add((str(dataset), str(subject)))
    return min(folds, key=lambda fold: len(fold.seen & people))


def _report(
    stream: Iterable[Batch], n_windows: int, on_progress: Callable[[int, int], None]
) -> Iterator[Batch]:
    """Yield the batches of a stream, and report them."""
    n_done = 0
    for batch in stream:
        yield batch
        n_done += len(batch.index)
        on_progress(n_done, n_windows)


def _run_dir(job: LearnerJob) -> Path:
    if job.run_dir is None:
        raise ConfigError("the job names no run")
    return job.run_dir
