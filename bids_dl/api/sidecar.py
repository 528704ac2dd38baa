"""The function `make_sidecar`: datasets that have no HED get a file to write it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.api.stores import Sources
from bids_dl.config.arguments import as_path, as_paths, check_callables
from bids_dl.config.options import PathLike, SidecarOptions

if TYPE_CHECKING:
    from bids_dl.selection.tables.sidecar_template import SidecarTemplate


@name_arguments
def make_sidecar(
    sources: Sources,
    file: PathLike,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[SidecarOptions],
) -> SidecarTemplate:
    """Write a file like events.json to fill in: the columns and values of events.tsv.

    Where a value is named like a tag of HED, the tag is suggested. The file is valid as it is, and
    `events` and `convert` read it with the option `hed_sidecar`. The datasets are not changed.

    Parameters
    ----------
    sources
        BIDS dataset, or several: a folder, ``openneuro:ID``, ``nemar:ID``, or a URL.
    file
        File to write, which must not exist.
    on_message
        Called with one line for each thing that was left out, and on slow work.
    **options
        Options of `bids-dl events` that choose recordings or fetch them; see docs/cli.md.

    Returns
    -------
    SidecarTemplate
        The content of the file, its columns with the tags that are suggested, and the columns that
        are left out because they have HED.

    Raises
    ------
    bids_dl.errors.RequestError
        The file exists, a source or an option is wrong, or there is no column to annotate.

    Examples
    --------
    >>> import bids_dl
    >>> from bids_dl.testing import make_dataset
    >>> dataset = make_dataset("rest", n_subjects=2, events="hbn")
    >>> template = bids_dl.make_sidecar(dataset.root, "rest.json")
    >>> [column.name for column in template.columns], template.annotated
    (['event_code'], ('value',))
    """
    from bids_dl.config import access_parsing, parsing
    from bids_dl.planning.template_file import write_template
    from bids_dl.source import open_access

    access_parsing.check_options(options, SidecarOptions)
    check_callables(on_message=on_message)
    with open_access(parsing.parse_fetching(options), on_message=on_message) as access:
        return write_template(
            as_paths("sources", sources),
            parsing.parse_source(options),
            as_path("file", file),
            access,
            on_message=on_message,
        )
