"""Names of options, and options of a file system: all that opening a store needs.

The stages of a conversion take longer to import than a store takes to describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.config.declaration import declared_options
from bids_dl.config.options import AccessOptions
from bids_dl.config.validation import check_names
from bids_dl.config.values import parse_assignments

Options = Mapping[str, Any]


def check_options(options: Options, *declarations: type) -> None:
    """Refuse options that none of the declarations has.

    Raises
    ------
    ConfigError
        The message has the closest known name, or all names.
    """
    declared = declared_options(*declarations).values()
    former = [option.key for option in declared if option.key != option.name]
    check_names(options, [*(option.name for option in declared), *former])


def parse_storage_options(options: Options) -> dict[str, Any] | None:
    """Return the options of fsspec, or None if there are none."""
    option = declared_options(AccessOptions)["storage_options"]
    value = options.get(option.name, options.get(option.key))
    return parse_assignments(value, option.flags[0])
