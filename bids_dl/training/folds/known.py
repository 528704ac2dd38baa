"""Windows that a training or a probe may use: those selected that have a target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bids_dl.errors import TargetError
from bids_dl.models.target_columns import TargetValues


def find_known(
    target: TargetValues, is_selected: npt.NDArray[np.bool_], name: str, *, drop_missing: bool
) -> npt.NDArray[np.bool_]:
    """Return the windows (n_windows,) that are selected and have a target.

    Parameters
    ----------
    target
        Target of all windows.
    is_selected
        (n_windows,): windows that meet the conditions of ``--where``.
    name
        Name of the store, for the message.
    drop_missing
        Leave out windows without a target.

    Raises
    ------
    TargetError
        Selected windows have no target, and ``drop_missing`` is False.
    """
    n_missing = int((is_selected & target.is_missing).sum())
    if n_missing and not drop_missing:
        raise TargetError(
            f"{name}: {n_missing} of {int(is_selected.sum())} windows have no "
            f"{target.spec.name!r}; --drop-missing leaves them out"
        )
    known: npt.NDArray[np.bool_] = is_selected & ~target.is_missing
    return known
