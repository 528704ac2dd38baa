"""Pack staged recordings into the arrays and documents of a store, in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Failure
from bids_dl.errors import DamagedEntryError
from bids_dl.pipeline.packing.attributes import (
    build_attributes,
    quantization_attributes,
    recordings_document,
    verified_document,
)
from bids_dl.pipeline.packing.columns import WindowRow, all_columns
from bids_dl.pipeline.packing.licences import read_licence_files
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.staging_entry import StagedRecording
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.sharing import card
from bids_dl.store import writer
from bids_dl.store.format import DROPOUT, ROOT, SIGNALS, VERIFIED, digest, to_json
from bids_dl.store.signals.quantization import MagnitudeHistogram, Quantizer, choose_resolution


@dataclass(frozen=True, slots=True)
class MissingRecordings:
    """Recordings of a plan without a window in the store.

    Attributes
    ----------
    failures
        Recordings that failed.
    without_windows
        Recordings of which the recipe dropped all windows.
    """

    failures: Sequence[Failure]
    without_windows: Sequence[StagedRecording]


def pack(
    plan: Plan,
    staged: Sequence[StagedRecording],
    staging: Staging,
    dest: Location,
    *,
    missing: MissingRecordings,
    on_progress: Callable[[int], None],
    stage_again: Callable[[StagedRecording], None] | None = None,
) -> int:
    """Write a store and return the number of its windows.

    Parameters
    ----------
    staged
        Recordings with windows, in the order of the store.
    missing
        The other recordings of the plan, for the documents.
    on_progress
        Called with the number of windows written since the last call.
    stage_again
        Called with a recording whose staged windows are damaged or gone, at most once for each. It
        stages the same windows again.

    Raises
    ------
    StoreError
        The samples do not fit the requested data type (nothing was written), or another
        conversion writes to ``dest``.
    DamagedEntryError
        Staged windows are damaged or gone.
    """
    rows = _window_rows(plan, staged)
    shape = (len(rows), plan.spec.n_chans, plan.n_times)
    quantizers: dict[str, Quantizer] = {}
    if plan.request.store.dtype == "int16":
        quantizers = _make_quantizers(staged)
    if dest.exists(ROOT):
        writer.mark_unfinished(dest)
    store = writer.StoreWriter.create(dest, digest(plan.identity))
    writer.write_signals(
        store,
        shape,
        _read_batches(staged, staging, quantizers, stage_again),
        plan.request.store,
        resolution=next((quantizer.resolution for quantizer in quantizers.values()), None),
        on_progress=on_progress,
    )
    arrays = [SIGNALS]
    if plan.recipe.writes_dropout_mask:
        masks = _dropout_masks(staged, shape)
        writer.write_dropout_mask(store, shape, masks, plan.request.store)
        arrays.append(DROPOUT)
    columns = all_columns(plan, staged, rows)
    writer.write_columns(store, columns)
    arrays += [column.name for column in columns]
    attributes = build_attributes(plan, rows, missing.failures)
    if quantizers:
        attributes |= quantization_attributes(list(quantizers.values()))
    documents = card.build_documents(
        {**attributes, "content": store.content}, shape, store.objects, read_licence_files(plan)
    )
    clipped = {}
    if quantizers:
        clipped = {item.recording.key: quantizers[item.key].clipped for item in staged}
    processed = [*staged, *missing.without_windows]
    documents["plan.json"] = to_json(plan.identity)
    documents["recordings.json"] = to_json(recordings_document(plan, processed, clipped))
    if verified := verified_document(processed):
        documents[VERIFIED] = to_json(verified)
    writer.finish(store, attributes, arrays, documents)
    return len(rows)


def _window_rows(plan: Plan, staged: Sequence[StagedRecording]) -> list[WindowRow]:
    """List the windows of a store in order."""
    rows = []
    for recording, _, entry in staged:
        planned = plan.windows[recording.key]
        rows += [WindowRow(recording, planned[number]) for number in entry.kept]
    return rows


def _make_quantizers(staged: Sequence[StagedRecording]) -> dict[str, Quantizer]:
    """Make a quantizer for each entry, by its key.

    All have one resolution, chosen from the magnitudes counted while the windows were staged.

    Raises
    ------
    StoreError
        The samples do not fit int16.
    """
    histogram = MagnitudeHistogram.empty()
    deviations: list[float] = []
    for item in staged:
        histogram.counts += np.array(item.entry.magnitudes, dtype=np.int64)
        deviations += item.entry.std
    resolution = choose_resolution(histogram, deviations)
    return {item.key: Quantizer(resolution) for item in staged}


def _read_batches(
    staged: Sequence[StagedRecording],
    staging: Staging,
    quantizers: Mapping[str, Quantizer],
    stage_again: Callable[[StagedRecording], None] | None,
) -> Iterator[npt.NDArray[Any]]:
    """Yield the staged windows in order, quantized for an int16 store."""
    for item in staged:
        for batch in _read_windows(item, staging, stage_again):
            yield quantizers[item.key](batch) if quantizers else batch


def _read_windows(
    item: StagedRecording,
    staging: Staging,
    stage_again: Callable[[StagedRecording], None] | None,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the windows of an entry. If they are damaged or gone, they are staged again, once."""
    n_read = 0
    try:
        for batch in staging.read_windows(item.key):
            n_read += len(batch)
            yield batch
    except DamagedEntryError:
        if stage_again is None:
            raise
    else:
        return
    stage_again(item)
    yield from staging.read_windows(item.key, n_read)


def _dropout_masks(
    staged: Sequence[StagedRecording], shape: tuple[int, int, int]
) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield the dropout masks of all windows in order."""
    for item in staged:
        yield from item.entry.dropout_masks(shape[1:])
