"""Functions on models: `train`, `predict` and `list_models`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import as_optional_path, as_path, check_callables, check_texts
from bids_dl.config.options import PathLike
from bids_dl.config.training_options import PredictOptions, TrainOptions

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.models import ModelSpec
    from bids_dl.training import TrainingEvent, TrainingResult


@name_arguments
def train(
    store: PathLike,
    *,
    on_event: Callable[[TrainingEvent], None] | None = None,
    **options: Unpack[TrainOptions],
) -> TrainingResult:
    """Train a network on some persons, test it on others, and write a run folder.

    The same store, options, versions and device give the same numbers; on a CPU, the number of
    threads must be the same too.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_event
        Called with the events of the training, such as the end of an epoch.
    **options
        Options of `bids-dl train`; see docs/cli.md.

    Returns
    -------
    TrainingResult
        Run folder, metrics, predictions of the tested windows, and history of the epochs.

    Raises
    ------
    bids_dl.errors.RequestError
        A model, target, split or device is not available; nothing was written.

    Examples
    --------
    >>> import bids_dl
    >>> result = bids_dl.train("eyes.zarr", epochs=1, device="cpu", run_dir="run")
    >>> result.metrics["classes"], len(result.predictions)
    (['eyes_open', 'eyes_closed'], 60)
    """
    from bids_dl.config import parsing
    from bids_dl.training import train as train_store

    parsing.check_options(options, TrainOptions)
    check_callables(on_event=on_event)
    run_dir = as_optional_path("run_dir", options.get("run_dir"))
    return train_store(
        as_path("store", store),
        parsing.parse_training(options),
        run_dir=run_dir,
        storage_options=parsing.parse_storage_options(options),
        on_event=on_event or _ignore_event,
    )


@name_arguments
def predict(store: PathLike, **options: Unpack[PredictOptions]) -> pd.DataFrame:
    """Predict the class of each window of a store with the models of a run folder.

    Each person is predicted by those models that were not trained on that person; if there are
    none, by all models, and the column ``seen`` is true.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    **options
        Options of `bids-dl predict`, of which ``run_dir`` is required; see docs/cli.md. With
        ``output``, the table is also written as CSV.

    Returns
    -------
    pandas.DataFrame
        One row per window: ``window`` (row of the store), ``dataset``, ``subject``, the target if
        it is known, ``predicted``, the probability ``p_<class>`` of each class, and ``seen``.

    Raises
    ------
    bids_dl.errors.ModelError
        There is no finished run, or it does not fit the store.

    Examples
    --------
    >>> import bids_dl
    >>> table = bids_dl.predict("eyes.zarr", run_dir="run", split="test", device="cpu")
    >>> list(table)[:5]
    ['window', 'dataset', 'subject', 'label', 'predicted']
    """
    from pathlib import Path

    from bids_dl.config import parsing
    from bids_dl.output import check_output, check_outside_store, writing
    from bids_dl.prediction import predict as predict_store

    parsing.check_options(options, PredictOptions)
    check_texts(split=options.get("split"), device=options.get("device"))
    requested = as_optional_path("output", options.get("output"))
    output = None if requested is None else Path(requested)
    if output is not None:
        check_output(f"--output {output}", output)
        check_outside_store(f"--output {output}", output, Path(as_path("store", store)))
    table = predict_store(
        as_path("store", store),
        as_path("run_dir", options.get("run_dir")),
        split=options.get("split"),
        device=options.get("device") or parsing.default_value(PredictOptions, "device"),
        storage_options=parsing.parse_storage_options(options),
    )
    if output is not None:
        with writing(f"--output {output}"):
            table.to_csv(output, index=False, lineterminator="\n")
    return table


@name_arguments
def list_models() -> dict[str, ModelSpec]:
    """List the models that can be trained, by name.

    Returns
    -------
    dict
        Summary, source, required shape of the windows and options of each model.

    Examples
    --------
    >>> import bids_dl
    >>> bids_dl.list_models()["r-scnn"].shape
    (24, 256)
    """
    from bids_dl.models import MODELS

    return dict(MODELS)


def _ignore_event(event: TrainingEvent) -> None:
    """Ignore an event of a training."""
