"""Options of simulated active learning, declared as in `bids_dl.config.options`."""

from collections.abc import Sequence
from typing import Annotated, Literal

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, Assignments, PathLike
from bids_dl.config.training_options import COMPUTATION, DeviceOptions

SIMULATION = "Questions and answers"
LEARNER = "Learner"
"""Panels of the help."""

CurveMetric = Literal["auto", "average_precision", "balanced_accuracy"]


class SimulateOptions(DeviceOptions, AccessOptions, total=False):
    """Options of `bids_dl.simulate`."""

    target: Annotated[
        str,
        Opt("Column of the store with the classes that the expert knows.", "COLUMN", SIMULATION),
    ]
    drop_missing: Annotated[bool, Opt("Leave out windows without a target.", panel=SIMULATION)]
    strategy: Annotated[
        str | Sequence[str],
        Opt(
            "Strategies to compare with random: mixture, random, entropy, margin, committee, "
            "k-centre, typical, likeliest.",
            "NAME[,NAME]",
            SIMULATION,
            str,
        ),
    ]
    seeds: Annotated[
        int, Opt("Repetitions, with other test people and other first answers.", "N", SIMULATION)
    ]
    seed: Annotated[int, Opt("First of these random seeds.", "N", SIMULATION)]
    batch: Annotated[int, Opt("Answers between two trainings.", "N", SIMULATION)]
    budget: Annotated[int, Opt("Answers in all.", "N", SIMULATION)]
    test: Annotated[
        str | float,
        Opt(
            "Share of the people who are held out and tested, drawn for each seed; split: those of "
            "the split test of the store.",
            "SHARE|split",
            SIMULATION,
            str,
        ),
    ]
    metric: Annotated[
        CurveMetric,
        Opt(
            "Metric of the held-out people; auto: average precision of the rarest class if it is "
            "rare, else balanced accuracy.",
            panel=SIMULATION,
        ),
    ]
    leave_one_patient_out: Annotated[
        bool,
        Opt(
            "Take each person as a new patient: train on the others, adapt by answers about the "
            "patient, and test on the patient's last 40 % of the windows.",
            panel=SIMULATION,
        ),
    ]
    answers: Annotated[
        str | Sequence[int],
        Opt(
            "Numbers of answers about the new patient, after which the learner is tested.",
            "N[,N]",
            SIMULATION,
            str,
        ),
    ]
    automatic: Annotated[
        bool,
        Opt(
            "Run each strategy again with automatic labels of half weight, and report their gain.",
            panel=SIMULATION,
        ),
    ]
    model: Annotated[
        str,
        Opt(
            "Network to train after each batch; `bids-dl models` lists them. Default: logistic "
            "regression on features of the windows, which takes seconds.",
            "NAME",
            LEARNER,
        ),
    ]
    model_options: Annotated[
        Assignments,
        Opt(
            "Option of the model; repeatable. Several values (kernel=3,5) give several curves.",
            "OPTION=VALUE",
            LEARNER,
            flags=("--model-option",),
        ),
    ]
    epochs: Annotated[int, Opt("Epochs of each training of the network.", "N", LEARNER)]
    jobs: Annotated[int, Opt("Processes that share the seeds; default: 1.", "N", COMPUTATION)]
    output: Annotated[
        PathLike,
        Opt(
            "New or empty folder; default: simulations/STORE-TARGET-SEED.",
            "FOLDER",
            OUTPUT,
            flags=("--output", "-o"),
        ),
    ]
