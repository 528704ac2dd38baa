"""Serve the page of a pool until an interruption: what it needs is checked, opened and closed."""

from __future__ import annotations

import hashlib
import os
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.annotate.answers import AnswerClass, read_journal, replay
from bids_dl.annotate.asking.exchange import LearnerJob
from bids_dl.annotate.asking.pool import PoolWindows, read_pool
from bids_dl.annotate.asking.questions import Questioner, QuestionSettings
from bids_dl.annotate.asking.trainer import Trainer
from bids_dl.annotate.derivative import Export
from bids_dl.annotate.derivative.folder import check_folder
from bids_dl.annotate.server.answer_log import AnswerLog
from bids_dl.annotate.server.checking.addresses import is_loopback
from bids_dl.annotate.server.class_file import ClassFile, choose_classes, keep_classes
from bids_dl.annotate.server.derivative_writer import DerivativeWriter
from bids_dl.annotate.server.labelling import Labelling
from bids_dl.annotate.server.reading_slots import ReadingSlots
from bids_dl.annotate.server.serving import PageServer, find_address, only_server
from bids_dl.annotate.server.training_rounds import TrainingRounds
from bids_dl.annotate.strategies.registry import find_strategy
from bids_dl.annotate.viewing.signals import Signals
from bids_dl.annotate.viewing.source_matching import open_source_signals
from bids_dl.annotate.viewing.store_signals import StoreSignals
from bids_dl.config.labelling_stage import LabellingConfig
from bids_dl.output import check_outside_store, writing
from bids_dl.store import Store, open_store
from bids_dl.wording import count, join_names

MAX_LISTED = 3  # names and lines in a message
ID_CHARS = 16  # of the hash of a folder
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class CheckedPool:
    """A pool, and the folder of answers about it, before anything is written.

    Attributes
    ----------
    store_url, storage_options
        Path or URL of the pool, and options for its file system.
    store
        The pool.
    windows
        Its windows.
    folder
        Folder of the derivative.
    classes
        Classes of the answers.
    config
        Settings of the user.
    """

    store_url: str
    storage_options: Mapping[str, Any] | None
    store: Store
    windows: PoolWindows
    folder: Path
    classes: ClassFile
    config: LabellingConfig


def serve_page(
    store_url: str,
    config: LabellingConfig,
    *,
    storage_options: Mapping[str, Any] | None = None,
    on_address: Tell,
    on_message: Tell,
) -> Export | None:
    """Serve the page of a pool until an interruption, and write the derivative.

    Parameters
    ----------
    store_url
        Path or URL of the pool.
    config
        Settings of the user.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_address
        Called with the address for the next browser.
    on_message
        Called with one line for people.

    Returns
    -------
    Export or None
        The derivative; None if no answer holds.

    Raises
    ------
    ConfigError
        A setting is wrong, another server runs for the folder, or the address cannot be served.
    StoreError
        There is no finished store.
    ModelError
        The network or the run does not fit the pool.
    SourceError
        A source is no BIDS dataset, or has no recording of the pool.
    """
    pool = check_pool(store_url, config, storage_options=storage_options)
    announce = _Announcement(on_address, opens_browser=not config.no_browser)
    with (
        _open_signals(pool, on_message) as signals,
        own_folder(pool),
        open_labelling(pool, signals, on_message) as (labelling, writer),
    ):
        warn_of_host(config.host, on_message)
        server = PageServer(
            labelling, pool.folder, host=config.host, port=config.port, on_address=announce
        )
        try:
            with server:
                server.wait()
        except KeyboardInterrupt:
            pass  # the way to end the server
        return writer.finish()


def check_pool(
    store_url: str,
    config: LabellingConfig,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> CheckedPool:
    """Check all that can be checked before anything is written.

    Parameters
    ----------
    store_url, config, storage_options
        As for `serve_page`.

    Raises
    ------
    ConfigError, StoreError
        As for `serve_page`.
    ModelError
        The network or the run does not fit the pool.
    """
    find_strategy(config.strategy)
    find_address(config.host)
    folder = _expand(config.labels)
    title = f"--labels {folder}"
    check_folder(folder, title)
    store = open_store(store_url, storage_options=storage_options)
    check_outside_store(title, folder, store.location.folder if store.location.is_local else None)
    windows = read_pool(store)
    file = None if config.classes is None else _expand(config.classes)
    classes = choose_classes(folder, file, replay(read_journal(folder).lines))
    pool = CheckedPool(store_url, storage_options, store, windows, folder, classes, config)
    if config.run_dir is not None or config.model is not None:
        from bids_dl.annotate.asking.preparation import check_learner  # imports torch

        check_learner(store, _make_job(pool))
    return pool


@contextmanager
def open_labelling(
    pool: CheckedPool, signals: Signals, on_message: Tell
) -> Iterator[tuple[Labelling, DerivativeWriter]]:
    """Open the log of a folder, and make all that requests need, inside the context.

    Parameters
    ----------
    pool
        The pool. Its folder must be that of one server only.
    signals
        Samples of its recordings.
    on_message
        Called with one line for people.

    Yields
    ------
    tuple
        What requests need, and the writer of the derivative.
    """
    classes, config = pool.classes.classes, pool.config
    log = AnswerLog(pool.folder)
    for problem in log.problems[:MAX_LISTED]:
        on_message(problem)
    questioner = make_questioner(pool.windows, classes, config)
    for line in log.lines:
        questioner.add_line(line)
    writer = DerivativeWriter(pool.folder, classes, on_message)
    rounds = TrainingRounds(
        questioner, Trainer(_make_job(pool)), on_result=writer.request, on_message=on_message
    )
    slots = ReadingSlots()
    labelling = Labelling(
        title=pool.store.location.name,
        folder_id=hashlib.sha256(str(pool.folder.resolve()).encode()).hexdigest()[:ID_CHARS],
        config=config,
        classes=classes,
        signals=signals,
        log=log,
        questioner=questioner,
        rounds=rounds,
        slots=slots,
    )
    try:
        yield labelling, writer
    finally:
        slots.close()
        log.close()


def make_questioner(
    windows: PoolWindows, classes: tuple[AnswerClass, ...], config: LabellingConfig
) -> Questioner:
    """Make the questions of a pool, without answers.

    Parameters
    ----------
    windows
        Windows of the pool.
    classes
        Classes of an answer.
    config
        Strategy, batch and votes.
    """
    names = tuple(item.name for item in classes)
    settings = QuestionSettings(
        names, strategy=config.strategy, batch=config.batch, votes=config.votes
    )
    return Questioner(windows, settings)


def _make_job(pool: CheckedPool) -> LearnerJob:
    """Return the work of the process of the learner."""
    run_dir = pool.config.run_dir
    return LearnerJob(
        pool.store_url,
        tuple(item.name for item in pool.classes.classes),
        run_dir=None if run_dir is None else _expand(run_dir),
        model=pool.config.model,
        storage_options=pool.storage_options,
    )


@contextmanager
def _open_signals(pool: CheckedPool, on_message: Tell) -> Iterator[Signals]:
    """Open the sources, or take the windows of the pool."""
    config = pool.config
    if not config.sources:
        on_message(
            "the page shows the windows of the pool, after its recipe; name the dataset with "
            "--source to see its recordings"
        )
        with nullcontext(StoreSignals(pool.store)) as from_store:
            yield from_store
        return
    with open_source_signals(
        pool.store, config.sources, fetching=config.fetching, on_message=on_message
    ) as from_source:
        if from_source.missing:
            names = ["/".join(key) for key in from_source.missing]
            on_message(
                f"the sources lack {count(len(names), 'recording')} of the pool: "
                f"{join_names(names, limit=MAX_LISTED)}"
            )
        yield from_source


@contextmanager
def own_folder(pool: CheckedPool) -> Iterator[None]:
    """Create the folder, and keep other servers from it inside the context.

    Parameters
    ----------
    pool
        The pool, with its folder and its classes.

    Raises
    ------
    ConfigError
        The folder cannot be written, or another server runs for it.
    """
    with writing(f"--labels {pool.folder}"):
        (pool.folder / "code").mkdir(parents=True, exist_ok=True)
    with only_server(pool.folder):
        keep_classes(pool.folder, pool.classes)
        yield


def warn_of_host(host: str, on_message: Tell) -> None:
    """Tell that other machines can reach the page, unless the host is loopback.

    Parameters
    ----------
    host
        Address that the server listens at.
    on_message
        Called with the warning.
    """
    if not is_loopback(host):
        on_message(
            f"warning: --host {host} lets other machines reach the page, and nothing is encrypted; "
            "leave it out, and use a tunnel of ssh"
        )


class _Announcement:
    """Gives the addresses to the user, and opens the first one in a browser."""

    def __init__(self, on_address: Tell, *, opens_browser: bool) -> None:
        self._on_address = on_address
        self._opens_browser = opens_browser

    def __call__(self, url: str) -> None:
        self._on_address(url)
        if self._opens_browser:
            self._opens_browser = False
            # in a thread, because a browser of the terminal returns when it is closed
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _expand(path: str) -> Path:
    """Expand ``~``. Unlike `Path.expanduser`, this keeps the name of an unknown user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
