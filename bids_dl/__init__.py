"""EEG datasets in BIDS, selected by HED, as one Zarr store that streams into PyTorch.

Everything that the command line does is a function here, with the same options:

>>> import bids_dl
>>> queries = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
>>> bids_dl.convert("ds004362", "eyes.zarr", hed=queries, window=2)  # doctest: +SKIP
>>> bids_dl.StreamingDataset("eyes.zarr", split="train", batch_size=64)  # doctest: +SKIP
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bids_dl.api import (
    catalogue,
    compare,
    convert,
    embed,
    events,
    explain,
    export,
    export_annotations,
    find,
    info,
    label,
    list_models,
    list_recipes,
    make_sidecar,
    predict,
    pretrain,
    probe,
    pull,
    push,
    read_catalogue,
    report,
    simulate,
    train,
    train_variants,
    verify,
)

if TYPE_CHECKING:
    from bids_dl.store import Store, open_store
    from bids_dl.stream import StreamingDataset, WindowDataset

__version__ = "0.1.0"
__all__ = [
    "Store",
    "StreamingDataset",
    "WindowDataset",
    "catalogue",
    "compare",
    "convert",
    "embed",
    "events",
    "explain",
    "export",
    "export_annotations",
    "find",
    "info",
    "label",
    "list_models",
    "list_recipes",
    "make_sidecar",
    "open_store",
    "predict",
    "pretrain",
    "probe",
    "pull",
    "push",
    "read_catalogue",
    "report",
    "simulate",
    "train",
    "train_variants",
    "verify",
]

_LAZY = {
    "Store": "bids_dl.store",
    "StreamingDataset": "bids_dl.stream",
    "WindowDataset": "bids_dl.stream",
    "open_store": "bids_dl.store",
}
_SUBMODULES = frozenset(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> Any:
    """Import a class that needs PyTorch or Zarr, or a submodule, when it is first used."""
    if name in _LAZY:
        try:
            return getattr(import_module(_LAZY[name]), name)
        except ModuleNotFoundError as error:
            from bids_dl.requirements import missing_package

            missing = missing_package(error)
            if missing is None:
                raise
            raise missing from error
    if name in _SUBMODULES:
        return import_module(f"bids_dl.{name}")
    raise AttributeError(f"module 'bids_dl' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    """List the public names and the submodules, whether they are imported or not."""
    return sorted({*__all__, *_SUBMODULES, "__version__"} - {"__main__"})
