"""Features of the windows of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor

from bids_dl.embedding.contents import Features
from bids_dl.errors import ConfigError
from bids_dl.stream import Batch, to_device
from bids_dl.wording import count, format_size

Extractor = Callable[[Tensor], Tensor]
"""Function from signals (batch, n_chans, n_times) to features (batch, n_features)."""
FLOAT32_BYTES = 4


def extract_features(
    stream: Iterable[Batch],
    rows: npt.NDArray[np.int64],
    extractors: Sequence[Extractor],
    device: torch.device,
) -> list[Features]:
    """Compute the features of several extractors in one pass over a stream.

    Parameters
    ----------
    stream
        Batches of the windows, in any order.
    rows
        (n_windows,): rows of the store in the stream, ascending.
    extractors
        Functions on ``device``.
    device
        Device of the computation.

    Returns
    -------
    list of numpy.ndarray
        Of each extractor, (n_windows, n_features) float32 in the order of ``rows``.

    Raises
    ------
    ConfigError
        The features do not fit into the memory.

    Examples
    --------
    >>> from bids_dl.stream import StreamingDataset
    >>> stream = StreamingDataset("eyes.zarr", batch_size=100)
    >>> means = extract_features(
    ...     stream, np.arange(240), [lambda x: x.mean(dim=2)], torch.device("cpu")
    ... )
    >>> means[0].shape
    (240, 24)
    """
    results: list[Features] = []
    with torch.inference_mode():
        for signals, _, index in to_device(stream, device):
            parts = [extract(signals).cpu().numpy() for extract in extractors]
            if not results:
                widths = [part.shape[1] for part in parts]
                _check_memory(len(rows), sum(widths))
                results = [np.empty((len(rows), width), np.float32) for width in widths]
            positions = np.searchsorted(rows, index.cpu().numpy())
            for result, part in zip(results, parts, strict=True):
                result[positions] = part
    return results


def _check_memory(n_windows: int, n_features: int) -> None:
    """Refuse features that the free memory cannot hold, because the process would be killed."""
    needed = FLOAT32_BYTES * n_windows * n_features
    free = psutil.virtual_memory().available
    if needed > free:
        raise ConfigError(
            f"{count(n_features, 'feature')} of {count(n_windows, 'window')} "
            f"{'takes' if n_features == 1 else 'take'} {format_size(needed)} of memory, "
            f"{format_size(free)} are free; name a later --layer, or one --split at a time"
        )
