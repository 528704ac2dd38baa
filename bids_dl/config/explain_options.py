"""Options of the explanation of a run, declared as in `bids_dl.config.options`."""

from typing import Annotated, Required

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, PathLike
from bids_dl.config.training_options import DeviceOptions

EXPLANATION = "Explanation"
"""Panel of the help."""


class ExplainOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.explain`."""

    run_dir: Required[
        Annotated[
            PathLike,
            Opt("Run folder of `bids-dl train`.", "FOLDER", EXPLANATION),
        ]
    ]
    split: Annotated[str, Opt("Only the windows of this split.", "NAME", EXPLANATION)]
    top: Annotated[
        int,
        Opt(
            "Persons whose window with the highest output is shown, for each output.",
            "N",
            EXPLANATION,
        ),
    ]
    starts: Annotated[
        int, Opt("Random starts of activation maximization, for each output.", "N", EXPLANATION)
    ]
    steps: Annotated[int, Opt("Steps of activation maximization.", "N", EXPLANATION)]
    n_random: Annotated[
        int,
        Opt(
            "Networks with random weights that each model is compared with.",
            "N",
            EXPLANATION,
            flags=("--random",),
        ),
    ]
    quantile: Annotated[
        float,
        Opt("Share of the samples that the removal analysis removes.", "SHARE", EXPLANATION),
    ]
    max_windows: Annotated[
        int, Opt("Windows of each model for gradients and removal.", "N", EXPLANATION)
    ]
    integration_steps: Annotated[
        int,
        Opt("Steps of integrated gradients, from the mean window.", "N", EXPLANATION),
    ]
    seed: Annotated[int, Opt("Seed of all random numbers.", "N", EXPLANATION)]
    output: Annotated[
        PathLike,
        Opt(
            "Folder to write: new, empty, or of an explanation, which is replaced; "
            "default: explanation in the run folder.",
            "FOLDER",
            OUTPUT,
            flags=("--output", "-o"),
        ),
    ]
