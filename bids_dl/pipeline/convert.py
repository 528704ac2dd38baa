"""Convert sources to a finished store: check the request, begin to start workers, plan and build.

Until workers start, nothing is imported that takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from bids_dl import source
from bids_dl.config.stages import FetchConfig, PipelineConfig, Request
from bids_dl.pipeline.destination import check_can_be_folder, check_outside_sources
from bids_dl.pipeline.existing_store import read_finished_store
from bids_dl.pipeline.outcome import Outcome, Progress, ProgressCallback
from bids_dl.pipeline.packing.licences import with_checked_licences, with_licence_name
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.running.local_workers import WorkerStarter, open_starter
from bids_dl.pipeline.staging import locate_staging
from bids_dl.remote.location import Location
from bids_dl.remote.lock import exclusive_lock
from bids_dl.remote.scratch import remove_abandoned
from bids_dl.requirements import require_module
from bids_dl.startup import paused_collection


def convert_sources(
    sources: Sequence[str],
    dest: str,
    request: Request,
    config: PipelineConfig | None = None,
    fetching: FetchConfig | None = None,
    *,
    on_progress: ProgressCallback | None = None,
) -> Outcome:
    """Convert BIDS datasets into one store.

    The conversion is resumable: it reuses the entries that an interrupted run has staged. A
    finished store of the same plan is left as it is.

    Parameters
    ----------
    sources
        BIDS folders, or addresses of archives.
    dest
        Path or fsspec URL of the store.
    request
        Everything that decides the content of the store.
    config
        Settings of the work, which change no byte of the store.
    fetching
        Access to remote sources.
    on_progress
        Called with the progress of the conversion.

    Raises
    ------
    RequestError
        The request is wrong; nothing was written.
    StoreError
        ``dest`` holds something else, or a store of another plan; nothing was written.
    BidsDlError
        No recording could be converted.

    Examples
    --------
    >>> import tempfile
    >>> from bids_dl.config import parsing
    >>> from bids_dl.demo import sample_folder
    >>> request = parsing.parse_request({"hed": "Eyes-closed", "window": 2, "subject": ["001"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = convert_sources(
    ...         [str(sample_folder())],
    ...         f"{folder}/eyes.zarr",
    ...         request,
    ...         PipelineConfig(scheduler="synchronous"),
    ...     )
    >>> outcome.n_windows, outcome.failures
    (30, ())
    """
    report = on_progress or _ignore_progress
    remove_abandoned()

    def show(message: str) -> None:
        report(Progress("plan", 0, 1, note=message))

    with source.open_access(fetching, on_message=show) as access:
        return _convert(sources, dest, request, config or PipelineConfig(), access, report)


def _convert(
    sources: Sequence[str],
    dest: str,
    request: Request,
    config: PipelineConfig,
    access: source.Access,
    report: ProgressCallback,
) -> Outcome:
    """Convert BIDS datasets into one store, as `convert_sources` does."""
    location = Location(dest if dest.endswith("://") else dest.rstrip("/"), config.storage_options)
    staging = locate_staging(location, config.staging)
    staging.check_owned()
    memory.check_limit(config.memory)
    for place in (location, staging.location):
        check_can_be_folder(place)
        check_outside_sources(place, sources)
    # refuses a DEST that is something else, before planning
    is_finished = read_finished_store(location) is not None and not config.overwrite
    if not is_finished:
        require_module("mne")  # that only workers import
    request = with_licence_name(request)
    report(Progress("plan", 0, 1))
    with _prepare_workers(config, is_needed=not is_finished) as starter:
        # here, because hedtools and zarr take half a second to import, during which workers start
        with paused_collection():
            from bids_dl.pipeline.build import build_or_retry
            from bids_dl.pipeline.running.stage import Conversion
            from bids_dl.planning.plan import make_plan

        plan = with_checked_licences(make_plan(sources, request, access))
        report(Progress("plan", 1, 1))
        conversion = Conversion(plan, location, staging, config, access, report, starter)
        with exclusive_lock(location):
            return build_or_retry(conversion)


@contextmanager
def _prepare_workers(config: PipelineConfig, *, is_needed: bool) -> Iterator[WorkerStarter | None]:
    """Begin to prepare local processes while the conversion is planned."""
    with open_starter() if is_needed and not config.scheduler else nullcontext() as starter:
        yield starter


def _ignore_progress(progress: Progress) -> None:
    """Report no progress."""
