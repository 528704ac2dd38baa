"""Spherical splines between electrodes, as MNE computes them."""

from __future__ import annotations

import numpy as np

from bids_dl.preprocess.step import Array

MIN_ELECTRODES = 4  # to interpolate from; a spline of fewer is hardly more than their mean


def spline_weights(from_directions: Array, to_directions: Array) -> Array:
    """Return the weights of spherical splines [1]_ from some electrodes to others.

    Parameters
    ----------
    from_directions, to_directions
        (n_from, 3) and (n_to, 3): unit vectors from the centre of the head.

    Returns
    -------
    weights
        (n_to, n_from): those of `mne.io.Raw.interpolate_bads`, found by interpolating unit
        signals, one per source channel.

    References
    ----------
    .. [1] Perrin et al. 1989, Electroencephalogr Clin Neurophysiol 72(2), 184-187,
       doi:10.1016/0013-4694(89)90180-6.

    Examples
    --------
    >>> square = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], float)
    >>> spline_weights(square, np.array([[0.0, 0.0, 1.0]])).round(3).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    import mne

    n_from = len(from_directions)
    n_to = len(to_directions)
    info = mne.create_info(n_from + n_to, 1000.0, "eeg", verbose="error")
    all_directions = np.vstack([from_directions, to_directions])
    for channel, direction in zip(info["chs"], all_directions, strict=True):
        channel["loc"][:3] = direction
    info["bads"] = info["ch_names"][n_from:]
    signals = np.vstack([np.eye(n_from), np.zeros((n_to, n_from))])
    unit = mne.io.RawArray(signals, info, verbose="error")
    unit.interpolate_bads(origin=(0.0, 0.0, 0.0), method={"eeg": "spline"}, verbose="error")
    return np.asarray(unit.get_data()[n_from:], dtype=np.float64)
