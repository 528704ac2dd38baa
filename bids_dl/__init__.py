"""EEG datasets in BIDS, selected by HED, as one Zarr store that streams into PyTorch.

>>> bids_dl.convert("ds004362", "eyes.zarr", hed={"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"})
>>> stream = bids_dl.StreamingDataset("eyes.zarr", split="train", batch_size=64)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bids_dl.pipeline.convert import Outcome, Progress
    from bids_dl.store import Store, open_store
    from bids_dl.stream import StreamingDataset

__version__ = "0.1.0"
__all__ = ["Store", "StreamingDataset", "convert", "open_store"]

LAZY = {
    "Store": "bids_dl.store",
    "StreamingDataset": "bids_dl.stream",
    "open_store": "bids_dl.store",
}


def convert(
    sources: str | Sequence[str],
    dest: str,
    *,
    say: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Outcome:
    """Convert BIDS datasets into one store: `bids-dl convert` in Python.

    Parameters
    ----------
    sources
        A BIDS folder, or several.
    dest
        Path or fsspec URL of the store.
    say
        Called with the progress.
    **options
        As on the command line, with underscores: ``hed={"eyes_closed": "Eyes-closed"}``, ``window=2``, ``jobs=2``, ...

    Returns
    -------
    Outcome
        What was written and which recordings failed.

    Raises
    ------
    bids_dl.errors.RequestError
        The request is wrong; nothing was written.
    """
    from bids_dl.config import parsing as public
    from bids_dl.pipeline.convert import convert_sources

    wanted, how = public.request(options), public.pipeline_config(options)
    return convert_sources(
        [sources] if isinstance(sources, str) else list(sources), str(dest), wanted, how, say=say
    )


def __getattr__(name: str) -> Any:
    """Import PyTorch and Zarr only when they are asked for."""
    if name not in LAZY:
        raise AttributeError(
            f"module 'bids_dl' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    from importlib import import_module

    return getattr(import_module(LAZY[name]), name)
