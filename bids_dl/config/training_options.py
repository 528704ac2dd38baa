"""Options of training, comparison and prediction, declared as in `bids_dl.config.options`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Required, TypedDict

from bids_dl.config.annotation_options import DetectionOptions
from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, Assignments, FileOptions, PathLike

TRAINING = "Target and model"
FOLDS = "Split"
OPTIMIZATION = "Optimization"
COMPUTATION = "Computation"
PREDICTION = "Prediction"
COMPARISON = "Comparison"
"""Panels of the help."""

TargetKind = Literal["classes", "number", "shares", "labels"]
VoteUnit = Literal["subject", "session", "recording", "block"]
Loss = Literal["huber", "mse"]
Schedule = Literal["constant", "cosine"]
Normalization = Literal["auto", "window", "recording", "training", "none"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
ClassWeighting = Literal["inverse"]
Logger = Literal["tensorboard"]
Frozen = Literal["trunk", "middle"]
ChannelRule = Literal["match", "interpolate"]


class DeviceOptions(TypedDict, total=False):
    """Computation of a model."""

    device: Annotated[str, Opt("Device of the computation.", "auto|cuda|mps|cpu", COMPUTATION)]


class TargetOptions(TypedDict, total=False):
    """Choice of the target and of its unit of vote."""

    target: Annotated[
        str | Sequence[str],
        Opt(
            "Column of the store to predict; several columns: repeat it, or use a pattern such as "
            "'votes_*'.",
            "COLUMN",
            TRAINING,
        ),
    ]
    target_kind: Annotated[
        TargetKind,
        Opt("Kind of the target; default: by the values of its columns.", panel=TRAINING),
    ]
    vote_by: Annotated[
        VoteUnit,
        Opt(
            "Unit whose windows vote together; default: subject if each person has one value of "
            "the target, else block.",
            panel=TRAINING,
        ),
    ]
    drop_missing: Annotated[bool, Opt("Leave out windows without a target.", panel=TRAINING)]


class FoldOptions(TypedDict, total=False):
    """Choice of the windows to train on and to test on."""

    folds: Annotated[
        str | int,
        Opt(
            "Test on other people: leave one person out, or K folds. Test on the same people: "
            "their other sessions, runs or recordings, or their later windows. "
            "Default: the splits of the store.",
            "loso|K|session|run|recording|time",
            FOLDS,
            str,
        ),
    ]
    gap: Annotated[
        float,
        Opt("Signal left out between training and test, with --folds time.", "SECONDS", FOLDS),
    ]
    stratify: Annotated[
        str, Opt("Balance this column of the store over the folds.", "COLUMN", FOLDS)
    ]
    train_fraction: Annotated[
        float | Sequence[float] | str,
        Opt(
            "Train on this share of the training persons; several shares are trained one after "
            "the other, and compared.",
            "SHARE[,SHARE]",
            FOLDS,
            str,
        ),
    ]
    where: Annotated[
        str | Sequence[str] | Mapping[str, Any],
        Opt(
            "Only windows with these values in a column of the store; repeatable.",
            "COLUMN=VALUE[,VALUE]|LOW..HIGH",
            FOLDS,
            list[str],
        ),
    ]


class OptimizationOptions(TypedDict, total=False):
    """Optimization of the weights."""

    epochs: Annotated[int, Opt("Maximum number of epochs.", "N", OPTIMIZATION)]
    patience: Annotated[
        int,
        Opt(
            "Epochs without a better validation before training stops and the best weights are "
            "restored; default: all epochs, last weights.",
            "N",
            OPTIMIZATION,
        ),
    ]
    monitor: Annotated[
        str,
        Opt(
            "Validation loss or metric that --patience watches, such as balanced_accuracy.",
            "METRIC",
            OPTIMIZATION,
        ),
    ]
    batch_size: Annotated[int, Opt("Windows per batch, of all processes.", "N", OPTIMIZATION)]
    optimizer: Annotated[
        str, Opt("Optimizer of torch.optim, such as adamw, adam or sgd.", "NAME", OPTIMIZATION)
    ]
    optimizer_options: Annotated[
        Assignments,
        Opt(
            "Option of the optimizer, such as momentum=0.9; repeatable.",
            "OPTION=VALUE",
            OPTIMIZATION,
            flags=("--optimizer-option",),
        ),
    ]
    lr: Annotated[float, Opt("Learning rate.", "RATE", OPTIMIZATION)]
    weight_decay: Annotated[float, Opt("Weight decay.", "DECAY", OPTIMIZATION)]
    warmup: Annotated[
        float, Opt("Epochs of linear increase of the learning rate.", "EPOCHS", OPTIMIZATION)
    ]
    schedule: Annotated[Schedule, Opt("Learning rate after the warm-up.", panel=OPTIMIZATION)]
    min_lr: Annotated[
        float, Opt("Learning rate at the end of the schedule cosine.", "RATE", OPTIMIZATION)
    ]
    clip: Annotated[
        float, Opt("Maximum norm of the gradient; default: no limit.", "NORM", OPTIMIZATION)
    ]
    ema: Annotated[
        float,
        Opt(
            "Evaluate and keep the exponential moving average of the weights, such as 0.999.",
            "DECAY",
            OPTIMIZATION,
        ),
    ]
    loss: Annotated[Loss, Opt("Loss of a target that is a number.", panel=OPTIMIZATION)]
    class_weights: Annotated[
        ClassWeighting,
        Opt(
            "Weight classes or labels in the loss by their inverse frequency; default: equally.",
            panel=OPTIMIZATION,
        ),
    ]
    label_smoothing: Annotated[
        float, Opt("Share of the target spread evenly over all classes.", "SHARE", OPTIMIZATION)
    ]
    augment: Annotated[
        Assignments,
        Opt(
            "Random change of training windows, and its probability for each window, such as "
            "time_mask=0.1 or mixup=0.2; repeatable.",
            "OPERATION=PROBABILITY",
            OPTIMIZATION,
            flags=("--augment",),
        ),
    ]
    seed: Annotated[int, Opt("Random seed of weights, order and folds.", "N", OPTIMIZATION)]
    seeds: Annotated[
        int,
        Opt(
            "Train with this many seeds, and report the spread of their results.",
            "N",
            OPTIMIZATION,
        ),
    ]


class ComputationOptions(DeviceOptions, total=False):
    """Computation of a training."""

    precision: Annotated[Precision, Opt("Precision of the computation.", panel=COMPUTATION)]
    compile: Annotated[bool, Opt("Compile the model with torch.compile.", panel=COMPUTATION)]
    threads: Annotated[
        int, Opt("Threads of the computation on a CPU; default: of torch.", "N", COMPUTATION)
    ]
    workers: Annotated[
        int,
        Opt("Processes that read windows; 0 reads in threads of this one.", "N", COMPUTATION),
    ]


class TrainOptions(
    TargetOptions,
    FoldOptions,
    OptimizationOptions,
    ComputationOptions,
    AccessOptions,
    FileOptions,
    total=False,
):
    """Options of `bids_dl.train`."""

    model: Annotated[
        str | Callable[..., Any],
        Opt(
            "Architecture; `bids-dl models` lists them. MODULE:CLASS is one of your own; in "
            "Python, also the class itself.",
            "NAME",
            TRAINING,
            str,
        ),
    ]
    model_options: Annotated[
        Assignments,
        Opt(
            "Option of the model; repeatable.", "OPTION=VALUE", TRAINING, flags=("--model-option",)
        ),
    ]
    weights: Annotated[
        PathLike,
        Opt(
            "Begin with the weights of a .safetensors or .pth file, or with those of the Hugging "
            "Face hub; only the latter uses the internet.",
            "FILE|pretrained",
            TRAINING,
        ),
    ]
    init_from: Annotated[
        PathLike,
        Opt(
            "Begin with the weights of a run folder, or of one of its files; architecture and "
            "options are those of the run. The last layer is new if the target is another.",
            "RUN",
            TRAINING,
        ),
    ]
    channels: Annotated[
        ChannelRule,
        Opt(
            "Channels of --init-from that the store lacks: refuse the store, or interpolate them "
            "from its other channels.",
            panel=TRAINING,
        ),
    ]
    freeze: Annotated[
        Frozen,
        Opt(
            "Keep layers as they are: all but the last, or all but the first and the last.",
            panel=TRAINING,
        ),
    ]
    normalize: Annotated[
        Normalization,
        Opt(
            "Normalization of the windows; auto: that of the model's publication, else by "
            "recording if a recording has several classes, else by the training windows.",
            panel=TRAINING,
        ),
    ]
    run_dir: Annotated[
        PathLike,
        Opt(
            "Run folder, new or of the same training, which is then resumed; "
            "default: runs/STORE-MODEL-SEED.",
            "FOLDER",
            OUTPUT,
            former="--run",
        ),
    ]
    checkpoint_minutes: Annotated[
        float, Opt("Minutes between checkpoints within an epoch.", "MINUTES", OUTPUT)
    ]
    log: Annotated[Logger, Opt("Log the numbers of each epoch for TensorBoard.", panel=OUTPUT)]


class PredictOptions(DeviceOptions, AccessOptions, DetectionOptions, total=False):
    """Options of `bids_dl.predict`."""

    run_dir: Required[
        Annotated[
            PathLike | Sequence[PathLike],
            Opt(
                "Run folder of `bids-dl train`; repeatable: predictions are averaged.",
                "FOLDER",
                PREDICTION,
                list[str],
                former="--run",
            ),
        ]
    ]
    split: Annotated[str, Opt("Only the windows of this split.", "NAME", PREDICTION)]
    output: Annotated[
        PathLike,
        Opt(
            "Table to write; default: standard output.",
            "FILE.csv",
            OUTPUT,
            flags=("--output", "-o"),
        ),
    ]


class CompareOptions(TypedDict, total=False):
    """Options of `bids_dl.compare`."""

    metric: Annotated[
        str,
        Opt("Metric to compare; default: the first one of the target.", "NAME", COMPARISON),
    ]
    output: Annotated[
        PathLike,
        Opt("Table to write as CSV.", "FILE.csv", OUTPUT, flags=("--output", "-o")),
    ]
