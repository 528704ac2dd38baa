"""Removal of cached files of remote datasets: settings of `bids-dl cache`."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT


@dataclass(frozen=True, config=STRICT)
class CacheConfig:
    """Cached files of remote datasets to remove; none by default.

    Parameters
    ----------
    cache
        Folder of the cache, as in `FetchConfig`.
    remove
        Datasets, or versions of them; () for all.
    older_than
        Seconds since the last use.
    all
        Remove everything.
    """

    cache: str | None = None
    remove: tuple[str, ...] = ()
    older_than: float | None = Field(default=None, ge=0)
    all: bool = False

    @property
    def removes(self) -> bool:
        """True if anything is to be removed."""
        return bool(self.remove) or self.older_than is not None or self.all
