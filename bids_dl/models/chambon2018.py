"""Sleep staging network of Chambon et al. 2018."""

from __future__ import annotations

from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models.spec import ModelSpec

KERNEL_SECONDS = 0.5
POOL_SECONDS = 0.125


class Chambon2018(nn.Module):
    """Spatial filters, then two temporal convolutions with max-pooling, dropout, dense.

    After Chambon, Galtier, Arnal, Wainrib and Gramfort 2018 (doi:10.1109/TNSRE.2018.2813138): as
    many spatial filters as channels, then twice a convolution of 0.5 s, ReLU and max-pooling of
    0.125 s, with the same filters for each spatial filter. Samples are rounded down, to 50 and 12
    at 100 Hz. It accepts any montage, rate and window length.

    The network differs from the publication in two ways. All channels share one temporal stack,
    where the publication has one for EEG with EOG and one for EMG. It returns logits, because the
    softmax belongs to the loss.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs, five for sleep stages.
    sfreq
        Sampling rate in Hz. The paper uses 128 Hz.
    n_filters
        Number of filters of each temporal convolution.
    dropout
        Fraction of the features dropped before the dense layer.

    Raises
    ------
    ModelError
        The window is shorter than both poolings, or the rate is too low for a pooling.
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
        n_filters: int = 8,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if n_filters < 1:
            raise ValueError("n_filters must be at least 1")
        kernel, pool = int(KERNEL_SECONDS * sfreq), int(POOL_SECONDS * sfreq)
        if pool < 1:
            lowest = 1 / POOL_SECONDS
            raise ModelError(
                f"model chambon2018 expects a rate of at least {lowest:g} Hz, got {sfreq:g} Hz"
            )
        n_pooled = _pool_twice(n_times, kernel, pool)
        if n_pooled < 1:
            shortest = _shortest_window(kernel, pool)
            raise ModelError(
                f"model chambon2018 expects windows of at least {shortest / sfreq:.3g} s "
                f"({shortest} samples at {sfreq:g} Hz), got {n_times} samples"
            )
        self.spatial = nn.Conv2d(1, n_chans, (n_chans, 1))
        self.temporal = nn.Sequential(
            *_convolve_and_pool(1, n_filters, kernel, pool),
            *_convolve_and_pool(n_filters, n_filters, kernel, pool),
        )
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_filters * n_chans * n_pooled, n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times)."""
        filtered = self.spatial(signals.unsqueeze(1)).transpose(1, 2)
        features = self.dropout(self.temporal(filtered).flatten(1))
        logits: Tensor = self.dense(features)
        return logits


def _convolve_and_pool(n_maps: int, n_filters: int, kernel: int, pool: int) -> list[nn.Module]:
    convolution = nn.Conv2d(n_maps, n_filters, (1, kernel), padding=(0, kernel // 2))
    return [convolution, nn.ReLU(), nn.MaxPool2d((1, pool))]


def _pool_twice(n_times: int, kernel: int, pool: int) -> int:
    """Return the samples that both stages leave of a window."""
    for _ in range(2):
        n_times = max(0, n_times + 2 * (kernel // 2) - kernel + 1) // pool
    return n_times


def _shortest_window(kernel: int, pool: int) -> int:
    """Return the samples of the shortest window."""
    n_times = 1
    while _pool_twice(n_times, kernel, pool) < 1:
        n_times += 1
    return n_times


SPEC = ModelSpec(
    name="chambon2018",
    summary="spatial filters and two temporal convolutions: sleep stages, any montage and rate",
    source="Chambon et al. 2018, doi:10.1109/TNSRE.2018.2813138",
    shape=None,
    make=Chambon2018,
    normalize="window",
    rate=128.0,
    min_seconds=1.87,
    example=(2, 3000, 100.0),
)
