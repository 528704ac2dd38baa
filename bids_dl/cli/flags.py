"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

SELECTION, WINDOWS, CONVERSION, OUTPUT = "Selection", "Windows", "Conversion", "Output"

Sources = Annotated[list[str], Argument(metavar="SOURCE", help="BIDS folders.", show_default=False)]
StoreUrl = Annotated[
    str,
    Argument(
        metavar="STORE",
        help="A store: a path or any fsspec URL (s3://, https://, ...).",
        show_default=False,
    ),
]
StorageOption = Annotated[
    list[str] | None,
    Option(
        metavar="KEY=VALUE", help="An option of the file system of a URL, as in fsspec; repeatable."
    ),
]
Json = Annotated[bool, Option("--json", help="Print one JSON object.", rich_help_panel=OUTPUT)]

Hed = Annotated[
    list[str] | None,
    Option(
        metavar="[NAME=]QUERY",
        help="A HED query, one class each; repeatable.",
        rich_help_panel=SELECTION,
        show_default=False,
    ),
]
Until = Annotated[
    list[str] | None,
    Option(
        metavar="[LABEL=]next|QUERY|SECONDS", help="Where a block ends.", rich_help_panel=SELECTION
    ),
]
Trim = Annotated[
    list[str] | None,
    Option(
        metavar="[LABEL=]S[,S]",
        help="Seconds to drop at the start and the end of each block.",
        rich_help_panel=SELECTION,
    ),
]
Within = Annotated[
    list[str] | None,
    Option(
        metavar="[LABEL=]FROM,TO",
        help="The part of each block to keep, in s from its start.",
        rich_help_panel=SELECTION,
    ),
]
MinDuration = Annotated[
    list[str] | None,
    Option(metavar="[LABEL=]SECONDS", help="Shortest block to keep.", rich_help_panel=SELECTION),
]
Exclude = Annotated[
    list[str] | None,
    Option(
        metavar="[LABEL=]QUERY",
        help="Leave out rows that match, and what overlaps one; repeatable.",
        rich_help_panel=SELECTION,
    ),
]
During = Annotated[
    list[str] | None,
    Option(
        metavar="[LABEL=]QUERY",
        help="Keep what begins while this state holds (Onset to Offset, or Duration).",
        rich_help_panel=SELECTION,
    ),
]
Around = Annotated[
    tuple[str, float] | None,
    Option(
        metavar="[LABEL=]QUERY SECONDS",
        help="Keep what lies within so many seconds of a match.",
        rich_help_panel=SELECTION,
    ),
]
Overlap = Annotated[
    str | None,
    Option(
        metavar="error|first|each",
        help="When stretches of two labels overlap.",
        rich_help_panel=SELECTION,
    ),
]
Subject = Annotated[
    list[str] | None, Option(help="Only this subject; repeatable.", rich_help_panel=SELECTION)
]
Session = Annotated[
    list[str] | None, Option(help="Only this session; repeatable.", rich_help_panel=SELECTION)
]
Task = Annotated[
    list[str] | None, Option(help="Only this task; repeatable.", rich_help_panel=SELECTION)
]
Run = Annotated[
    list[str] | None, Option(help="Only this run; repeatable.", rich_help_panel=SELECTION)
]
HedVersion = Annotated[
    str | None,
    Option(help="Schema version, instead of the dataset's HEDVersion.", rich_help_panel=SELECTION),
]
HedSchemaDir = Annotated[
    str | None,
    Option(help="Folder of schemas that hedtools does not ship.", rich_help_panel=SELECTION),
]
HedStrict = Annotated[
    bool | None,
    Option(
        "--hed-strict",
        help="Problems in the HED annotations are errors.",
        rich_help_panel=SELECTION,
    ),
]

Window = Annotated[
    float | None,
    Option(metavar="SECONDS", help="Length of sliding windows.", rich_help_panel=WINDOWS),
]
Stride = Annotated[
    float | None,
    Option(metavar="SECONDS", help="Distance of two sliding windows.", rich_help_panel=WINDOWS),
]
Tmin = Annotated[
    float | None,
    Option(
        metavar="SECONDS",
        help="Start of event-locked windows, from the event.",
        rich_help_panel=WINDOWS,
    ),
]
Tmax = Annotated[
    float | None,
    Option(
        metavar="SECONDS",
        help="End of event-locked windows, from the event.",
        rich_help_panel=WINDOWS,
    ),
]

Recipe = Annotated[
    str | None,
    Option(
        metavar="NAME|FILE",
        help="Preprocessing: `bids-dl recipes` lists them.",
        rich_help_panel=CONVERSION,
    ),
]
Set = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="STEP.PARAMETER=VALUE",
        help="Change the recipe; repeatable.",
        rich_help_panel=CONVERSION,
    ),
]
Split = Annotated[
    str | None,
    Option(
        metavar="F,F,F|COLUMN",
        help="Shares of train, validation, test, or a column of participants.tsv.",
        rich_help_panel=CONVERSION,
    ),
]
Seed = Annotated[int | None, Option(help="Seed of the split.", rich_help_panel=CONVERSION)]
Dtype = Annotated[
    str | None,
    Option(
        metavar="float32|int16",
        help="How samples are stored; int16 takes a third of the space.",
        rich_help_panel=CONVERSION,
    ),
]
Jobs = Annotated[
    int | None,
    Option(help="Worker processes; one per core by default.", rich_help_panel=CONVERSION),
]
Memory = Annotated[
    str | None,
    Option(
        metavar="SIZE",
        help="What all workers may take together, such as 8GB; 80 % of what is free by default.",
        rich_help_panel=CONVERSION,
    ),
]
Scheduler = Annotated[
    str | None,
    Option(
        metavar="ADDRESS",
        help="A Dask scheduler to use, such as tcp://host:8786.",
        rich_help_panel=CONVERSION,
    ),
]
Staging = Annotated[
    str | None,
    Option(
        metavar="URL",
        help="Where preprocessed recordings wait to be packed.",
        rich_help_panel=CONVERSION,
    ),
]
Overwrite = Annotated[
    bool | None, Option("--overwrite", help="Replace a finished store.", rich_help_panel=CONVERSION)
]
Plot = Annotated[
    str | None,
    Option(
        metavar="FILE.png",
        help="Draw the first recording that matches, with its blocks.",
        rich_help_panel=OUTPUT,
    ),
]
Config = Annotated[
    str | None,
    Option(
        metavar="FILE.yaml",
        help="Any of these options; those given here win.",
        rich_help_panel=CONVERSION,
    ),
]

TRAINING = "Training"

Model = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help="`bids-dl models` lists them; default shallow-fbcsp.",
        rich_help_panel=TRAINING,
    ),
]
Target = Annotated[
    str | None,
    Option(
        metavar="COLUMN",
        help="Column of the store to learn; default label.",
        rich_help_panel=TRAINING,
    ),
]
Folds = Annotated[
    str | None,
    Option(
        metavar="loso|K",
        help="Cross-validate by person: leave one out, or K folds. Default: the splits of the store.",
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[int | None, Option(help="Largest number of epochs.", rich_help_panel=TRAINING)]
Patience = Annotated[
    int | None,
    Option(
        help="Stop after so many epochs without a better validation loss; default: train all epochs.",
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[int | None, Option(help="Windows of a step.", rich_help_panel=TRAINING)]
Optimizer = Annotated[
    str | None, Option(metavar="adamw|adamax|adam", help="Optimizer.", rich_help_panel=TRAINING)
]
LearningRate = Annotated[
    float | None, Option("--lr", help="Learning rate.", rich_help_panel=TRAINING)
]
WeightDecay = Annotated[float | None, Option(help="Weight decay.", rich_help_panel=TRAINING)]
Normalize = Annotated[
    str | None,
    Option(
        metavar="window|recording|training|none",
        help="What windows are scaled by.",
        rich_help_panel=TRAINING,
    ),
]
TrainSeed = Annotated[
    int | None, Option("--seed", help="Seed of weights, order and folds.", rich_help_panel=TRAINING)
]
Device = Annotated[
    str | None,
    Option(metavar="auto|cuda|mps|cpu", help="Where to compute.", rich_help_panel=TRAINING),
]
Precision = Annotated[
    str | None,
    Option(
        metavar="auto|float32|bfloat16|float16", help="Mixed precision.", rich_help_panel=TRAINING
    ),
]
DropMissing = Annotated[
    bool | None,
    Option("--drop-missing", help="Leave out windows without a target.", rich_help_panel=TRAINING),
]
ClassWeights = Annotated[
    str | None,
    Option(metavar="inverse", help="Weigh classes by inverse frequency.", rich_help_panel=TRAINING),
]
ModelOption = Annotated[
    list[str] | None,
    Option(
        metavar="OPTION=VALUE", help="An option of the model; repeatable.", rich_help_panel=TRAINING
    ),
]
RunFolder = Annotated[
    str | None,
    Option(
        "--run",
        metavar="FOLDER",
        help="Where the run goes. Default: runs/STORE-MODEL-SEED.",
        rich_help_panel=OUTPUT,
    ),
]
