"""Functions of active learning: simulate, label, and export answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import (
    as_optional_path,
    as_path,
    check_callables,
    check_flags,
    check_texts,
)
from bids_dl.config.labelling_options import LabellingOptions
from bids_dl.config.options import PathLike
from bids_dl.config.simulation_options import SimulateOptions
from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    from bids_dl.annotate.derivative import Export
    from bids_dl.annotate.simulation import Simulation


@name_arguments
def simulate(
    pool: PathLike,
    *,
    on_progress: Callable[[str, int, int], None] | None = None,
    **options: Unpack[SimulateOptions],
) -> Simulation:
    """Compare strategies of active learning, with the classes of a store as the expert.

    A learner is trained after each batch of answers, and tested on people who are held out. All
    strategies of a seed share these people and the first, random questions.

    Parameters
    ----------
    pool
        Path or fsspec URL of a store whose classes are known.
    on_progress
        Called with a stage, the number that is done, and the number of all.
    **options
        Options of `bids-dl simulate`; see docs/cli.md.

    Returns
    -------
    Simulation
        Folder, curves, and a summary with areas and paired differences to asking at random.

    Raises
    ------
    bids_dl.errors.TargetError
        The target is no class, or the people cannot be divided so that both sides have all classes.
    bids_dl.errors.ConfigError
        An option is wrong, or the folder holds files.

    Examples
    --------
    >>> import bids_dl
    >>> result = bids_dl.simulate("eyes.zarr", seeds=2, budget=30, output="simulation")
    >>> result.description["metric"]["name"], result.summary["strategy"].tolist()
    ('balanced_accuracy', ['random', 'margin', 'mixture'])
    """
    from pathlib import Path

    from bids_dl.annotate.simulation import simulate_store
    from bids_dl.config import access_parsing
    from bids_dl.config.simulation_parsing import parse_simulation

    check_callables(on_progress=on_progress)
    access_parsing.check_options(options, SimulateOptions)
    names = ("target", "model", "metric", "device")
    check_texts(**{name: options.get(name) for name in names})
    flags = ("automatic", "drop_missing", "leave_one_patient_out")
    check_flags(**{name: options.get(name) or False for name in flags})
    output = as_optional_path("output", options.get("output"))
    return simulate_store(
        as_path("pool", pool),
        parse_simulation(options),
        output=None if output is None else Path(output),
        storage_options=access_parsing.parse_storage_options(options),
        on_progress=on_progress or _ignore_progress,
    )


@name_arguments
def label(
    pool: PathLike,
    *,
    on_address: Callable[[str], None] | None = None,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[LabellingOptions],
) -> Export | None:
    """Serve a page on which experts answer about the windows of a pool, until Ctrl-C.

    Answers are on the disk before the page shows them as kept. A learner is trained after each
    batch of answers, in a process of its own, and chooses the next windows. The derivative is
    written after each training and at the end. A script that calls this function needs
    ``if __name__ == "__main__":``, because that process imports it.

    Parameters
    ----------
    pool
        Path or fsspec URL of a store, as ``bids-dl convert --whole`` writes it.
    on_address
        Called with the address for the next browser; each admits one. None prints it.
    on_message
        Called with one line for people about the course of the server.
    **options
        Options of `bids-dl label`; see docs/cli.md.

    Returns
    -------
    Export or None
        The derivative that was written at the end; None without an answer.

    Raises
    ------
    bids_dl.errors.NoMatchError
        ``export`` is True, and there is no answer.
    bids_dl.errors.ConfigError
        An option is wrong, another server runs for the folder, or the address cannot be served.
    bids_dl.errors.StoreError
        There is no finished store.
    bids_dl.errors.SourceError
        A source is no BIDS dataset, or has no recording of the pool.

    Examples
    --------
    >>> from pathlib import Path
    >>> import bids_dl
    >>> from bids_dl.annotate.answers import Journal
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> Journal(Path("kept")).append(example_answer(label="spike"))
    True
    >>> [file.name for file in bids_dl.label("eyes.zarr", labels="kept", export=True).files]
    ['sub-01_task-rest_desc-labels_events.tsv']
    """
    from pathlib import Path

    from bids_dl.annotate.derivative import export_annotations as export_folder
    from bids_dl.config import access_parsing
    from bids_dl.config.labelling_parsing import parse_labelling

    check_callables(on_address=on_address, on_message=on_message)
    access_parsing.check_options(options, LabellingOptions)
    config = parse_labelling(options)
    url = as_path("pool", pool)
    if config.export:
        return export_folder(Path(config.labels).expanduser())
    from bids_dl.annotate.server import serve_page

    return serve_page(
        url,
        config,
        storage_options=access_parsing.parse_storage_options(options),
        on_address=on_address or _print_address,
        on_message=on_message or _ignore_message,
    )


@name_arguments
def export_annotations(
    folder: PathLike,
    *,
    classes: PathLike | None = None,
    unsure: Literal["half", "none"] = "half",
) -> Export:
    """Rewrite the BIDS derivative of a folder from its log of answers.

    The log, ``code/answers.jsonl``, is only read. Equal logs give equal bytes. Answers about
    several datasets are written to a folder for each, named like the dataset.

    Parameters
    ----------
    folder
        Folder of the derivative, with the log in it.
    classes
        YAML file with the HED of the classes, such as
        ``spike: {hed: "Epileptiform-interictal-activity, Spike"}``. None reads
        ``code/classes.yaml`` of the folder; without that file, the classes are the labels of the
        answers, with ``Label/<class>`` as their HED.
    unsure
        Votes of an expert who is unsure: ``"half"`` a vote for every class, or ``"none"``.

    Returns
    -------
    Export
        Folder, files, items with their votes, and the lines of the log that were ignored.

    Raises
    ------
    bids_dl.errors.NoMatchError
        There is no log, or no answer in it holds.
    bids_dl.errors.ConfigError
        The log or the classes cannot be read, an answer has an unknown class, or the folder is
        another dataset or cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> import bids_dl
    >>> from bids_dl.annotate.answers import Journal
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> Journal(Path("answered")).append(example_answer(label="spike"))
    True
    >>> export = bids_dl.export_annotations("answered")
    >>> [file.name for file in export.files], export.items[0].label
    (['sub-01_task-rest_desc-labels_events.tsv'], 'spike')
    """
    from pathlib import Path

    from bids_dl.annotate.answers import load_classes
    from bids_dl.annotate.derivative import export_annotations as export_folder

    if unsure not in ("half", "none"):
        raise ConfigError(f"unsure={unsure!r}: expected 'half' or 'none'")
    path = Path(as_path("folder", folder)).expanduser()
    file = as_optional_path("classes", classes)
    loaded = None if file is None else load_classes(Path(file).expanduser())
    return export_folder(path, loaded, unsure=unsure)


def _print_address(url: str) -> None:
    """Print the address of a page. It is not masked, because its token is what the user needs."""
    import sys

    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _ignore_message(text: str) -> None:
    """Ignore a line about the course of a server."""


def _ignore_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress of a simulation."""
