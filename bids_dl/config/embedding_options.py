"""Options of embeddings and probes, declared as in `bids_dl.config.options`."""

from typing import Annotated, Required

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, PathLike
from bids_dl.config.training_options import (
    ClassWeighting,
    DeviceOptions,
    FoldOptions,
    TargetOptions,
)

EMBEDDING = "Model and windows"
PROBE = "Probe"
"""Panels of the help."""


class EmbedOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.embed`."""

    run_dir: Required[
        Annotated[
            PathLike,
            Opt("Run folder of `bids-dl train` or `bids-dl pretrain`.", "FOLDER", EMBEDDING),
        ]
    ]
    fold: Annotated[
        int,
        Opt(
            "Model of the run, counted from 0 as in folds.json; required if the run has several, "
            "because features of different models cannot be compared.",
            "N",
            EMBEDDING,
        ),
    ]
    layer: Annotated[
        str,
        Opt(
            "Layer whose output is the features, as torch names it; default: the input of the last "
            "layer.",
            "NAME",
            EMBEDDING,
        ),
    ]
    split: Annotated[str, Opt("Only the windows of this split.", "NAME", EMBEDDING)]
    random_seeds: Annotated[
        int,
        Opt("Networks with random weights whose features are stored beside.", "N", EMBEDDING),
    ]
    output: Annotated[
        PathLike,
        Opt(
            "File of the embeddings; .parquet needs the extra `parquet`. "
            "Default: STORE.embeddings.zarr.",
            "FILE.zarr|FILE.parquet",
            OUTPUT,
            flags=("--output", "-o"),
        ),
    ]
    overwrite: Annotated[bool, Opt("Replace existing embeddings.", panel=OUTPUT)]


class ProbeOptions(TargetOptions, FoldOptions, DeviceOptions, total=False):
    """Options of `bids_dl.probe`."""

    test: Annotated[
        PathLike,
        Opt(
            "Test on these embeddings of another store, by the same layer of the same model; all "
            "windows of the first are then trained on.",
            "EMBEDDINGS",
            PROBE,
        ),
    ]
    inverse_penalty: Annotated[
        float,
        Opt(
            "C of scikit-learn's LogisticRegression, for the embedding and both floors; default: "
            "for each of them the best on held-out training persons.",
            "C",
            PROBE,
        ),
    ]
    class_weights: Annotated[
        ClassWeighting,
        Opt(
            "Weight classes or labels in the loss by their inverse frequency; default: equally.",
            panel=PROBE,
        ),
    ]
    seed: Annotated[int, Opt("Random seed of the folds.", "N", PROBE)]
    run_dir: Annotated[
        PathLike,
        Opt("New folder of the record; default: runs/STORE-probe-TARGET-SEED.", "FOLDER", OUTPUT),
    ]
