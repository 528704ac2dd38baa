"""Functions on what models have learnt: explain, embed, probe, pretrain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import (
    as_optional_path,
    as_path,
    check_callables,
    check_flags,
    check_texts,
)
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.options import PathLike
from bids_dl.config.pretraining_options import PretrainOptions

if TYPE_CHECKING:
    from bids_dl.embedding import Embeddings
    from bids_dl.explanation.page import WrittenExplanation
    from bids_dl.pretraining import PretrainingResult
    from bids_dl.probing import ProbeResult
    from bids_dl.training import TrainingEvent


@name_arguments
def explain(
    store: PathLike,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[ExplainOptions],
) -> WrittenExplanation:
    """Explain what the networks of a run have learnt, beside controls, and write a page.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_message
        Called with a line about each part of the computation.
    **options
        Options of `bids-dl explain`, of which ``run_dir`` is required; see docs/cli.md.

    Returns
    -------
    WrittenExplanation
        ``page``, the path of the page, and ``explanation``, which has the arrays and the claims.

    Raises
    ------
    bids_dl.errors.ModelError
        The folder is no finished run, or the run does not fit the store.
    bids_dl.errors.ConfigError
        An option is wrong, or the output folder holds other files.

    Examples
    --------
    >>> import bids_dl
    >>> few = {"starts": 2, "steps": 10, "n_random": 2, "max_windows": 24}
    >>> result = bids_dl.explain("eyes.zarr", run_dir="run", device="cpu", **few)
    >>> result.page.name, {claim.part for claim in result.explanation.claims} >= {"gradient"}
    ('explanation.html', True)
    """
    from pathlib import Path

    from bids_dl.config import access_parsing, parsing
    from bids_dl.explanation.explain import explain_run
    from bids_dl.explanation.page import claimed_folder, write_explanation

    check_callables(on_message=on_message)
    access_parsing.check_options(options, ExplainOptions)
    check_texts(split=options.get("split"), device=options.get("device"))
    url = as_path("store", store)
    run_dir = Path(as_path("run_dir", options.get("run_dir")))
    requested = as_optional_path("output", options.get("output"))
    folder = claimed_folder(run_dir, None if requested is None else Path(requested), store=url)
    explanation = explain_run(
        url,
        run_dir,
        parsing.parse_explanation(options),
        storage_options=access_parsing.parse_storage_options(options),
        on_message=on_message or _ignore_message,
    )
    return write_explanation(folder, explanation)


@name_arguments
def embed(
    store: PathLike,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[EmbedOptions],
) -> Embeddings:
    """Compute the features of each window by a layer of a trained network, and write a file.

    The file also has two floors for `probe`: the features of the same network with random weights,
    and log band power.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_message
        Called with one line for each column that the file cannot hold.
    **options
        Options of `bids-dl embed`, of which ``run_dir`` is required; see docs/cli.md.

    Returns
    -------
    Embeddings
        Features, floors, window table, and which persons the network was trained on.

    Raises
    ------
    bids_dl.errors.ModelError
        There is no finished run, or the store does not fit it.
    bids_dl.errors.ConfigError
        The run has several models and ``fold`` names none, there is no such layer, or the file
        exists.

    Examples
    --------
    >>> import bids_dl
    >>> embeddings = bids_dl.embed("eyes.zarr", run_dir="run", output="open.embeddings.zarr")
    >>> embeddings.features.shape, embeddings.band_power.shape
    ((240, 1040), (240, 120))
    """
    from dataclasses import replace
    from pathlib import Path

    from bids_dl.config import access_parsing
    from bids_dl.config.embedding_parsing import parse_embedding
    from bids_dl.embedding import embed_store, write_embeddings
    from bids_dl.embedding.files import check_embedding_file
    from bids_dl.remote.location import Location

    access_parsing.check_options(options, EmbedOptions)
    check_callables(on_message=on_message)
    names = ("split", "layer", "device")
    check_texts(**{name: options.get(name) for name in names})
    overwrite = options.get("overwrite", False)
    check_flags(overwrite=overwrite)
    url = as_path("store", store)
    storage_options = access_parsing.parse_storage_options(options)
    location = Location(url, storage_options or {})
    requested = as_optional_path("output", options.get("output"))
    output = Path(requested or f"{location.name.removesuffix('.zarr')}.embeddings.zarr")
    folder = location.folder if location.is_local else None
    check_embedding_file(output, folder, overwrite=overwrite)
    run_dir = as_path("run_dir", options.get("run_dir"))
    embeddings = embed_store(
        url, run_dir, parse_embedding(options), storage_options=storage_options
    )
    left_out = write_embeddings(embeddings, output)
    report = on_message or _ignore_message
    for column in left_out:
        report(f"{output}: column {column!r} is left out, because an array has its name")
    return replace(embeddings, file=output)


@name_arguments
def probe(
    embeddings: PathLike,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[ProbeOptions],
) -> ProbeResult:
    """Probe embeddings for a target by a linear model on held-out persons, beside two floors.

    Parameters
    ----------
    embeddings
        Path of a file of `embed`.
    on_message
        Called with one line per fold.
    **options
        Options of `bids-dl probe`; see docs/cli.md.

    Returns
    -------
    ProbeResult
        Run folder, metrics and predictions. ``metrics["floors"]`` has the paired tests against
        random weights and log band power.

    Raises
    ------
    bids_dl.errors.StoreError
        The file is no file of embeddings.
    bids_dl.errors.RequestError
        Target, folds or run folder are wrong; nothing was written.

    Examples
    --------
    >>> import bids_dl
    >>> _ = bids_dl.embed("eyes.zarr", run_dir="run", output="eyes.embeddings.zarr")
    >>> result = bids_dl.probe("eyes.embeddings.zarr", folds="loso", run_dir="probed")
    >>> list(result.metrics["floors"])
    ['random_weights', 'band_power']
    """
    from pathlib import Path

    from bids_dl.config import access_parsing
    from bids_dl.config.embedding_parsing import parse_probing
    from bids_dl.probing import probe_embeddings

    access_parsing.check_options(options, ProbeOptions)
    check_callables(on_message=on_message)
    check_texts(device=options.get("device"))
    test = as_optional_path("test", options.get("test"))
    run_dir = as_optional_path("run_dir", options.get("run_dir"))
    return probe_embeddings(
        Path(as_path("embeddings", embeddings)),
        parse_probing(options),
        test=None if test is None else Path(test),
        run_dir=None if run_dir is None else Path(run_dir),
        on_message=on_message or _ignore_message,
    )


@name_arguments
def pretrain(
    store: PathLike,
    *,
    on_event: Callable[[TrainingEvent], None] | None = None,
    **options: Unpack[PretrainOptions],
) -> PretrainingResult:
    """Pretrain a network without labels, by the relative position of windows of a recording.

    Persons of the split train are trained on. Pairs of all other persons are tested. The run folder
    can be given to `embed`, and to `train` as ``init_from``. The same call with the run folder of
    an interrupted pretraining resumes it.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_event
        Called with the events of the training, such as the end of an epoch.
    **options
        Options of `bids-dl pretrain`, of which ``run_dir`` is required; see docs/cli.md.

    Returns
    -------
    PretrainingResult
        Run folder, metrics of the pairs of held-out persons, and history of the epochs.

    Raises
    ------
    bids_dl.errors.RequestError
        A model, option or device is not available, or no recording has near and far windows;
        nothing was written.

    Examples
    --------
    >>> import bids_dl
    >>> options = {"near": 4.0, "far": 10.0, "epochs": 1, "device": "cpu"}
    >>> result = bids_dl.pretrain("eyes.zarr", run_dir="pretrained", **options)
    >>> result.metrics["pairs"]["chance"]
    0.5
    """
    from bids_dl.config import access_parsing
    from bids_dl.config.pretraining_parsing import parse_pretraining
    from bids_dl.pretraining import pretrain_store

    check_callables(on_event=on_event)
    access_parsing.check_options(options, PretrainOptions)
    return pretrain_store(
        as_path("store", store),
        parse_pretraining(options),
        run_dir=as_path("run_dir", options.get("run_dir")),
        storage_options=access_parsing.parse_storage_options(options),
        on_event=on_event or _ignore_event,
    )


def _ignore_event(event: TrainingEvent) -> None:
    """Ignore an event of a training."""


def _ignore_message(text: str) -> None:
    """Ignore a line about the course of a computation."""
