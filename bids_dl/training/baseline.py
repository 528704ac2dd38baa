"""Baseline of every result: a linear model of band power, on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.band_power import BandPower
from bids_dl.models.compute import pick_device
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_decoding import decode
from bids_dl.stream import StreamingDataset, to_device
from bids_dl.training.folds.fold import Fold, Rows
from bids_dl.training.objectives import fit_target, make_objective

Features = npt.NDArray[np.float32]

# C of scikit-learn's LogisticRegression. Windows of one person resemble each other, so a window
# counts less than an independent observation: 0.01 was better than 0.1 and 1 on unseen people in
# eyes (in µV: 93, 90 and 86 % of windows), rest against arithmetic, and planted effects.
INVERSE_PENALTY = 0.01
MAX_ITERATIONS = 500  # of L-BFGS; 100,000 windows of 300 features take about 70
TOLERANCE = 1e-5  # of the gradient of the mean loss
MIN_STD = 1e-3  # dB; a feature below it is constant


@dataclass(frozen=True, slots=True)
class Standardization:
    """Mean and standard deviation (n_features,) of the training windows, as batch norm has them."""

    mean: Tensor
    std: Tensor

    def apply(self, features: Tensor) -> Tensor:
        """Return features minus their mean, divided by their standard deviation."""
        return (features - self.mean) / self.std


def read_features(
    stream: StreamingDataset, n_chans: int, n_times: int, sfreq: float, device: torch.device
) -> tuple[Rows, Features]:
    """Compute the log band power of all windows of a stream, in one pass.

    Parameters
    ----------
    stream
        Stream of the windows, in any order. Normalization by the training windows changes nothing
        here, because it shifts each feature by a constant; so the stream may be in µV instead.
    n_chans, n_times, sfreq
        Channels, samples and sampling rate (Hz) of the windows.
    device
        Device of the computation.

    Returns
    -------
    rows
        (n_windows,): rows of the store, ascending.
    features
        (n_windows, n_features) float32 in dB, as `BandPower.features` returns them.

    Raises
    ------
    ModelError
        The windows are too short for any band.

    Examples
    --------
    >>> stream = StreamingDataset("eyes.zarr")
    >>> rows, features = read_features(stream, 24, 256, 128.0, torch.device("cpu"))
    >>> features.shape
    (240, 120)
    """
    model = BandPower(n_chans, n_times, 1, sfreq).to(device)
    all_rows: list[Rows] = []
    all_features: list[Features] = []
    with torch.inference_mode():
        for signals, _, index in to_device(stream, device):
            all_rows.append(index.cpu().numpy())
            all_features.append(model.features(signals).cpu().numpy())
    rows = np.concatenate(all_rows)
    order = np.argsort(rows)
    return rows[order], np.concatenate(all_features)[order]


def fit_baseline(
    features: Features,
    index: Rows,
    folds: Sequence[Fold],
    values: npt.NDArray[Any],
    spec: TargetSpec,
    config: TrainConfig,
) -> list[tuple[int, Rows, npt.NDArray[np.float64]]]:
    """Fit the linear model on the training windows of each fold, and predict its test windows.

    The model is that of ``band-power``, but batch norm uses all training windows, and the dense
    layer is fitted until it converges. So the result has no seed and no learning rate. Its loss is
    that of the training, without label smoothing, plus an L2 penalty as in scikit-learn's
    ``LogisticRegression(C=0.01)`` for several classes, which has one row of weights per class.

    Parameters
    ----------
    features, index
        Features and rows of the store, as `read_features` returns them.
    folds
        Folds, whose training and test rows are in ``index``.
    values
        (n_rows_of_store,) or (n_rows_of_store, n_columns): targets, as in `TargetValues`.
    spec
        Target.
    config
        Loss, class weights and device.

    Returns
    -------
    list of (int, numpy.ndarray, numpy.ndarray)
        Of each fold: its index, its test rows, and predictions (n_rows, n_outputs) as `decode`
        returns them.

    Raises
    ------
    TargetError
        All training windows of a fold have the same number.

    Examples
    --------
    >>> from bids_dl.training.folds.fold import make_fold
    >>> fold = make_fold(0, "b", same_person=False, train=np.arange(4), test=np.arange(4, 6))
    >>> features = np.array([[1], [2], [8], [9], [1], [9]], np.float32)
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> classes = np.array([0, 0, 1, 1, 0, 1])
    >>> [(_, rows, shares)] = fit_baseline(
    ...     features, np.arange(6), [fold], classes, spec, TrainConfig(device="cpu")
    ... )
    >>> rows.tolist(), shares.argmax(axis=1).tolist()
    ([4, 5], [0, 1])
    """
    config = replace(config, label_smoothing=0.0)
    device = pick_device(config.device)
    results: list[tuple[int, Rows, npt.NDArray[np.float64]]] = []
    for fold in folds:
        train = fold.train
        test = fold.test
        fold_spec = fit_target(spec, values[train])
        x = torch.from_numpy(features[np.searchsorted(index, train)]).to(device)
        standardization = standardize(x)
        x = standardization.apply(x)
        weight, bias = fit_dense(x, values[train], fold_spec, config)
        x = torch.from_numpy(features[np.searchsorted(index, test)]).to(device)
        outputs = standardization.apply(x) @ weight.T + bias
        results.append((fold.index, test, decode(fold_spec, outputs.cpu().numpy())))
    return results


def standardize(features: Tensor) -> Standardization:
    """Return mean and standard deviation of features (n_windows, n_features).

    The standard deviation of a constant feature is 1, so that the feature becomes 0.
    """
    mean = features.mean(dim=0)
    std = features.std(dim=0, correction=0)
    return Standardization(mean, torch.where(std > MIN_STD, std, torch.ones_like(std)))


def fit_dense(
    x: Tensor,
    values: npt.NDArray[Any],
    spec: TargetSpec,
    config: TrainConfig,
    *,
    inverse_penalty: float = INVERSE_PENALTY,
) -> tuple[Tensor, Tensor]:
    """Fit a dense layer until it converges.

    Parameters
    ----------
    x
        (n_windows, n_features) float32: standardized features.
    values
        (n_windows,) or (n_windows, n_columns): targets, as in `TargetValues`.
    spec
        Target, with mean and standard deviation of a number by `fit_target`.
    config
        Loss, class weights and label smoothing.
    inverse_penalty
        C of scikit-learn's ``LogisticRegression``.

    Returns
    -------
    weight, bias
        (n_outputs, n_features) and (n_outputs,) with the smallest penalized loss.
    """
    weight = torch.zeros(spec.n_outputs, x.shape[1], device=x.device, requires_grad=True)
    bias = torch.zeros(spec.n_outputs, device=x.device, requires_grad=True)
    objective = make_objective(spec, config, values, x.device)
    target = objective.to_target(torch.from_numpy(values).to(x.device))
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=MAX_ITERATIONS,
        tolerance_grad=TOLERANCE,
        tolerance_change=0.0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def compute_loss() -> Tensor:
        optimizer.zero_grad()
        numerator, denominator = objective.loss_sums(x @ weight.T + bias, target)
        penalty = weight.square().sum() / (2 * inverse_penalty)
        loss = (numerator + penalty) / denominator
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(compute_loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
