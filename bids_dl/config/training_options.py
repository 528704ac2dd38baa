"""Options of training and prediction, declared as in `bids_dl.config.options`."""

from typing import Annotated, Literal, Required, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, Assignments, PathLike

TRAINING = "Training"
"""Panel of the help."""

Optimizer = Literal["adamw", "adamax", "adam"]
Normalization = Literal["window", "recording", "training"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
ClassWeighting = Literal["inverse"]


class DeviceOptions(TypedDict, total=False):
    """Computation of a model."""

    device: Annotated[str, Opt("Device of the computation.", "auto|cuda|mps|cpu", TRAINING)]


class TrainOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.train`."""

    model: Annotated[str, Opt("Architecture; `bids-dl models` lists them.", "NAME", TRAINING)]
    model_options: Annotated[
        Assignments,
        Opt(
            "Option of the model; repeatable.", "OPTION=VALUE", TRAINING, flags=("--model-option",)
        ),
    ]
    target: Annotated[str, Opt("Column of the store to predict.", "COLUMN", TRAINING)]
    folds: Annotated[
        str | int,
        Opt(
            "Cross-validation over persons: leave one person out, or K folds; "
            "default: the splits of the store.",
            "loso|K",
            TRAINING,
            str,
        ),
    ]
    stratify: Annotated[
        str, Opt("Balance this column of the store over the folds.", "COLUMN", TRAINING)
    ]
    epochs: Annotated[int, Opt("Maximum number of epochs.", "N", TRAINING)]
    patience: Annotated[
        int, Opt("Epochs without a lower validation loss before training stops.", "N", TRAINING)
    ]
    batch_size: Annotated[int, Opt("Windows per batch.", "N", TRAINING)]
    optimizer: Annotated[Optimizer, Opt("Optimizer.", panel=TRAINING)]
    lr: Annotated[float, Opt("Learning rate.", "RATE", TRAINING)]
    weight_decay: Annotated[float, Opt("Weight decay.", "DECAY", TRAINING)]
    normalize: Annotated[
        Literal["window", "recording", "training", "none"],
        Opt("Normalization of the windows.", panel=TRAINING),
    ]
    drop_missing: Annotated[bool, Opt("Leave out windows without a target.", panel=TRAINING)]
    class_weights: Annotated[ClassWeighting, Opt("Weight of classes in the loss.", panel=TRAINING)]
    seed: Annotated[int, Opt("Random seed of weights, order and folds.", "N", TRAINING)]
    precision: Annotated[Precision, Opt("Precision of the computation.", panel=TRAINING)]
    run_dir: Annotated[
        PathLike,
        Opt("New run folder; default: runs/STORE-MODEL-SEED.", "FOLDER", OUTPUT, former="--run"),
    ]


class PredictOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.predict`."""

    run_dir: Required[
        Annotated[
            PathLike, Opt("Run folder of `bids-dl train`.", "FOLDER", TRAINING, former="--run")
        ]
    ]
    split: Annotated[str, Opt("Only the windows of this split.", "NAME", TRAINING)]
    output: Annotated[
        PathLike,
        Opt(
            "Table to write; default: standard output.",
            "FILE.csv",
            OUTPUT,
            flags=("--output", "-o"),
        ),
    ]
