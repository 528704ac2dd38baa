"""Options of the plug-in of EEGLAB, declared once as in `bids_dl.config.options`."""

from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT


class InstallOptions(TypedDict, total=False):
    """Options of `bids-dl eeglab install`."""

    overwrite: Annotated[
        bool, Opt("Replace an installed plug-in of the same version.", panel=OUTPUT)
    ]


class ZipOptions(TypedDict, total=False):
    """Options of `bids-dl eeglab zip`."""

    overwrite: Annotated[bool, Opt("Replace an existing file.", panel=OUTPUT)]
