"""Log of the numbers of epochs, as TensorBoard shows them."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path

from bids_dl.config.training_options import Logger
from bids_dl.errors import MissingPackageError
from bids_dl.requirements import describe_missing


class EpochLog:
    """Scalars in a folder that ``tensorboard --logdir FOLDER`` shows.

    A resumed run appends a file, in which TensorBoard finds the later epochs.

    Parameters
    ----------
    folder
        Folder of the log.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # takes a second to import

        self._writer = SummaryWriter(str(folder))

    def add(self, group: str, row: Mapping[str, float]) -> None:
        """Log the numbers of an epoch, whose number is ``row["epoch"]``."""
        for name, value in row.items():
            if name != "epoch" and math.isfinite(value):
                self._writer.add_scalar(f"{group}/{name}", value, int(row["epoch"]))
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def check_logger(log: Logger | None) -> None:
    """Check that the package of a logger is installed.

    Raises
    ------
    ConfigError
        It is missing.

    Examples
    --------
    >>> check_logger(None)
    """
    if log == "tensorboard" and importlib.util.find_spec("tensorboard") is None:
        raise MissingPackageError(f"--log tensorboard: {describe_missing('tensorboard')}")
