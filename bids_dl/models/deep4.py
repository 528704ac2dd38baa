"""Deep4Net: four blocks of convolution and max-pooling on raw signals."""

from __future__ import annotations

from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.shallow_fbcsp import SpatioTemporal
from bids_dl.models.spec import ModelSpec

PUBLISHED_HZ = 250.0
KERNEL = 10  # samples of each convolution at the paper's rate there, which poolings divide
POOL = 3  # samples of each pooling, and its stride
N_FILTERS = 25


class Deep4(nn.Module):
    """Temporal then spatial convolution, three convolutions, each with batch norm, ELU, max-pool.

    The deep network of Schirrmeister et al. 2017 (doi:10.1002/hbm.23730): 25 filters of 10
    samples, then 50, 100 and 200, each block pooled by 3, at 250 Hz. Lengths are in seconds, so
    each block covers the same time at any sampling rate. It accepts any montage and window length.

    The network differs from the publication in two ways. It classifies whole windows, not crops.
    It returns logits, because the softmax belongs to the loss.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz.
    n_filters
        Filters of the first block. The others have two, four and eight times as many.
    dropout
        Fraction of the features dropped before each of the three later convolutions.

    Raises
    ------
    ModelError
        The window is shorter than kernels and poolings together.
    ValueError
        The number of filters is less than 1.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        n_filters: int = N_FILTERS,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if n_filters < 1:
            raise ValueError("n_filters must be at least 1")
        lengths = block_lengths(sfreq)
        n_features = n_times
        for kernel, pool in lengths:
            n_features = max(0, n_features - kernel + 1) // pool
        if n_features < 1:
            shortest = shortest_window(sfreq)
            raise ModelError(
                f"model deep4 expects windows of at least {shortest / sfreq:.3g} s "
                f"({shortest} samples at {sfreq:g} Hz), got {n_times} samples"
            )
        (kernel, pool), *later = lengths
        self.filters = SpatioTemporal(n_chans, n_filters, kernel)
        layers: list[nn.Module] = [*_normalize_and_pool(n_filters, pool)]
        width = n_filters
        for kernel, pool in later:
            layers += [
                nn.Dropout(dropout),
                nn.Conv1d(width, 2 * width, kernel, bias=False),
                *_normalize_and_pool(2 * width, pool),
            ]
            width *= 2
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.dense = nn.Linear(width * n_features, n_outputs)
        for weight in self.parameters():
            if weight.ndim > 2 or weight is self.dense.weight:
                nn.init.xavier_uniform_(weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        logits: Tensor = self.dense(self.features(self.filters(signals)))
        return logits


def block_lengths(sfreq: float) -> list[tuple[int, int]]:
    """Return the samples of kernel and pooling of each block, at a sampling rate in Hz.

    Each pooling lowers the rate of the next block. Lengths in s are those of the paper.

    Examples
    --------
    >>> block_lengths(250.0)
    [(10, 3), (10, 3), (10, 3), (10, 3)]
    >>> block_lengths(128.0)
    [(5, 2), (8, 2), (12, 3), (12, 3)]
    """
    lengths = []
    published = PUBLISHED_HZ
    for _ in range(4):
        kernel = max(1, round(KERNEL * sfreq / published))
        pool = max(1, round(POOL * sfreq / published))
        lengths.append((kernel, pool))
        sfreq /= pool
        published /= POOL
    return lengths


def shortest_window(sfreq: float) -> int:
    """Return the samples of the shortest window at a sampling rate in Hz.

    Examples
    --------
    >>> shortest_window(250.0)
    441
    """
    n_times = 1
    for kernel, pool in reversed(block_lengths(sfreq)):
        n_times = n_times * pool + kernel - 1
    return n_times


def _normalize_and_pool(n_filters: int, pool: int) -> tuple[nn.Module, ...]:
    return nn.BatchNorm1d(n_filters), nn.ELU(), nn.MaxPool1d(pool)


SPEC = ModelSpec(
    name="deep4",
    summary="four blocks of convolution, batch norm and pooling: deep, for any montage and rate",
    source="Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
    shape=None,
    make=Deep4,
    rate=PUBLISHED_HZ,
    min_seconds=shortest_window(PUBLISHED_HZ) / PUBLISHED_HZ,
)
