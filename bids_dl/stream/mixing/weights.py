"""Draw a share of windows of each store for each epoch, as a pure function of seed and epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from bids_dl.config.arguments import check_integers, wrong_type
from bids_dl.errors import ConfigError, NoMatchError
from bids_dl.stream.order import Indices

MAX_EPOCH_WINDOWS = 10**8  # so that the order of an epoch takes few GB; the default is far below
DRAW_KEY = 20  # of the random generators, apart from those of the order


class DrawnWindows(NamedTuple):
    """Windows of an epoch."""

    windows: Indices  # positions among the selected windows
    copies: Indices  # 0 for the first time that the epoch contains a window, 1 for the second, ...


@dataclass(frozen=True, slots=True)
class WeightedDraw:
    """Draws of windows in fixed numbers per store and epoch.

    The windows of a store are drawn from a sequence of permutations of all its windows. So each
    window is drawn equally often, up to one time, within an epoch and over all epochs. The windows
    of a chunk are drawn together, so that a small share reads few chunks.

    Parameters
    ----------
    bounds
        (n_stores + 1,): store ``i`` has the selected windows ``bounds[i]`` to ``bounds[i + 1]``.
    counts
        (n_stores,): windows per epoch, at least 1 each.
    chunks
        (n_windows,): chunk of each selected window.
    """

    bounds: Indices
    counts: Indices
    chunks: Indices

    @property
    def n_windows(self) -> int:
        """Number of windows of an epoch."""
        return int(self.counts.sum())

    def draw(self, seed: int, epoch: int) -> DrawnWindows:
        """Return the windows of an epoch, store after store."""
        parts = [
            self._draw_store(store, seed, epoch, count)
            for store, count in enumerate(self.counts.tolist())
        ]
        windows, copies = zip(*parts, strict=True)
        return DrawnWindows(np.concatenate(windows), np.concatenate(copies))

    def _draw_store(self, store: int, seed: int, epoch: int, count: int) -> DrawnWindows:
        first, last = self.bounds[store : store + 2].tolist()
        size = last - first
        start = epoch * count
        first_cycle = start // size
        windows: list[Indices] = []
        copies: list[Indices] = []
        for cycle in range(first_cycle, (start + count - 1) // size + 1):
            permutation = _permute(self.chunks[first:last], cycle, count, (seed, store))
            taken = permutation[max(0, start - cycle * size) : start + count - cycle * size]
            windows.append(first + taken)
            copies.append(np.full(len(taken), cycle - first_cycle))
        return DrawnWindows(np.concatenate(windows), np.concatenate(copies))


def _permute(chunks: Indices, cycle: int, count: int, key: tuple[int, int]) -> Indices:
    """Return a permutation of the windows of a store, chunk after chunk.

    All cycles have the same windows at the ends that an epoch shares with the cycle before or
    after, so that no window is in both or in neither of them. The order of the others is drawn for
    each cycle.

    Parameters
    ----------
    chunks
        (n_windows,): chunk of each window.
    cycle
        Number of the permutation.
    count
        Windows per epoch.
    key
        Seed and store.
    """
    size = len(chunks)
    permutation = _shuffle_chunks(chunks, np.arange(size), (*key, 0))
    head = min(size, -(cycle * size) % count)
    tail = min(size - head, (cycle + 1) * size % count)
    inner = permutation[head : size - tail]
    permutation[head : size - tail] = _shuffle_chunks(chunks, inner, (*key, cycle + 1))
    return permutation


def _shuffle_chunks(chunks: Indices, windows: Indices, key: tuple[int, int, int]) -> Indices:
    """Return windows with their chunks in random order."""
    if not len(windows):
        return windows
    first = int(chunks[0])
    priority = np.random.default_rng([*key, DRAW_KEY]).random(int(chunks[-1]) - first + 1)
    return windows[np.argsort(priority[chunks[windows] - first], kind="stable")]


def make_draw(
    weights: Sequence[float] | None,
    epoch_windows: int | None,
    *,
    urls: Sequence[str],
    sizes: Sequence[int],
    chunks: Indices,
) -> WeightedDraw | None:
    """Prepare the draws of a stream, None if it has no weights.

    Parameters
    ----------
    weights
        Positive number per store: its share of the windows of an epoch.
    epoch_windows
        Windows per epoch of all stores and ranks. None takes the number of selected windows.
    urls, sizes
        Path or URL of each store, and the number of its selected windows.
    chunks
        (n_windows,): chunk of each selected window.

    Raises
    ------
    ArgumentTypeError
        ``weights`` are no numbers.
    ConfigError
        There is one store, another number of weights, or a weight that is no positive number.
    NoMatchError
        A store has no selected window.
    """
    if weights is None:
        return None
    shares = _check_weights(weights, len(urls))
    for url, size in zip(urls, sizes, strict=True):
        if size == 0:
            raise NoMatchError(
                f"{url}: no window of this store is selected, so it cannot have a weight; "
                "leave the store and its weight out"
            )
    n_windows = sum(sizes) if epoch_windows is None else int(epoch_windows)
    counts = share_windows(shares, n_windows)
    if 0 in counts:
        store = counts.index(0)
        raise ConfigError(
            f"weights: {urls[store]} has the weight {weights[store]:g} and would get none of "
            f"{n_windows} windows per epoch; increase the weight or epoch_windows"
        )
    return WeightedDraw(np.cumsum([0, *sizes]), np.array(counts, np.int64), chunks)


def share_windows(shares: Sequence[Fraction], n_windows: int) -> list[int]:
    """Divide windows in proportion to shares, by the method of the largest remainder.

    Examples
    --------
    >>> share_windows([Fraction(3), Fraction(1)], 10)
    [8, 2]
    """
    quotas = [share * n_windows / sum(shares) for share in shares]
    counts = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda store: counts[store] - quotas[store])
    for store in by_remainder[: n_windows - sum(counts)]:
        counts[store] += 1
    return counts


def check_epoch_options(weights: Any, epoch_windows: Any, *, shuffle: bool) -> None:
    """Check the options that depend on each other.

    Raises
    ------
    ConfigError
        ``epoch_windows`` is given without ``weights`` or is too large, or ``weights`` are given
        without ``shuffle``.
    """
    if epoch_windows is not None:
        check_integers(epoch_windows=epoch_windows)
        if epoch_windows > MAX_EPOCH_WINDOWS:
            raise ConfigError(
                f"epoch_windows must be at most {MAX_EPOCH_WINDOWS}, got {epoch_windows}; "
                "use several epochs, or endless=True"
            )
        if weights is None:
            raise ConfigError("epoch_windows needs weights=, one number per store")
    if weights is not None and not shuffle:
        raise ConfigError("weights draw windows at random; use them with shuffle=True")


def _check_weights(weights: Any, n_stores: int) -> list[Fraction]:
    """Return the weights as exact numbers."""
    expected = "a list of positive numbers, one per store"
    if isinstance(weights, str | bytes) or not isinstance(weights, Sequence | np.ndarray):
        raise wrong_type("weights", expected, weights)
    if n_stores == 1:
        raise ConfigError("weights are shares of several stores; this stream has one store")
    if len(weights) != n_stores:
        raise ConfigError(f"weights must have one number per store, {n_stores}, got {len(weights)}")
    shares: list[Fraction] = []
    for weight in weights:
        if not isinstance(weight, Real) or isinstance(weight, bool):
            raise wrong_type("weights", expected, weights)
        try:
            share = float(weight)
        except OverflowError:  # of an integer
            share = math.inf
        if not 0 < share < math.inf:
            raise ConfigError(f"weights must be positive numbers, got {weight}")
        shares.append(Fraction(share))
    return shares
