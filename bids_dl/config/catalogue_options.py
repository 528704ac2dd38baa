"""Options of catalogues, declared once as in `bids_dl.config.options`."""

from typing import Annotated, Required

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, PathLike


class CatalogueOptions(AccessOptions, total=False):
    """Options of `bids_dl.catalogue`."""

    output: Required[
        Annotated[
            PathLike,
            Opt(
                "Folder of the site; one that this command wrote is updated.",
                "SITE",
                OUTPUT,
                flags=("--output", "-o"),
            ),
        ]
    ]
    site_title: Annotated[str, Opt("Title of the site.", "TEXT", OUTPUT)]
    site_url: Annotated[
        str,
        Opt(
            "Address that the site will have, so that its pages name stores beside them by their "
            "whole address.",
            "URL",
            OUTPUT,
        ),
    ]
