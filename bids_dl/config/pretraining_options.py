"""Options of pretraining without labels, declared as in `bids_dl.config.options`."""

from typing import Annotated, Required

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, Assignments, PathLike
from bids_dl.config.training_options import (
    COMPUTATION,
    OPTIMIZATION,
    DeviceOptions,
    Normalization,
    Precision,
)

PRETRAINING = "Model and pairs"
"""Panel of the help."""


class PretrainOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.pretrain`."""

    model: Annotated[
        str, Opt("Architecture; `bids-dl models` lists them.", "NAME", PRETRAINING, str)
    ]
    model_options: Annotated[
        Assignments,
        Opt(
            "Option of the model; repeatable.",
            "OPTION=VALUE",
            PRETRAINING,
            flags=("--model-option",),
        ),
    ]
    near: Annotated[
        float,
        Opt(
            "Largest distance of the onsets of near windows; default: two windows.",
            "SECONDS",
            PRETRAINING,
        ),
    ]
    far: Annotated[
        float,
        Opt(
            "Distance of onsets that far windows exceed; default: thirty windows.",
            "SECONDS",
            PRETRAINING,
        ),
    ]
    normalize: Annotated[
        Normalization,
        Opt(
            "Normalization of the windows; auto: that of the model's publication, else by "
            "recording.",
            panel=PRETRAINING,
        ),
    ]
    epochs: Annotated[int, Opt("Number of epochs.", "N", OPTIMIZATION)]
    batch_size: Annotated[int, Opt("Pairs of windows per batch.", "N", OPTIMIZATION)]
    lr: Annotated[float, Opt("Learning rate.", "RATE", OPTIMIZATION)]
    seed: Annotated[int, Opt("Random seed of weights, pairs and order.", "N", OPTIMIZATION)]
    precision: Annotated[Precision, Opt("Precision of the computation.", panel=COMPUTATION)]
    run_dir: Required[
        Annotated[
            PathLike,
            Opt(
                "Run folder, new or of the same pretraining, which is then resumed.",
                "FOLDER",
                OUTPUT,
            ),
        ]
    ]
    checkpoint_minutes: Annotated[
        float, Opt("Minutes between checkpoints within an epoch.", "MINUTES", OUTPUT)
    ]
