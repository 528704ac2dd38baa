"""Functions on models: training, comparison, prediction and their list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import (
    as_optional_path,
    as_path,
    as_paths,
    check_callables,
    check_texts,
)
from bids_dl.config.options import PathLike
from bids_dl.config.training_options import CompareOptions, PredictOptions, TrainOptions

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.config.training_stage import TrainConfig
    from bids_dl.models import ModelSpec
    from bids_dl.training import TrainingEvent, TrainingResult
    from bids_dl.training.compare import RunComparison
    from bids_dl.training.variants import Variants


@name_arguments
def train(
    store: PathLike,
    *,
    on_event: Callable[[TrainingEvent], None] | None = None,
    **options: Unpack[TrainOptions],
) -> TrainingResult:
    """Train a network, test it on windows that it has not seen, and write a run folder.

    The same store, options, versions and device give the same numbers; on a CPU, the number of
    threads must be the same too. The same call with the run folder of an interrupted training
    resumes it.

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
        A model, target, split, option or device is not available; nothing was written.

    Examples
    --------
    >>> import bids_dl
    >>> result = bids_dl.train("eyes.zarr", epochs=1, device="cpu", run_dir="run")
    >>> result.metrics["outputs"], len(result.predictions)
    (['eyes_open', 'eyes_closed'], 60)
    """
    from bids_dl.training import train as train_store

    check_callables(on_event=on_event)
    config, run_dir, storage_options = _parse_training(options)
    return train_store(
        as_path("store", store),
        config,
        run_dir=run_dir,
        storage_options=storage_options,
        on_event=on_event or _ignore_event,
    )


@name_arguments
def train_variants(
    store: PathLike,
    *,
    on_event: Callable[[TrainingEvent], None] | None = None,
    **options: Unpack[TrainOptions],
) -> Variants:
    """Train a network with several values of its options or shares of the persons, and compare.

    Each combination of values is a run in a folder of its own. Finished runs are not repeated.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_event
        Called with the events of all trainings.
    **options
        Options of `bids-dl train`, of which ``model_options`` has lists of values, or
        ``train_fraction`` several shares.

    Returns
    -------
    Variants
        Run folder of each combination, their comparison with the first one, and the learning curve
        over the training persons if only their share varies.

    Raises
    ------
    bids_dl.errors.RequestError
        As in `train`.

    Examples
    --------
    >>> import bids_dl
    >>> options = {"model_options": {"n_filters": [4, 8]}, "epochs": 1, "device": "cpu"}
    >>> variants = bids_dl.train_variants("eyes.zarr", run_dir="variants", **options)
    >>> list(variants.run_dirs)
    ['n_filters=4', 'n_filters=8']
    """
    from bids_dl.training.variants import train_variants as train_all

    check_callables(on_event=on_event)
    config, run_dir, storage_options = _parse_training(options)
    return train_all(
        as_path("store", store),
        config,
        run_dir=run_dir,
        storage_options=storage_options,
        on_event=on_event or _ignore_event,
    )


@name_arguments
def compare(
    runs: PathLike | Sequence[PathLike], **options: Unpack[CompareOptions]
) -> RunComparison:
    """Compare finished runs with the first one by paired tests over persons.

    The runs must have the same target. The band-power baseline of the first run is compared like a
    run of its own, so that a single run is compared with its baseline.

    Parameters
    ----------
    runs
        Run folders of `train`.
    **options
        Options of `bids-dl compare`; see docs/cli.md. With ``output``, the table is also written as
        CSV.

    Returns
    -------
    RunComparison
        ``rows``, one per run, and ``warnings``. Its ``table`` is a pandas.DataFrame.

    Raises
    ------
    bids_dl.errors.ModelError
        A folder is no finished run, or the runs have different targets or no common person.
    bids_dl.errors.ConfigError
        The metric is unknown, or a run is given twice.

    Examples
    --------
    >>> import bids_dl
    >>> comparison = bids_dl.compare(["run"])
    >>> [row.model for row in comparison.rows]
    ['shallow-fbcsp', 'band-power']
    """
    from pathlib import Path

    from bids_dl.config import access_parsing
    from bids_dl.output import check_output, writing
    from bids_dl.training.compare import compare_runs

    access_parsing.check_options(options, CompareOptions)
    check_texts(metric=options.get("metric"))
    requested = as_optional_path("output", options.get("output"))
    output = None if requested is None else Path(requested)
    if output is not None:
        check_output(f"--output {output}", output, suffixes=[".csv"])
    comparison = compare_runs(as_paths("runs", runs), metric=options.get("metric"))
    if output is not None:
        with writing(f"--output {output}"):
            comparison.table.to_csv(output, index=False, lineterminator="\n")
    return comparison


@name_arguments
def predict(store: PathLike, **options: Unpack[PredictOptions]) -> pd.DataFrame:
    """Predict the target of each window of a store with the models of run folders.

    Each person is predicted by those models that were not trained on that person; if there are
    none, by all models, and the column ``seen`` is true. The predictions of several runs are
    averaged.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    **options
        Options of `bids-dl predict`, of which ``run_dir``, a run folder or a list of them, is
        required; see docs/cli.md. With ``output``, the table is also written as CSV. With
        ``write_annotations``, detections are also written as a BIDS derivative.

    Returns
    -------
    pandas.DataFrame
        One row per window: ``window`` (row of the store), ``dataset``, ``subject``, ``session``,
        ``run``, ``recording``, ``block``, ``onset``, the columns of the target if the store has
        them, ``predicted`` for classes and numbers, ``p_<class>`` or ``p_<column>`` for classes,
        shares and labels, and ``seen``.

    Raises
    ------
    bids_dl.errors.ModelError
        There is no finished run, a run does not fit the store, or runs have different targets.

    Examples
    --------
    >>> import bids_dl
    >>> table = bids_dl.predict("eyes.zarr", run_dir="run", split="test", device="cpu")
    >>> list(table)[-5:]
    ['label', 'predicted', 'p_eyes_open', 'p_eyes_closed', 'seen']
    """
    from pathlib import Path

    from bids_dl.config import access_parsing, option_stages
    from bids_dl.config.annotation_parsing import parse_detections
    from bids_dl.output import check_output, check_outside_store, writing
    from bids_dl.prediction import predict as predict_store

    access_parsing.check_options(options, PredictOptions)
    detections = parse_detections(options)
    if detections is not None:
        from bids_dl.annotate.derivative.detections import annotate_predictions, check_detections

        check_detections(detections)
        folder = Path(str(detections.write_annotations))
        check_outside_store(f"--write-annotations {folder}", folder, Path(as_path("store", store)))
    check_texts(split=options.get("split"), device=options.get("device"))
    requested = as_optional_path("output", options.get("output"))
    output = None if requested is None else Path(requested)
    if output is not None:
        check_output(f"--output {output}", output)
        check_outside_store(f"--output {output}", output, Path(as_path("store", store)))
    table = predict_store(
        as_path("store", store),
        as_paths("run_dir", options.get("run_dir")),
        split=options.get("split"),
        device=options.get("device") or option_stages.default_value(PredictOptions, "device"),
        storage_options=access_parsing.parse_storage_options(options),
    )
    if output is not None:
        with writing(f"--output {output}"):
            table.to_csv(output, index=False, lineterminator="\n")
    if detections is not None:
        from bids_dl.store import open_store

        storage_options = access_parsing.parse_storage_options(options)
        opened = open_store(as_path("store", store), storage_options=storage_options)
        run_dirs = as_paths("run_dir", options.get("run_dir"))
        annotate_predictions(table, opened, run_dirs, detections)
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


def _parse_training(
    options: TrainOptions,
) -> tuple[TrainConfig, str | None, dict[str, Any] | None]:
    """Return settings, run folder and storage options of a training."""
    from bids_dl.config import access_parsing, parsing

    model = options.get("model")
    if callable(model):
        from bids_dl.models.adapters.imported import name_of

        options["model"] = name_of(model)
    merged = parsing.merge_training_file(options)
    run_dir = as_optional_path("run_dir", merged.get("run_dir"))
    config = parsing.parse_training(merged)
    if config.init_from is not None and "model" in merged:
        _check_source(config)
    return config, run_dir, access_parsing.parse_storage_options(merged)


def _check_source(config: TrainConfig) -> None:
    """Refuse a requested model, even the default one, that the run to begin with does not have."""
    from bids_dl.training.source_run import check_model, find_source

    source = find_source(config)
    if source is not None:
        check_model(config.model, source)


def _ignore_event(event: TrainingEvent) -> None:
    """Ignore an event of a training."""
